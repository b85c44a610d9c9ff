/** Requests in groups, for metrics: a closed set, because a path may be a secret. */
import { ROUTES } from './openapi/routes.js';

const KNOWN_GROUPS = new Set(
  ROUTES.flatMap(({ mount, path }) => (mount === undefined ? (path.split('/')[1] ?? '') : [])),
);
const KV_WORDS = new Set(ROUTES.flatMap(({ mount, path }) => (mount === 'kv' ? (path.split('/')[0] ?? '') : [])));

export const routeGroup = (url: string): string => {
  const end = url.indexOf('?');
  const [, , first = '', second = ''] = (end < 0 ? url : url.slice(0, end)).split('/', 4);
  if (first === 'sys' || first === 'auth') return `${first}/${KNOWN_GROUPS.has(second) ? second : 'other'}`;
  return KV_WORDS.has(second) ? `kv/${second}` : 'other';
};
