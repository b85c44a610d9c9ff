/** Every route that is served, and what is said of a request's path. */
import type { Verb } from '../call.js';
import { approle } from './approle.js';
import { cert } from './cert.js';
import { custody } from './custody.js';
import { jwt } from './jwt.js';
import { keys } from './keys.js';
import { ledger } from './ledger.js';
import type { Described, Route } from './route.js';
import { secrets } from './secrets.js';
import { system } from './system.js';
import { tokens } from './tokens.js';
import { userpass } from './userpass.js';
import { wrapping } from './wrapping.js';

export const ROUTES: readonly Route[] = [
  ...system,
  ...tokens,
  ...approle,
  ...cert,
  ...jwt,
  ...userpass,
  ...secrets,
  ...wrapping,
  ...ledger,
  ...keys,
  ...custody,
];

/** With its mount as a parameter where it has one: `{kv_mount_path}/data/{path*}`. */
export const templateOf = ({ path, mount }: Route): string => {
  if (mount === undefined) return path;
  const type = mount.replace(/^auth\//, '');
  return `${mount === type ? '' : 'auth/'}{${type.replaceAll('-', '_')}_mount_path*}${path === '' ? '' : `/${path}`}`;
};

/** Where no engine can be mounted. */
const elsewhere = ({ mount }: Route): string =>
  mount === undefined || mount.startsWith('auth/') ? '' : '(?!(?:sys|auth)(?:/|$))';

const patternOf = (route: Route): RegExp =>
  new RegExp(
    `^${elsewhere(route)}${templateOf(route)
      .replace(/[.-]/g, '\\$&')
      .replace(/\{\w+\*\}/g, '.+')
      .replace(/\{\w+\}/g, '[^/]+')}/?$`,
    's',
  );

const patterns = ROUTES.map(route => ({ route, pattern: patternOf(route) }));

/** Those that the path fits; `path` without `/v1/`. */
export const routesAt = (path: string): readonly Route[] =>
  patterns.flatMap(({ route, pattern }) => (pattern.test(path) ? route : []));

/** What they say of this verb. */
export const describedAt = (path: string, verb: Verb): readonly Described[] =>
  routesAt(path).flatMap(({ verbs }) => verbs[verb === 'scan' ? 'list' : verb] ?? []);
