/** Client certificates: roles, revocation lists, configuration, logging in. */
import { TOKEN_FIELDS } from './logins.js';
import { does, type Fields, gives, type Route } from './route.js';

const ROLE: Fields = {
  ...{ certificate: 'string', display_name: 'string', required_extensions: 'strings' },
  ...{ allowed_names: 'strings', allowed_common_names: 'strings', allowed_dns_sans: 'strings' },
  ...{ allowed_email_sans: 'strings', allowed_uri_sans: 'strings', allowed_organizational_units: 'strings' },
  ...TOKEN_FIELDS,
};

const routes: readonly Omit<Route, 'mount'>[] = [
  {
    path: 'login',
    open: true,
    verbs: { write: gives('Logs in with the certificate of the TLS connection', { name: 'string' }, 'auth') },
  },
  {
    path: 'config',
    verbs: { read: gives('The configuration'), write: does('Configures', { disable_binding: 'boolean' }) },
  },
  { path: 'certs', verbs: { list: gives('Names of roles') } },
  {
    path: 'certs/{name}',
    verbs: {
      read: gives('A role'),
      write: does('Writes a role; what is not sent stays', ROLE),
      delete: does('Removes a role'),
    },
  },
  { path: 'crls', verbs: { list: gives('Names of revocation lists') } },
  {
    path: 'crls/{name}',
    verbs: {
      read: gives('The serial numbers of a revocation list'),
      write: does('Writes a revocation list', { crl: 'string' }),
      delete: does('Removes a revocation list'),
    },
  },
];

export const cert: readonly Route[] = routes.map(route => ({ ...route, mount: 'auth/cert' }));
