/** The rules of a secret's path: what a segment may be, and how long (vault-wire.md §2.3, events.md §5). */
import { E, type Either } from '../../fp.js';

export const SEGMENT_BYTES_MAX = 512;
export const PATH_BYTES_MAX = 4096;

/** Control and format characters, separators other than the ASCII space, unassigned and lone surrogates. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/** Most paths: nothing of them needs a look at Unicode's tables. */
const PLAIN = /^[ -~]*$/;

const utf8Length = (text: string): number => {
  if (PLAIN.test(text)) return text.length;
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
};

/** The segments of a path, a slash at its end forgiven. Left: which rule it breaks, without quoting it. */
export const segmentsOf = (path: string): Either<string, readonly string[]> => {
  const trimmed = path.endsWith('/') ? path.slice(0, -1) : path;
  if (trimmed === '') return E.left('the path is empty');
  if (utf8Length(trimmed) > PATH_BYTES_MAX) return E.left(`a path may have at most ${PATH_BYTES_MAX} bytes`);
  if (!PLAIN.test(trimmed) && UNPRINTABLE.test(trimmed)) return E.left('a path may hold printable characters only');
  const segments = trimmed.split('/');
  for (const segment of segments) {
    if (segment === '') return E.left('a path may not have empty segments');
    if (segment === '.' || segment === '..') return E.left('relative paths not supported');
    if (utf8Length(segment) > SEGMENT_BYTES_MAX)
      return E.left(`a segment of a path may have at most ${SEGMENT_BYTES_MAX} bytes`);
  }
  return E.right(segments);
};
