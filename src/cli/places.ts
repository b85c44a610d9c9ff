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
  /** Of the mount: 1 keeps one version of each secret, 2 all of them. */
  readonly version: 1 | 2;
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

const mountOf = async (client: Client, segments: readonly string[]): Promise<Pick<Place, 'mount' | 'version'>> => {
  const first = { mount: segments.slice(0, 1), version: 2 } as const;
  const answer = await client.call({ method: 'GET', path: ['sys', 'internal', 'ui', 'mounts', ...segments] });
  // 403 is also the answer for a path without a mount (it must not tell outsiders which exist), 404 that of an old server.
  if (answer.status === 404 || (answer.status === 403 && answer.text.includes('preflight'))) return first;
  if (answer.status !== 200) throw await refused(client, answer);
  const { data } = decodeAnswer(answer, MountAnswer);
  if (data.type !== undefined && data.type !== 'kv' && data.type !== 'generic')
    throw badInput(`${data.path} is no mount of secrets`, 'See what is mounted: tally mount list');
  const mount = data.path.split('/').filter(segment => segment !== '');
  const version = data.options?.version === '2' ? 2 : 1;
  return mount.every((segment, index) => segments[index] === segment) ? { mount, version } : first;
};

const placeOf = async (client: Client, text: string): Promise<Place> => {
  const { segments, folder } = parsePath(text);
  const { mount, version } = await mountOf(client, segments);
  const path = segments.slice(mount.length);
  return {
    ...{ mount, version, path },
    folder: folder || path.length === 0,
    full: `${segments.join('/')}${folder || path.length === 0 ? '/' : ''}`,
  };
};

/** One secret with versions. */
export const secretAt = async (client: Client, text: string): Promise<Place> => {
  const place = await anySecretAt(client, text);
  if (place.version === 2) return place;
  throw badInput(
    `${place.mount.join('/')}/ keeps one version of each secret (KV version 1)`,
    'There, put, get, list, delete and restore are what there is.',
  );
};

/** One secret, with versions or without. A folder, or a mount itself, is an error. */
export const anySecretAt = async (client: Client, text: string): Promise<Place> => {
  const place = await placeOf(client, text);
  if (!place.folder) return place;
  throw badInput(`${place.full} is a folder, not a secret`, `See what is in it: tally list ${place.full}`);
};

/** A folder, with or without the slash at its end. */
export const folderAt = async (client: Client, text: string): Promise<Place> =>
  placeOf(client, text.endsWith('/') ? text : `${text}/`);

/** Either: the slash at the end tells. */
export const secretOrFolderAt = placeOf;

/** The API path of one of a mount's routes for this place; version 1 has no words for them. */
export const route = (
  { mount, version, path }: Place,
  kind: 'data' | 'metadata' | 'delete' | 'undelete' | 'destroy',
): readonly string[] => (version === 1 ? [...mount, ...path] : [...mount, kind, ...path]);
