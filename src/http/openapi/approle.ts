/** AppRole: roles, their settings one by one, secret ids, logging in. */
import { TOKEN_FIELDS } from './logins.js';
import { does, type Fields, type FieldType, gives, type Route } from './route.js';

const ROLE: Fields = {
  ...{ role_id: 'string', bind_secret_id: 'boolean', secret_id_bound_cidrs: 'strings', bound_cidr_list: 'strings' },
  ...{ secret_id_num_uses: 'integer', secret_id_ttl: 'duration', local_secret_ids: 'boolean' },
  ...{ policies: 'strings', period: 'duration', ...TOKEN_FIELDS },
};
const SECRET_ID: Fields = {
  ...{ metadata: 'string', cidr_list: 'strings', token_bound_cidrs: 'strings', num_uses: 'integer', ttl: 'duration' },
};

/** The path below the role, the field that it sets, and its type. */
const SETTINGS: readonly (readonly [path: string, field: string, type: FieldType])[] = [
  ['policies', 'token_policies', 'strings'],
  ['period', 'token_period', 'duration'],
  ['bound-cidr-list', 'bound_cidr_list', 'strings'],
  ['secret-id-bound-cidrs', 'secret_id_bound_cidrs', 'strings'],
  ['secret-id-num-uses', 'secret_id_num_uses', 'integer'],
  ['secret-id-ttl', 'secret_id_ttl', 'duration'],
  ['token-ttl', 'token_ttl', 'duration'],
  ['token-max-ttl', 'token_max_ttl', 'duration'],
  ['token-num-uses', 'token_num_uses', 'integer'],
  ['token-bound-cidrs', 'token_bound_cidrs', 'strings'],
  ['bind-secret-id', 'bind_secret_id', 'boolean'],
];

const settings = SETTINGS.map(([path, field, type]) => ({
  path: `role/{name}/${path}`,
  verbs: {
    read: gives(`A role’s ${field}`),
    write: does(`Sets a role’s ${field}`, { [field]: type }),
    delete: does(`Takes a role’s ${field} back to what it is when nobody sets it`),
  },
}));

const named = (path: string, what: string, fields: Fields): readonly Omit<Route, 'mount'>[] => [
  { path: `role/{name}/${path}/lookup`, verbs: { write: gives(`A secret id by ${what}`, fields) } },
  {
    path: `role/{name}/${path}/destroy`,
    verbs: { write: does(`Ends a secret id by ${what}`, fields), delete: does(`Ends a secret id by ${what}`, fields) },
  },
];

const routes: readonly Omit<Route, 'mount'>[] = [
  {
    path: 'login',
    open: true,
    verbs: { write: gives('Logs in', { role_id: 'string', secret_id: 'string' }, 'auth') },
  },
  { path: 'role', verbs: { list: gives('Names of roles') } },
  {
    path: 'role/{name}',
    verbs: {
      read: gives('A role'),
      write: does('Writes a role; what is not sent stays', ROLE),
      delete: does('Removes a role'),
    },
  },
  ...settings,
  { path: 'role/{name}/local-secret-ids', verbs: { read: gives('Whether secret ids are of this node only: never') } },
  {
    path: 'role/{name}/role-id',
    verbs: { read: gives('A role’s id'), write: does('Sets a role’s id', { role_id: 'string' }) },
  },
  {
    path: 'role/{name}/secret-id',
    verbs: { list: gives('Accessors of a role’s secret ids'), write: gives('Makes a secret id', SECRET_ID) },
  },
  {
    path: 'role/{name}/custom-secret-id',
    verbs: { write: gives('Takes a secret id that the caller chose', { secret_id: 'string', ...SECRET_ID }) },
  },
  ...named('secret-id', 'itself', { secret_id: 'string' }),
  ...named('secret-id-accessor', 'its accessor', { secret_id_accessor: 'string' }),
  { path: 'tidy/secret-id', verbs: { write: gives('Removes expired secret ids') } },
];

export const approle: readonly Route[] = routes.map(route => ({ ...route, mount: 'auth/approle' }));
