/** Deleting, undeleting and destroying versions, and removing a key: what changes nothing appends nothing. */
import type { Uuid } from '../../crypto/bytes.js';
import type { SecretState } from '../../domain/secret/state.js';
import { openHeader } from '../../keys/event-sealer.js';
import { readBodies } from '../../ledger/stream-reads.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse } from '../app.js';
import { operation } from '../operation.js';
import { type CommitResult, commitChange } from './commit.js';
import type { KvOperations } from './contract.js';
import { repeatedEvent } from './repeat.js';

/** versions and writes hold at most this many entries in one event (events.md §1). */
const ENTRIES_MAX = 200;
/** Versions named in one request. */
const VERSIONS_MAX = 2000;

type VersionOperations = Pick<KvOperations, 'remove' | 'undelete' | 'destroy' | 'removeMetadata'>;

export const versionOperations = (app: App): VersionOperations => ({
  remove: operation('deleting versions', async (context, input) => {
    const versions = input.versions === null ? null : bounded(input.versions);
    const done = await commitChange(app, context, input, {
      op: versions === null ? 'kv.delete' : 'kv.delete-versions',
      type: 'secret.deleted',
      capability: () => (versions === null ? 'delete' : 'update'),
      needsLive: true,
      prepare: () => ({
        command: { kind: 'delete', versions },
        own: asked(versions),
        events: eventsFor(versions),
      }),
    });
    return position(done, 'secret.deleted', asked(versions));
  }),

  undelete: operation('undeleting versions', async (context, input) => {
    const versions = bounded(input.versions);
    const done = await commitChange(app, context, input, {
      op: 'kv.undelete',
      type: 'secret.undeleted',
      capability: () => 'update',
      needsLive: true,
      prepare: () => ({ command: { kind: 'undelete', versions }, own: asked(versions), events: eventsFor(versions) }),
    });
    return position(done, 'secret.undeleted', asked(versions));
  }),

  destroy: operation('destroying versions', async (context, input) => {
    const versions = bounded(input.versions);
    const done = await commitChange(app, context, input, {
      op: 'kv.destroy',
      type: 'secret.destroyed',
      capability: () => 'update',
      needsLive: true,
      prepare: async (session, located, state) => ({
        command: { kind: 'destroy', versions },
        own: asked(versions),
        events: eventsFor(versions),
        keysOf: await keysOf(session, located.path.node, state, versions),
      }),
    });
    await listErased(done);
    return position(done, 'secret.destroyed', asked(versions));
  }),

  removeMetadata: operation('removing a key', async (context, input) => {
    const done = await commitChange(app, context, input, {
      op: 'kv.remove',
      type: 'secret.removed',
      capability: () => 'delete',
      prepare: () => ({ command: { kind: 'remove' }, own: {} }),
    });
    return position(done, 'secret.removed', asked(null));
  }),
});

const bounded = (versions: readonly number[]): readonly number[] => {
  if (versions.length > VERSIONS_MAX)
    refuse({ kind: 'invalid', message: `at most ${VERSIONS_MAX} versions may be named in one request` });
  return versions;
};

const asked = (versions: readonly number[] | null): { versions?: readonly number[] } =>
  versions === null ? {} : { versions };

const eventsFor = (versions: readonly number[] | null): number => Math.ceil((versions?.length ?? 1) / ENTRIES_MAX);

/** The key ids of the versions that may be destroyed, by the stream version of their writes. */
const keysOf = async (
  session: Session,
  node: Uuid,
  state: SecretState,
  versions: readonly number[],
): Promise<ReadonlyMap<number, Uuid>> => {
  const named = new Set(versions);
  const writes = (state.live ?? []).filter(live => named.has(live.version) && !live.destroyed);
  if (writes.length === 0) return new Map();
  const found = await readBodies(
    session.ports.runner,
    session.custody,
    node,
    writes.map(live => live.streamVersion),
  );
  return new Map(found.flatMap(({ event }) => (event.keyId === null ? [] : [[event.streamVersion, event.keyId]])));
};

/** Before it is answered: a line for each key in the erasure list, outside the database (formats.md §6). */
const listErased = async ({ session, committed }: CommitResult): Promise<void> => {
  if (committed.kind !== 'done') return;
  const { position, deletedKeys } = committed;
  await session.listErased(deletedKeys.map(keyId => ({ position, keyId })));
};

/** Where it was recorded; null when nothing changed. A repeat must have asked for the same. */
const position = async (
  { session, committed }: CommitResult,
  type: string,
  own: { versions?: readonly number[] },
): Promise<{ position: number | null }> => {
  if (committed.kind === 'nothing') return { position: null };
  if (committed.kind === 'done') return { position: committed.position };
  const { event } = await repeatedEvent(session, committed.position, type);
  const header = openHeader(session.custody, event);
  if (JSON.stringify(header?.versions) !== JSON.stringify(own.versions))
    return refuse({ kind: 'idempotency-mismatch' });
  return { position: committed.position };
};
