/** Listing a folder's children, now or as of then: names from the tree, opened by the server. */

import type { Mount } from '../../authority/mounts.js';
import type { Uuid } from '../../crypto/bytes.js';
import { segmentsOf } from '../../domain/secret/path.js';
import { openName } from '../../keys/event-sealer.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import type { At, KvOperations, Moment } from '../contract.js';
import { operation } from '../operation.js';
import type { ProjectionReads } from '../projection-reads.js';
import { resolveMoment } from './as-of.js';
import { kvMount, subjectOf } from './place.js';

export const listOperation = (app: App, projections: ProjectionReads): KvOperations['list'] =>
  operation('listing', async (context, input) => {
    const session = sessionOf(app);
    const mount = kvMount(session, input.mount);
    const parent = folderNode(session, mount, input.path);
    await authorise(app, session, context, { op: 'kv.list', capability: 'list', subject: subjectOf(input) });
    return namesIn(session, projections, mount, parent, input.moment);
  });

/** Byte-sorted names in a folder, folders with their slash; refuses where there are none. */
export const namesIn = async (
  session: Session,
  projections: ProjectionReads,
  mount: Mount,
  parent: Uuid,
  moment: Moment | null,
): Promise<At<readonly string[]>> => {
  const position = await listPosition(session, moment);
  const children = position === 0 ? [] : await projections.children(parent, position);
  const names = children.map(({ node, kind, box }) => {
    const name = nameOf(session, mount, node, parent, box);
    return kind === 'folder' ? `${name}/` : name;
  });
  if (names.length === 0) refuse({ kind: 'absent' });
  return { position, value: names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))) };
};

const listPosition = async (session: Session, moment: Moment | null): Promise<number> => {
  if (moment !== null) return (await resolveMoment(session, moment)).position;
  // As of a head that is younger than the request: what was acknowledged before it is listed.
  await session.catchUp();
  return session.known.head.size;
};

/** The node whose children are asked for: the mount itself, or a folder in it. */
export const folderNode = (session: Session, mount: Mount, path: string): Uuid => {
  if (path === '' || path === '/') return mount.id;
  const segments = segmentsOf(path);
  if (segments._tag === 'Left') return refuse({ kind: 'invalid', message: segments.left });
  return session.names.resolve(mount, segments.right).node;
};

export const nameOf = (session: Session, mount: Mount, node: Uuid, parent: Uuid, box: Buffer): string => {
  const known = session.names.nameOf(node);
  if (known !== undefined) return known;
  const name = openName(session.custody, mount.number, node, parent, box);
  if (name === null) throw new IntegrityError('name box');
  session.names.remember(node, name);
  return name;
};
