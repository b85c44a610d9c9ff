/**
 * Where a path leads: the mount that serves it, and the path inside that mount. The server is asked, because a mount may
 * have several segments; where it will not tell, the first segment is the mount, and the request itself brings the refusal.
 */
import * as t from 'io-ts';
import { parsePath } from './arguments/paths.js';
import type { Client } from './client.js';
import { badInput } from './exit-codes.js';
import { decodeAnswer, enveloped, refused } from './requests.js';

export interface Place {
  readonly mount: readonly string[];
  readonly path: readonly string[];
  readonly folder: boolean;
  /** Mount and path as the audit trail writes them; a folder ends in a slash. */
  readonly full: string;
}

const MountAnswer = enveloped(
  t.intersection([
    t.type({ path: t.string }),
    t.partial({ type: t.string, options: t.union([t.null, t.partial({ version: t.string })]) }),
  ]),
);

const mountOf = async (client: Client, segments: readonly string[]): Promise<readonly string[]> => {
  const answer = await client.call({ method: 'GET', path: ['sys', 'internal', 'ui', 'mounts', ...segments] });
  // 403 is also the answer for a path without a mount (it must not tell outsiders which exist), 404 that of an old server.
  if (answer.status === 404 || (answer.status === 403 && answer.text.includes('preflight')))
    return segments.slice(0, 1);
  if (answer.status !== 200) throw await refused(client, answer);
  const { data } = decodeAnswer(answer, MountAnswer);
  if (data.options?.version !== '2') {
    throw badInput(
      `${data.path} does not hold secrets with versions (KV version 2)`,
      'See what is mounted: secret/ is, in a new ledger.',
    );
  }
  const mount = data.path.split('/').filter(segment => segment !== '');
  return mount.every((segment, index) => segments[index] === segment) ? mount : segments.slice(0, 1);
};

const placeOf = async (client: Client, text: string): Promise<Place> => {
  const { segments, folder } = parsePath(text);
  const mount = await mountOf(client, segments);
  const path = segments.slice(mount.length);
  return {
    mount,
    path,
    folder: folder || path.length === 0,
    full: `${segments.join('/')}${folder || path.length === 0 ? '/' : ''}`,
  };
};

/** One secret. A folder, or a mount itself, is an error. */
export const secretAt = async (client: Client, text: string): Promise<Place> => {
  const place = await placeOf(client, text);
  if (!place.folder) return place;
  throw badInput(`${place.full} is a folder, not a secret`, `See what is in it: tally list ${place.full}`);
};

/** A folder, with or without the slash at its end. */
export const folderAt = async (client: Client, text: string): Promise<Place> =>
  placeOf(client, text.endsWith('/') ? text : `${text}/`);

/** Either: the slash at the end tells. */
export const secretOrFolderAt = placeOf;

/** The API path of one of a mount's routes for this place. */
export const route = (
  place: Place,
  kind: 'data' | 'metadata' | 'delete' | 'undelete' | 'destroy',
): readonly string[] => [...place.mount, kind, ...place.path];
