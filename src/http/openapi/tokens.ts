/** Tokens, their roles and leases, and the login of administrators. */
import { does, type Fields, gives, type Route } from './route.js';

const CREATE: Fields = {
  ...{ policies: 'strings', no_default_policy: 'boolean', ttl: 'duration', lease: 'duration', period: 'duration' },
  ...{ explicit_max_ttl: 'duration', renewable: 'boolean', num_uses: 'integer', meta: 'map', display_name: 'string' },
  ...{ no_parent: 'boolean', id: 'string', type: 'string', entity_alias: 'string' },
};
const ROLE: Fields = {
  ...{ allowed_policies: 'strings', disallowed_policies: 'strings', allowed_policies_glob: 'strings' },
  ...{ disallowed_policies_glob: 'strings', orphan: 'boolean', renewable: 'boolean', path_suffix: 'string' },
  ...{ allowed_entity_aliases: 'strings', period: 'duration', token_period: 'duration', explicit_max_ttl: 'duration' },
  ...{ token_explicit_max_ttl: 'duration', token_type: 'string', token_no_default_policy: 'boolean' },
  ...{ token_bound_cidrs: 'strings', token_num_uses: 'integer' },
};
const TOKEN: Fields = { token: 'string' };
const ACCESSOR: Fields = { accessor: 'string' };
const INCREMENT: Fields = { increment: 'duration' };
const LEASE: Fields = { lease_id: 'string' };

const created = (summary: string) => gives(summary, CREATE, 'auth');
const renewed = (summary: string, fields: Fields) => gives(summary, { ...fields, ...INCREMENT }, 'auth');
const looked = (summary: string, fields: Fields) => ({ read: gives(summary, fields), write: gives(summary, fields) });

export const tokens: readonly Route[] = [
  { path: 'auth/token/create', verbs: { write: created('Makes a token, a child of the caller’s') } },
  { path: 'auth/token/create-orphan', verbs: { write: created('Makes a token without a parent') } },
  { path: 'auth/token/create/{role}', verbs: { write: created('Makes a token as a role says') } },
  { path: 'auth/token/lookup-self', verbs: looked('The caller’s own token', {}) },
  { path: 'auth/token/lookup', verbs: looked('A token', TOKEN) },
  { path: 'auth/token/lookup-accessor', verbs: looked('A token by its accessor', ACCESSOR) },
  { path: 'auth/token/accessors', verbs: { list: gives('Accessors of all tokens') } },
  { path: 'auth/token/renew-self', verbs: { write: renewed('Renews the caller’s own token', {}) } },
  { path: 'auth/token/renew', verbs: { write: renewed('Renews a token', TOKEN) } },
  { path: 'auth/token/renew-accessor', verbs: { write: renewed('Renews a token by its accessor', ACCESSOR) } },
  { path: 'auth/token/revoke-self', verbs: { write: does('Ends the caller’s own token and its children') } },
  { path: 'auth/token/revoke', verbs: { write: does('Ends a token and its children', TOKEN) } },
  { path: 'auth/token/revoke-accessor', verbs: { write: does('Ends a token by its accessor', ACCESSOR) } },
  { path: 'auth/token/revoke-orphan', verbs: { write: does('Ends a token; its children become orphans', TOKEN) } },
  { path: 'auth/token/roles', verbs: { list: gives('Names of token roles') } },
  {
    path: 'auth/token/roles/{name}',
    verbs: {
      read: gives('A token role'),
      write: does('Writes a token role; what is not sent stays', ROLE),
      delete: does('Removes a token role'),
    },
  },
  { path: 'sys/leases/lookup', verbs: { list: gives('Leases, folder by folder'), write: gives('A lease', LEASE) } },
  { path: 'sys/leases/lookup/{prefix*}', verbs: { list: gives('Leases below a path') } },
  { path: 'sys/leases/renew', verbs: { write: does('Renews a lease', { ...LEASE, ...INCREMENT }) } },
  { path: 'sys/leases/revoke', verbs: { write: does('Ends a lease', LEASE) } },
  { path: 'sys/leases/revoke-prefix/{prefix*}', verbs: { write: does('Ends the leases below a path') } },
  { path: 'sys/leases/revoke-force/{prefix*}', verbs: { write: does('Ends the leases below a path') } },
  { path: 'sys/renew', verbs: { write: does('Renews a lease, by the older name', LEASE) } },
  { path: 'sys/revoke', verbs: { write: does('Ends a lease, by the older name', LEASE) } },
  { path: 'sys/revoke-prefix/{prefix*}', verbs: { write: does('Ends the leases below a path, by the older name') } },
  { path: 'sys/revoke-force/{prefix*}', verbs: { write: does('Ends the leases below a path, by the older name') } },
];
