/** JWTs: configuration, roles, logging in. */
import { TOKEN_FIELDS } from './logins.js';
import { does, type Fields, gives, type Route } from './route.js';

const CONFIG: Fields = {
  ...{ jwks_url: 'string', jwks_ca_pem: 'string', oidc_discovery_url: 'string', oidc_discovery_ca_pem: 'string' },
  ...{ jwt_validation_pubkeys: 'strings', bound_issuer: 'string', default_role: 'string' },
  jwt_supported_algs: 'strings',
};
const ROLE: Fields = {
  ...{ role_type: 'string', user_claim: 'string', user_claim_json_pointer: 'boolean', bound_audiences: 'strings' },
  ...{ bound_subject: 'string', bound_claims: 'object', bound_claims_type: 'string', claim_mappings: 'map' },
  ...{ groups_claim: 'string', expiration_leeway: 'duration', not_before_leeway: 'duration' },
  ...{ clock_skew_leeway: 'duration', single_use: 'boolean', ...TOKEN_FIELDS },
};

const routes: readonly Omit<Route, 'mount'>[] = [
  {
    path: 'login',
    open: true,
    verbs: { write: gives('Logs in with a JWT', { role: 'string', jwt: 'string' }, 'auth') },
  },
  {
    path: 'config',
    verbs: { read: gives('The configuration'), write: does('Configures; what is not sent is unset', CONFIG) },
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
];

export const jwt: readonly Route[] = routes.map(route => ({ ...route, mount: 'auth/jwt' }));
