/** Userpass mounts (vault-wire.md §12.1): users, their passwords and policies, and logging in. */

import type { Changed } from '../operations/logins/records.js';
import { OLDER_NAMES } from '../operations/logins/userpass/users.js';
import { type Answer, envelope, errors, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call, type Routes, unasked } from './call.js';
import type { Engine } from './engines.js';
import { stringField } from './fields.js';
import { loggedIn } from './token-answers.js';
import { tokenSettingsChange, tokenSettingsData } from './token-settings.js';

interface Place {
  readonly mount: string;
  readonly name: string;
}

const changed = ({ position }: Changed): Answer => withPosition(noContent, position);

const logIn = (call: Call, place: Place): Routes => ({
  write: unasked(() => {
    const input = { ...place, password: stringField(call.fields, 'password') ?? '' };
    return answered(call, call.operations.userpass.login(call.context, input), loggedIn(call));
  }),
});

const user = (call: Call, place: Place): Routes => {
  const { operations, context, fields } = call;
  const written = ({ position, warnings }: Changed & { readonly warnings: readonly string[] }): Answer =>
    withPosition(
      warnings.length === 0 ? noContent : { status: 200, body: envelope(context.requestId, { warnings }) },
      position,
    );
  return {
    read: () =>
      answered(call, operations.userpass.read(context, place), settings =>
        ok(context.requestId, tokenSettingsData(settings, OLDER_NAMES)),
      ),
    write: () => {
      if (fields.has('password_hash')) return HASH_REFUSED;
      const sent = stringField(fields, 'password') ?? '';
      const input = { ...place, password: sent === '' ? null : sent, change: tokenSettingsChange(fields, OLDER_NAMES) };
      return answered(call, operations.userpass.write(context, input), written);
    },
    delete: () => answered(call, operations.userpass.remove(context, place), changed),
  };
};

const HASH_REFUSED = errors(
  400,
  'password_hash is not taken: passwords are kept as Argon2id verifiers, never as bcrypt; send the password',
);

const password = (call: Call, place: Place): Routes => ({
  write: () => {
    if (call.fields.has('password_hash')) return HASH_REFUSED;
    const input = { ...place, password: stringField(call.fields, 'password') ?? '' };
    return answered(call, call.operations.userpass.setPassword(call.context, input), changed);
  },
});

const policies = (call: Call, place: Place): Routes => ({
  write: () => {
    const { token_policies, old_names = [] } = tokenSettingsChange(call.fields, { policies: OLDER_NAMES.policies });
    if (token_policies === undefined) return errors(400, 'missing token_policies');
    const input = { ...place, change: { token_policies, old_names } };
    return answered(call, call.operations.userpass.setPolicies(call.context, input), changed);
  },
});

const BELOW = { password, policies } as const;

const listing = (call: Call, mount: string): Routes => ({
  list: () =>
    answered(call, call.operations.userpass.list(call.context, { mount }), keys =>
      ok(call.context.requestId, { keys }),
    ),
});

const routesOf = (call: Call, mount: string, inside: string): Routes | null => {
  if (inside === 'users' || inside === 'users/') return listing(call, mount);
  const [, door, name = '', below] = /^(login|users)\/([^/]+)(?:\/(password|policies))?$/.exec(inside) ?? [];
  const place = { mount, name };
  if (door === 'login') return below === undefined ? logIn(call, place) : null;
  if (door === undefined) return null;
  return below === 'password' || below === 'policies' ? BELOW[below](call, place) : user(call, place);
};

export const userpass: Engine = (call, mount, inside) => {
  const routes = routesOf(call, mount.path, inside);
  return routes === null ? null : (routes[call.verb]?.() ?? oneError(405, 'unsupported operation'));
};
