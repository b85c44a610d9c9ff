/**
 * Administrators: people with a slot of the root key, who log in with its password. Built in at `auth/administrators`, and at
 * `auth/userpass` as long as no userpass mount has taken that path.
 */
import { type Answer, errors, noContent, oneError, withPosition } from './answer.js';
import { answered, type Call, type Routes, unasked } from './call.js';
import type { Engine } from './engines.js';
import { stringField, stringsField } from './fields.js';
import { loggedIn } from './token-answers.js';

const changed = ({ position }: { readonly position: number | null }): Answer => withPosition(noContent, position);

const policiesOf = ({ fields }: Call): readonly string[] | undefined =>
  stringsField(fields, 'token_policies') ?? stringsField(fields, 'policies');

const logIn = (call: Call, name: string): Routes => ({
  write: unasked(() => {
    const password = stringField(call.fields, 'password') ?? '';
    if (password === '') return errors(400, 'missing password');
    return answered(call, call.operations.auth.login(call.context, { name, password }), loggedIn(call));
  }),
});

/** A further administrator: a slot of the root key under a password of their own. */
const administrator = (call: Call, name: string): Routes => {
  const { fields, operations, context } = call;
  return {
    write: () => {
      const password = stringField(fields, 'password') ?? '';
      if (password === '') return errors(400, 'missing password');
      const policies = policiesOf(call) ?? [];
      return answered(call, operations.sys.addSlot(context, { name, password, policies }), changed);
    },
    delete: () => answered(call, operations.sys.removeSlot(context, { name }), changed),
  };
};

/** No token is asked: the old password says who it is. */
const password = (call: Call, name: string): Routes => ({
  write: () => {
    const { fields, operations, context } = call;
    const [oldPassword, newPassword] = [stringField(fields, 'old_password'), stringField(fields, 'password')];
    if (oldPassword === undefined || newPassword === undefined) return errors(400, 'give old_password and password');
    return answered(call, operations.sys.changePassword(context, { name, oldPassword, newPassword }), changed);
  },
});

const policies = (call: Call, name: string): Routes => ({
  write: () => {
    const named = policiesOf(call);
    if (named === undefined) return errors(400, 'missing policies');
    const input = { name, policies: named };
    return answered(call, call.operations.sys.setAdministratorPolicies(call.context, input), changed);
  },
});

const BELOW = { password, policies } as const;

const routesOf = (call: Call, inside: string): Routes | null => {
  const [, door, name = '', below] = /^(login|users)\/([^/]+)(?:\/(password|policies))?$/.exec(inside) ?? [];
  if (door === 'login') return below === undefined ? logIn(call, name) : null;
  if (door === undefined) return null;
  return below === 'password' || below === 'policies' ? BELOW[below](call, name) : administrator(call, name);
};

export const administrators: Engine = (call, _mount, inside) => {
  const routes = routesOf(call, inside);
  return routes === null ? null : (routes[call.verb]?.() ?? oneError(405, 'unsupported operation'));
};
