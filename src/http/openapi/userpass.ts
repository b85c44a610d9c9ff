/** Userpass mounts, and the administrators' doors. */
import { TOKEN_FIELDS } from './logins.js';
import { does, type Fields, gives, type Route } from './route.js';

const USER: Fields = {
  ...{ password: 'string', policies: 'strings', ttl: 'duration', max_ttl: 'duration', bound_cidrs: 'strings' },
  ...TOKEN_FIELDS,
};

const logIn = gives('Logs in with a name and a password', { password: 'string' }, 'auth');

const users: readonly Omit<Route, 'mount'>[] = [
  { path: 'login/{name}', open: true, verbs: { write: logIn } },
  { path: 'users', verbs: { list: gives('Names of users') } },
  {
    path: 'users/{name}',
    verbs: {
      read: gives('A user'),
      write: does('Writes a user; what is not sent stays', USER),
      delete: does('Removes a user'),
    },
  },
  { path: 'users/{name}/password', verbs: { write: does('Sets a user’s password', { password: 'string' }) } },
  {
    path: 'users/{name}/policies',
    verbs: { write: does('Sets a user’s policies', { token_policies: 'strings', policies: 'strings' }) },
  },
];

const POLICIES: Fields = { policies: 'strings', token_policies: 'strings' };

const administrators: readonly Route[] = [
  { path: 'auth/administrators/login/{name}', open: true, verbs: { write: logIn } },
  {
    path: 'auth/administrators/users/{name}',
    verbs: {
      write: does('Makes an administrator with a password of their own', { password: 'string', ...POLICIES }),
      delete: does('Removes an administrator'),
    },
  },
  {
    path: 'auth/administrators/users/{name}/policies',
    verbs: { write: does('Sets what an administrator’s next logins may do', POLICIES) },
  },
  {
    path: 'auth/administrators/users/{name}/password',
    open: true,
    verbs: {
      write: does('Changes an administrator’s own password', { old_password: 'string', password: 'string' }),
    },
  },
];

export const userpass: readonly Route[] = [
  ...administrators,
  ...users.map(route => ({ ...route, mount: 'auth/userpass' })),
];
