/** Then against now for every secret in a plan's scope. */
import type { Mount } from '../../authority/mounts.js';
import type { Uuid } from '../../crypto/bytes.js';
import { segmentsOf } from '../../domain/secret/path.js';
import { planRestore, type Restore } from '../../domain/secret/restore.js';
import type { SecretState } from '../../domain/secret/state.js';
import { wasDestroyed } from '../../ledger/stream-reads.js';
import { readSecret, rememberLive, type SecretRead, withLive } from '../../nexus/secret-streams.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';
import { stateThen, type Then } from '../kv/as-of.js';
import { folderNode, nameOf } from '../kv/list.js';
import type { ProjectionReads } from '../projection-reads.js';

export interface InScope {
  readonly node: Uuid;
  /** Inside the mount. */
  readonly path: string;
}

export interface Scope {
  readonly secrets: readonly InScope[];
  /** Nodes under which a new secret would belong to the scope; empty for a single secret. */
  readonly folders: ReadonlySet<Uuid>;
}

export interface Changed extends InScope {
  readonly restore: Restore;
  readonly now: SecretRead;
  readonly state: SecretState;
}

const isFolder = (path: string): boolean => path === '' || path.endsWith('/');

/** One secret, or all that were ever known under a folder up to `position`. */
export const scopeOf = async (
  session: Session,
  projections: ProjectionReads,
  mount: Mount,
  path: string,
  position: number,
): Promise<Scope> => {
  if (!isFolder(path)) {
    const segments = segmentsOf(path);
    if (segments._tag === 'Left') return refuse({ kind: 'invalid', message: segments.left });
    return { secrets: [{ node: session.names.resolve(mount, segments.right).node, path }], folders: new Set() };
  }
  const root = folderNode(session, mount, path);
  const prefix = path === '/' ? '' : path;
  const found = await projections.subtree(root, position);
  const folders = new Set<Uuid>([root]);
  const secrets = found.map(({ node, steps }) => {
    for (const step of steps.slice(0, -1)) folders.add(step.node);
    return {
      node,
      path: prefix + steps.map(step => nameOf(session, mount, step.node, step.parent, step.box)).join('/'),
    };
  });
  return { secrets: secrets.sort((a, b) => (a.path < b.path ? -1 : 1)), folders };
};

const AT_ONCE = 32;

/** Each secret of the scope with what restoring it takes; in order of path. */
export const compareAll = async (
  session: Session,
  scope: Scope,
  then: Then,
  nowMs: number,
): Promise<readonly Changed[]> => {
  const results: Changed[] = [];
  for (let from = 0; from < scope.secrets.length; from += AT_ONCE)
    results.push(
      ...(await Promise.all(
        scope.secrets.slice(from, from + AT_ONCE).map(secret => compareOne(session, secret, then, nowMs)),
      )),
    );
  return results;
};

const compareOne = async (session: Session, secret: InScope, then: Then, nowMs: number): Promise<Changed> => {
  const now = await readSecret(session, secret.node);
  const past = await stateThen(session, secret.node, then);
  const state = await withLive(session, now.state, secret.node);
  rememberLive(session, secret.node, state);
  const asked = [past.head?.written ?? 0, past.head?.annotated ?? 0].filter(streamVersion => streamVersion > 0);
  const gone = new Set<number>();
  for (const streamVersion of asked)
    if (
      await wasDestroyed(
        session.ports.runner,
        session.custody,
        secret.node,
        now.state.head?.lastDestroyed ?? 0,
        streamVersion,
      )
    )
      gone.add(streamVersion);
  const nowUs = Math.max(nowMs * 1000, now.newest?.recordedAt ?? 0);
  const restore = planRestore({
    ...{ past, pastUs: then.nowUs, now: state, nowUs },
    destroyed: streamVersion => gone.has(streamVersion),
  });
  return { ...secret, restore, now, state };
};
