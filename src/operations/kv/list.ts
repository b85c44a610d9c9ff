/**
 * Listing what is in a folder, or all that is below it, now or as of then: names from the tree, opened by the server, all as
 * of one position.
 */
import type { Mount } from '../../authority/mounts.js';
import type { Uuid } from '../../crypto/bytes.js';
import { segmentsOf } from '../../domain/secret/path.js';
import { openName } from '../../keys/event-sealer.js';
import { IntegrityError } from '../../ledger/integrity.js';
import { readSecret } from '../../nexus/secret-streams.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseFolded, type Caller } from '../authorise.js';
import { operation } from '../operation.js';
import type { ProjectionReads, TreeChild } from '../projection-reads.js';
import type { At, RequestContext } from '../request.js';
import { resolveMoment, type Then } from './as-of.js';
import type { KvOperations, Listed, Page } from './contract.js';
import { FirstNames } from './first-names.js';
import { kvMount, stillMounted, subjectOf } from './place.js';
import { metadataAt } from './read.js';
import { type Entry, pageOf, scanned, type Tree } from './scan.js';

/** Names that one answer holds. */
const LISTED_MAX = 100_000;
const SCANNED_MAX = 10_000;
/** Secrets whose metadata one answer shows. */
const DETAILED_MAX = 1000;
/** Secrets that are read at once. */
const READS_MAX = 64;

export const listOperation = (app: App, projections: ProjectionReads): KvOperations['list'] =>
  operation('listing', async (context, input) => {
    const session = sessionOf(app);
    const asked = input.deep
      ? ({ op: 'kv.scan', capability: 'scan', subject: subjectOf(input) } as const)
      : ({ op: 'kv.list', capability: 'list', subject: subjectOf(input) } as const);
    await authorise(app, session, context, asked);
    const mount = kvMount(session, input.mount);
    const parent = folderNode(session, mount, input.path);
    const then = input.moment === null ? await now(session) : await resolveMoment(session, input.moment);
    // That head is younger than the permission: what was written after it was taken away is not for this caller.
    const caller = authoriseFolded(app, session, context, asked);
    stillMounted(session, mount);
    const tree = treeOf(session, projections, mount, then.position);
    const most = input.detailed ? DETAILED_MAX : input.deep ? SCANNED_MAX : LISTED_MAX;
    const found = await bounded(most, input.page, page =>
      input.deep ? scanned(tree, parent, page, path => mayEnter(caller, context, path)) : pageOf(tree, parent, page),
    );
    return { position: then.position, value: await listed(session, found, input.detailed ? then : null) };
  });

/** What is in a folder now; refuses where nothing is. */
export const namesIn = async (
  session: Session,
  projections: ProjectionReads,
  { mount, parent, page }: { readonly mount: Mount; readonly parent: Uuid; readonly page: Page },
): Promise<At<readonly string[]>> => {
  const { position } = await now(session);
  const tree = treeOf(session, projections, mount, position);
  const found = await bounded(LISTED_MAX, page, asked => pageOf(tree, parent, asked));
  return { position, value: found.map(({ name }) => name) };
};

/** Refuses where there is nothing, and more than an answer may hold. */
const bounded = async (
  most: number,
  page: Page,
  ask: (page: Page) => Promise<readonly Entry[]>,
): Promise<readonly Entry[]> => {
  const found = await ask({ ...page, limit: Math.min(page.limit || most + 1, most + 1) });
  if (found.length === 0) refuse({ kind: 'absent' });
  if (found.length > most)
    refuse({ kind: 'invalid', message: `more than ${most} names: ask for them in parts, with limit and after` });
  return found;
};

/** A head that is younger than the request: what was acknowledged before it is listed. */
const now = async (session: Session): Promise<Then> => {
  await session.catchUp();
  return { position: session.known.head.size, nowUs: session.now() };
};

/** The folder by its path from where the scan began: its names are for who could list it, or scan it by itself. */
const mayEnter = ({ session, token }: Caller, { path, asking }: RequestContext, folder: string): boolean => {
  const permission = session.authority.permissionOf(token);
  const whole = `${path.replace(/\/$/, '')}/${folder}`;
  return permission.allows('scan', whole, asking) !== null || permission.allows('list', whole, asking) !== null;
};

const treeOf = (session: Session, projections: ProjectionReads, mount: Mount, position: number): Tree => ({
  children: async (parent, most, wanted) => {
    const first = new FirstNames<Entry>(most);
    const some = (children: readonly TreeChild[]): void => {
      for (const { node, kind, box } of children) {
        const name = nameOf(session, mount, node, parent, box);
        const entry = { node, kind, name: kind === 'folder' ? `${name}/` : name };
        if (wanted(entry)) first.add(entry);
      }
    };
    if (position > 0) await projections.children(parent, position, some);
    return first.all();
  },
});

/** `then` null: names only. */
const listed = async (session: Session, found: readonly Entry[], then: Then | null): Promise<readonly Listed[]> => {
  if (then === null) return found.map(({ name }) => ({ name, metadata: null }));
  const detail = async ({ name, node, kind }: Entry): Promise<Listed> => ({
    name,
    metadata: kind === 'folder' ? null : await metadataAt(session, node, await readSecret(session, node), then),
  });
  const details: Listed[] = [];
  for (let at = 0; at < found.length; at += READS_MAX)
    details.push(...(await Promise.all(found.slice(at, at + READS_MAX).map(detail))));
  return details;
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
