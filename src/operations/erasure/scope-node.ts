/** What a hold or a retention rule covers: one node, and the path that it was named by. */
import type { Mount } from '../../authority/mounts.js';
import type { Uuid } from '../../crypto/bytes.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';
import { folderNode } from '../kv/list.js';
import { kvMount } from '../kv/place.js';
import type { Place } from '../request.js';

export interface CoveredScope {
  readonly mount: Uuid;
  readonly node: Uuid;
  /** Mount and path in full; a folder's with its slash. */
  readonly path: string;
}

/** A folder and a secret of the same name are one node: what covers the one covers the other. Of lane 1 as of now. */
export const coveredScope = async (
  session: Session,
  { mount: at, path }: Place,
): Promise<{ readonly mount: Mount; readonly scope: CoveredScope }> => {
  await session.reader.refresh();
  const mount = kvMount(session, at);
  const inside = path === '/' ? '' : path;
  const scope = { mount: mount.id, node: folderNode(session, mount, inside), path: `${at}/${inside}` };
  return { mount, scope };
};

/** Names of holds and of retention rules. */
export const refuseBadName = (name: string): void => {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name))
    refuse({
      kind: 'invalid',
      message: 'a name has 1 to 64 lower-case letters, digits, dots, dashes or underscores',
    });
};
