/**
 * Secret paths as people type them: `secret/team/db` is a secret, `secret/team/` a folder. Refused here, before anything
 * is sent, is what the server would refuse or a client would quietly turn into another path.
 */
import { badInput } from '../exit-codes.js';
import { oneLine } from '../terminal/escape.js';

export interface TypedPath {
  readonly segments: readonly string[];
  /** It ended in a slash. */
  readonly folder: boolean;
}

const SEGMENT_BYTES_MAX = 512;
const PATH_BYTES_MAX = 4_096;

export const parsePath = (text: string): TypedPath => {
  const segments = text.split('/').filter(segment => segment !== '');
  if (segments.length === 0) throw badInput('a path is missing', 'It looks like this: secret/team/db');
  if (segments.some(segment => segment === '.' || segment === '..'))
    throw badInput('a path cannot hold . or .. as a name');
  if (oneLine(text) !== text) throw badInput('the path holds a character that cannot be printed');
  if (Buffer.byteLength(text) > PATH_BYTES_MAX) throw badInput(`the path is longer than ${PATH_BYTES_MAX} bytes`);
  if (segments.some(segment => Buffer.byteLength(segment) > SEGMENT_BYTES_MAX)) {
    throw badInput(`one name in the path is longer than ${SEGMENT_BYTES_MAX} bytes`);
  }
  return { segments, folder: text.endsWith('/') };
};
