/** AppRole (vault-wire.md §11): roles, their settings one by one, and logging in. Secret ids are next door. */

import type { AppRoleChange, AppRoleSettings } from '../operations/logins/approle/contract.js';
import { OLDER_NAMES } from '../operations/logins/approle/settings.js';
import type { Place } from '../operations/logins/records.js';
import { table } from '../table.js';
import { type Answer, changed as changedWith, errors, noContent, ok, oneError, withPosition } from './answer.js';
import { secretIdRoutes } from './approle-secret-ids.js';
import type { Fields } from './body.js';
import { answered, type Call, type Routes, unasked } from './call.js';
import type { Engine } from './engines.js';
import { boolField, type Field, intField, stringField, stringsField } from './fields.js';
import { loggedIn } from './token-answers.js';
import { secondsField, tokenSettingsChange, tokenSettingsData } from './token-settings.js';

/** Besides those of every login method. */
const READERS = {
  role_id: stringField,
  bind_secret_id: boolField,
  secret_id_bound_cidrs: stringsField,
  secret_id_num_uses: intField,
  secret_id_ttl: secondsField,
  local_secret_ids: boolField,
} satisfies { readonly [K in keyof AppRoleSettings]?: Field<AppRoleSettings[K]> };

const TOKEN_OLDER_NAMES = { policies: OLDER_NAMES.policies, period: OLDER_NAMES.period } as const;

const changeOf = (fields: Fields): AppRoleChange => {
  const old = !fields.has('secret_id_bound_cidrs') && fields.has('bound_cidr_list');
  const given = Object.entries(READERS).flatMap(([name, read]) => {
    const value = read(fields, old && name === 'secret_id_bound_cidrs' ? 'bound_cidr_list' : name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const tokens = tokenSettingsChange(fields, TOKEN_OLDER_NAMES);
  const older = [...(tokens.old_names ?? []), ...(old ? ['bound_cidr_list'] : [])];
  return { ...Object.fromEntries(given), ...tokens, ...(older.length === 0 ? {} : { old_names: older }) };
};

const nullIfNone = (list: readonly string[]): readonly string[] | null => (list.length === 0 ? null : list);

const roleData = (role: AppRoleSettings): Readonly<Record<string, unknown>> => ({
  ...tokenSettingsData(role, TOKEN_OLDER_NAMES),
  bind_secret_id: role.bind_secret_id,
  ...(role.old_names.includes('bound_cidr_list') ? { bound_cidr_list: role.secret_id_bound_cidrs } : {}),
  local_secret_ids: role.local_secret_ids,
  secret_id_bound_cidrs: nullIfNone(role.secret_id_bound_cidrs),
  secret_id_num_uses: role.secret_id_num_uses,
  secret_id_ttl: role.secret_id_ttl,
});

export const changed = ({ position }: { readonly position: number | null }): Answer =>
  withPosition(noContent, position);

const oneRole = (call: Call, place: Place): Routes => {
  const { operations, context, fields } = call;
  const written = ({ position, warnings }: { position: number | null; warnings: readonly string[] }): Answer =>
    changedWith(context.requestId, position, warnings);
  return {
    read: () =>
      answered(call, operations.approle.readRole(context, place), role => ok(context.requestId, roleData(role))),
    write: () => answered(call, operations.approle.writeRole(context, { ...place, change: changeOf(fields) }), written),
    delete: () => answered(call, operations.approle.removeRole(context, place), changed),
  };
};

interface Setting {
  readonly setting: keyof AppRoleSettings;
  /** Names that a request may use; the first one is the answer's. */
  readonly names: readonly string[];
  readonly readOnly?: boolean;
}

const setting = (name: keyof AppRoleSettings, ...names: readonly string[]): Setting => ({
  setting: name,
  names: [...names, name],
});

const SETTINGS = table<Setting>({
  policies: { setting: 'token_policies', names: ['token_policies', 'policies'] },
  period: setting('token_period', 'period'),
  'bound-cidr-list': setting('secret_id_bound_cidrs', 'bound_cidr_list'),
  'secret-id-bound-cidrs': setting('secret_id_bound_cidrs'),
  'secret-id-num-uses': setting('secret_id_num_uses'),
  'secret-id-ttl': setting('secret_id_ttl'),
  'token-ttl': setting('token_ttl'),
  'token-max-ttl': setting('token_max_ttl'),
  'token-num-uses': setting('token_num_uses'),
  'token-bound-cidrs': setting('token_bound_cidrs'),
  'bind-secret-id': setting('bind_secret_id'),
  'local-secret-ids': { ...setting('local_secret_ids'), readOnly: true },
});

const oneSetting = (call: Call, place: Place, { setting: name, names, readOnly = false }: Setting): Routes => {
  const { operations, context, fields } = call;
  const [shown = name] = names;
  const read = () =>
    answered(call, operations.approle.readRole(context, place), role => ok(context.requestId, { [shown]: role[name] }));
  if (readOnly) return { read };
  return {
    read,
    write: () => {
      const change = changeOf(new Map([...fields].filter(([field]) => names.includes(field))));
      if (!(name in change)) return errors(400, `missing ${shown}`);
      return answered(call, operations.approle.writeSetting(context, { ...place, change }), changed);
    },
    delete: () => answered(call, operations.approle.resetSetting(context, { ...place, setting: name }), changed),
  };
};

const roleId = (call: Call, place: Place): Routes => {
  const { operations, context, fields } = call;
  return {
    read: () =>
      answered(call, operations.approle.readRole(context, place), ({ role_id }) => ok(context.requestId, { role_id })),
    write: () => {
      const change = { role_id: stringField(fields, 'role_id') ?? '' };
      return answered(call, operations.approle.writeSetting(context, { ...place, change }), changed);
    },
  };
};

const logIn = (call: Call, mount: string): Routes => ({
  write: unasked(() => {
    const { operations, context, fields } = call;
    const input = {
      mount,
      roleId: stringField(fields, 'role_id') ?? '',
      secretId: stringField(fields, 'secret_id') ?? '',
    };
    return answered(call, operations.approle.login(context, input), loggedIn(call));
  }),
});

const listing = (call: Call, mount: string): Routes => ({
  list: () =>
    answered(call, call.operations.approle.listRoles(call.context, { mount }), keys =>
      ok(call.context.requestId, { keys }),
    ),
});

const routesOf = (call: Call, mount: string, inside: string): Routes | null => {
  if (inside === 'login') return logIn(call, mount);
  if (inside === 'role' || inside === 'role/') return listing(call, mount);
  const [, name, below] = /^role\/([^/]+)(?:\/(.+))?$/s.exec(inside) ?? [];
  if (name === undefined) return secretIdRoutes(call, { mount, name: '' }, inside);
  const place = { mount, name };
  if (below === undefined) return oneRole(call, place);
  if (below === 'role-id') return roleId(call, place);
  const known = SETTINGS[below];
  return known === undefined ? secretIdRoutes(call, place, below) : oneSetting(call, place, known);
};

export const approle: Engine = (call, mount, inside) => {
  const routes = routesOf(call, mount.path, inside);
  return routes === null ? null : (routes[call.verb]?.() ?? oneError(405, 'unsupported operation'));
};
