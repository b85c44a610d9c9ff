/**
 * Paths as they were sent (vault-wire.md §2.3): decoded once, relative segments refused, repeated slashes collapsed,
 * unprintable characters refused. Fastify's own routing never sees them.
 */
import { E, type Either } from '../fp.js';

export interface RequestPath {
  /** Without `/v1/`, decoded, slashes collapsed; a slash at the end is kept. */
  readonly path: string;
  readonly query: URLSearchParams;
}

export type PathFault = 'outside' | 'bad-escape' | 'relative' | 'unprintable' | 'too-long';

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
/** Most paths: nothing of them needs a look at Unicode's tables. */
const PLAIN = /^[ -~]*$/;
const RELATIVE = /(?:^|\/)\.\.?(?:\/|$)/;
/** Shared by all requests without one: read, never written. */
const NO_QUERY = new URLSearchParams();
/** Mount, verb and the longest secret path, with room for the prefix. */
const BYTES_MAX = 8192;

export const parsePath = (url: string): Either<PathFault, RequestPath> => {
  const mark = url.indexOf('?');
  const raw = mark < 0 ? url : url.slice(0, mark);
  if (raw.length > 3 * BYTES_MAX) return E.left('too-long');
  const decoded = raw.includes('%') ? unescaped(raw) : raw;
  if (decoded === null) return E.left('bad-escape');
  if (!decoded.startsWith('/v1/')) return E.left('outside');
  if (Buffer.byteLength(decoded) > BYTES_MAX) return E.left('too-long');
  if (!PLAIN.test(decoded) && UNPRINTABLE.test(decoded)) return E.left('unprintable');
  const path = decoded
    .slice(4)
    .replace(/\/{2,}/g, '/')
    .replace(/^\//, '');
  if (RELATIVE.test(path)) return E.left('relative');
  return E.right({ path, query: mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1)) });
};

/** Null: a broken escape. */
const unescaped = (raw: string): string | null => {
  try {
    return decodeURIComponent(raw);
  } catch {
    return null;
  }
};

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['', '0', 'f', 'F', 'false', 'FALSE', 'False']);

/** Go's parser of booleans; an empty value is false. Null: anything else. */
export const goBoolean = (text: string): boolean | null => (TRUE.has(text) ? true : FALSE.has(text) ? false : null);
