/** The server's state, mounts, policies, audit devices. */
import { does, type Fields, gives, type Route } from './route.js';

const MOUNT: Fields = { type: 'string', description: 'string', config: 'object', options: 'map' };
const TUNE: Fields = {
  ...{ default_lease_ttl: 'duration', max_lease_ttl: 'duration', description: 'string', options: 'map' },
  ...{ listing_visibility: 'string', token_type: 'string', force_no_cache: 'boolean', user_lockout_config: 'object' },
  ...{ audit_non_hmac_request_keys: 'strings', audit_non_hmac_response_keys: 'strings' },
  ...{ passthrough_request_headers: 'strings', allowed_response_headers: 'strings' },
};
const POLICY: Fields = { policy: 'string' };
const PATHS: Fields = { paths: 'strings', path: 'strings' };

const state: readonly Route[] = [
  {
    path: 'sys/health',
    verbs: {
      read: gives(
        'Whether the server serves, as a status',
        { activecode: 'integer', sealedcode: 'integer', uninitcode: 'integer', standbyok: 'boolean' },
        'bare',
      ),
    },
  },
  { path: 'sys/seal-status', verbs: { read: gives('Whether the server is sealed', {}, 'bare') } },
  { path: 'sys/leader', verbs: { read: gives('Who leads: nobody does', {}, 'bare') } },
  {
    path: 'sys/init',
    verbs: {
      read: gives('Whether there is a ledger', {}, 'bare'),
      write: gives(
        'Makes the ledger, its keys and the root token',
        {
          ...{ secret_shares: 'integer', secret_threshold: 'integer' },
          ...{ pgp_keys: 'strings', age_recipients: 'strings', root_token_pgp_key: 'string' },
          ...{ admin_name: 'string', admin_password: 'string', init_code: 'string' },
        },
        'bare',
      ),
    },
  },
  {
    path: 'sys/unseal',
    verbs: {
      write: gives(
        'Gives a share of the root key, or a name and a password',
        { key: 'string', reset: 'boolean', name: 'string', password: 'string', accept_rollback: 'boolean' },
        'bare',
      ),
    },
  },
].map(route => ({ ...route, open: true as const }));

export const system: readonly Route[] = [
  ...state,
  { path: 'sys/seal', verbs: { write: does('Forgets the root key') } },
  { path: 'sys/metrics', verbs: { read: gives('Metrics for Prometheus', {}, 'text') } },
  { path: 'sys/ha-status', verbs: { read: gives('The node that answers') } },
  { path: 'sys/in-flight-req', verbs: { read: gives('What this process answers at this moment', {}, 'bare') } },
  {
    path: 'sys/config/cors',
    verbs: {
      read: gives('Which origins’ pages may ask'),
      write: does('Lets pages of other origins ask', { allowed_origins: 'strings', allowed_headers: 'strings' }),
      delete: does('Lets no other origin ask'),
    },
  },
  {
    path: 'sys/quotas/config',
    verbs: {
      read: gives('Settings of all quotas'),
      write: does('Changes settings of all quotas', {
        ...{ enable_rate_limit_audit_logging: 'boolean', enable_rate_limit_response_headers: 'boolean' },
        rate_limit_exempt_paths: 'strings',
      }),
    },
  },
  { path: 'sys/quotas/rate-limit', verbs: { list: gives('Names of quotas') } },
  {
    path: 'sys/quotas/rate-limit/{name}',
    verbs: {
      read: gives('A quota'),
      write: does('Limits how often a path may be asked for', {
        ...{ path: 'string', rate: 'number', interval: 'duration', block_interval: 'duration' },
        ...{ group_by: 'string', role: 'string', type: 'string' },
      }),
      delete: does('Removes a quota'),
    },
  },
  { path: 'sys/step-down', verbs: { write: does('Nothing: no node leads') } },
  { path: 'sys/internal/specs/openapi', open: true, verbs: { read: gives('This document', {}, 'bare') } },
  { path: 'sys/internal/ui/mounts', open: true, verbs: { read: gives('Mounts that the caller’s policies reach') } },
  { path: 'sys/internal/ui/mounts/{path*}', verbs: { read: gives('The mount that a path is in') } },
  { path: 'sys/internal/ui/resultant-acl', verbs: { read: gives('The caller’s own rules') } },
  { path: 'sys/mounts', verbs: { read: gives('Secrets engines') } },
  {
    path: 'sys/mounts/{path*}',
    verbs: {
      read: gives('A secrets engine'),
      write: does('Enables a secrets engine', MOUNT),
      delete: does('Disables a secrets engine; its streams stay in the ledger'),
    },
  },
  {
    path: 'sys/mounts/{path*}/tune',
    verbs: { read: gives('How a mount is tuned'), write: does('Tunes a mount', TUNE) },
  },
  { path: 'sys/auth', verbs: { read: gives('Auth methods') } },
  {
    path: 'sys/auth/{path*}',
    verbs: {
      read: gives('An auth method'),
      write: does('Enables an auth method', MOUNT),
      delete: does('Disables an auth method and ends the tokens that it issued'),
    },
  },
  {
    path: 'sys/auth/{path*}/tune',
    verbs: { read: gives('How an auth method is tuned'), write: does('Tunes an auth method', TUNE) },
  },
  { path: 'sys/remount', verbs: { write: gives('Moves a mount to another path', { from: 'string', to: 'string' }) } },
  { path: 'sys/remount/status/{id}', verbs: { read: gives('What became of a move') } },
  { path: 'sys/policies/acl', verbs: { list: gives('Names of policies') } },
  {
    path: 'sys/policies/acl/{name*}',
    verbs: {
      read: gives('A policy as it was sent'),
      write: does('Writes a policy, HCL or JSON', POLICY),
      delete: does('Removes a policy'),
    },
  },
  {
    path: 'sys/policy',
    verbs: { read: gives('Names of policies, by the older name'), list: gives('Names of policies, by the older name') },
  },
  {
    path: 'sys/policy/{name*}',
    verbs: {
      read: gives('A policy, by the older name'),
      write: does('Writes a policy, by the older name', { ...POLICY, rules: 'string' }),
      delete: does('Removes a policy, by the older name'),
    },
  },
  { path: 'sys/capabilities-self', verbs: { write: gives('What the caller may do on paths', PATHS) } },
  { path: 'sys/capabilities', verbs: { write: gives('What a token may do on paths', { token: 'string', ...PATHS }) } },
  {
    path: 'sys/capabilities-accessor',
    verbs: { write: gives('What a token may do on paths, by its accessor', { accessor: 'string', ...PATHS }) },
  },
  { path: 'sys/audit', verbs: { read: gives('Audit devices: the ledger') } },
  {
    path: 'sys/audit/{path*}',
    verbs: {
      write: does('Refused: the ledger is the one audit device', MOUNT),
      delete: does('Nothing; refused for the ledger'),
    },
  },
  { path: 'sys/audit-hash/{path*}', verbs: { write: gives('A token as its event names it', { input: 'string' }) } },
];
