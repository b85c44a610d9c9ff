/**
 * Retiring header epochs: authority is written down in a snapshot, that snapshot is opened again, and then one transaction
 * takes the header keys' rows and says so. The lines of the erasure list follow before anybody is answered; the keys
 * are gone for good with the last term that wrapped them, as any other key.
 */
import { wipe } from '../../crypto/bytes.js';
import { stream } from '../../crypto/names.js';
import { randomUuid7 } from '../../crypto/random.js';
import type { Failure } from '../../failure.js';
import { E } from '../../fp.js';
import { type Custody, ownerOfEpoch } from '../../keys/custody.js';
import { sealEvent } from '../../keys/event-sealer.js';
import { epochKeyRows } from '../../keys/store.js';
import { authenticate } from '../../ledger/event.js';
import { IntegrityError } from '../../ledger/integrity.js';
import { authorityTailAfter } from '../../ledger/known.js';
import type { KeyRow } from '../../ledger/sealed-event.js';
import type { Session } from '../../nexus/session.js';
import { snapshotAt } from '../../nexus/snapshots.js';
import { type Query, query } from '../../sql.js';
import { refuse } from '../app.js';
import type { KeystoreActor } from '../custody/keystore-change.js';
import { orRefuse } from '../operation.js';
import { snapshotNow } from '../snapshot-now.js';
import type { EpochContents } from './contract.js';
import { retirable } from './status.js';

/** Of reading on while others write. */
const TRIES = 20;
const BUSY: Failure = { kind: 'busy', retryAfterSeconds: 1 };

/** Where the last of them was recorded. Throws `Refused`; then none is retired. */
export const retireEpochs = async (
  session: Session,
  actor: KeystoreActor,
  epochs: readonly number[],
): Promise<number> => {
  const { authority, custody, ports } = session;
  const snapshot = await provedSnapshot(session, actor);
  // A row that opens is the one that was made: another one in its place would leave the key where it is.
  const genuine = (await ports.runner.run(epochKeyRows)).filter(row => opens(custody, row));
  const rows = new Map(genuine.map(({ owner, keyId }) => [owner, keyId]));
  const keys = epochs.map(epoch => ({ epoch, key: rows.get(ownerOfEpoch(epoch)) ?? refuse(BUSY) }));
  const streamId = stream(custody.keyring.indexKey, custody.ledger, 'keystore', '');
  const events = keys.map(({ epoch, key }) => ({
    facts: { epoch },
    sealed: sealEvent(custody, {
      ...{ eventId: randomUuid7(ports.nowMs()), streamId, type: 'epoch.retired', lane: 1, actor: actor.entity },
      header: { ...actor.header, key, snapshot },
    }),
  }));
  const placed = orRefuse(
    await session.appender.submit({
      streams: [streamId],
      repeatOf: null,
      alone: true,
      weight: events.reduce((sum, { sealed }) => sum + sealed.header.length, 0),
      eventsMax: events.length,
      deadlineMs: actor.deadlineMs,
      gone: actor.gone,
      decide: view => {
        if (!actor.allowed(view.recordedAt)) return { kind: 'reject', failure: { kind: 'unauthenticated' } };
        const may = new Set(retirable(session));
        const stands = (epoch: number) => may.has(epoch) && authority.epochs.lastSeen(epoch) <= snapshot;
        // Under a new root key that snapshot does not open any more.
        const outdated = authority.rotations.some(({ at }) => at > snapshot);
        if (outdated || !epochs.every(stands)) return { kind: 'reject', failure: BUSY };
        return { kind: 'append', events, deleteKeys: keys.map(({ key }) => key), result: at => at };
      },
    }),
  );
  await session.listErased(
    keys.flatMap(({ key }, i) => {
      const at = placed[i];
      return at === undefined ? [] : [{ position: at.position, keyId: key }];
    }),
  );
  custody.dropRetired();
  return placed.at(-1)?.position ?? 0;
};

const opens = (custody: Custody, row: KeyRow): boolean => {
  const key = custody.unwrap(row);
  if (key !== null) wipe(key);
  return key !== null;
};

/** From then on it is what a start begins with: what is folded on top of it has to be what is in memory. */
const provedSnapshot = async (session: Session, { header }: KeystoreActor): Promise<number> => {
  const { runner } = session.ports;
  const position = await snapshotNow(session, header);
  const restored = await snapshotAt(runner, session.custody, position);
  if (restored === null) throw new IntegrityError('snapshot', position);
  const { authority } = restored;
  for (let tries = 0; authority.position < session.authority.position; tries += 1) {
    if (tries === TRIES) refuse(BUSY);
    for (const event of await runner.run(authorityTailAfter, [authority.position])) {
      if (authenticate(session.custody, event) === null) throw new IntegrityError('event', event.position);
      authority.apply(event);
    }
    await session.catchUp();
  }
  const [there, here] = [authority, session.authority].map(({ history }) => [...history.texts()]);
  if (there?.length !== here?.length || there?.some((text, i) => text !== here?.[i]))
    throw new IntegrityError('snapshot', position);
  return position;
};

/** What was sealed under an epoch's key is placed soon after: never behind the next epoch but one, as far as is counted here. */
const contents: Query<Omit<EpochContents, 'epoch'>> = query(
  'epochs_contents',
  ({ events, authority, requests, from, to }) =>
    typeof events === 'number' && typeof authority === 'number' && typeof requests === 'number'
      ? E.right({
          ...{ events, authority, requests },
          from: typeof from === 'number' ? from : null,
          to: typeof to === 'number' ? to : null,
        })
      : E.left('counts of an epoch'),
  `select count(*)::integer as events,
          (count(*) filter (where lane = 1))::integer as authority,
          (count(*) filter (where lane = 2))::integer as requests,
          min(position) as from, max(position) as to
     from events where epoch = $1 and position > $2 and position <= $3`,
);

export const contentsOf = (session: Session, epochs: readonly number[]): Promise<readonly EpochContents[]> =>
  Promise.all(
    epochs.map(async epoch => {
      const { epochs: known } = session.authority;
      // The first one's opening is among its own events.
      const bounds = [
        epoch === 1 ? 0 : (known.get(epoch)?.openedBy ?? 0),
        known.get(epoch + 2)?.openedBy ?? session.known.head.size,
      ];
      const [found] = await session.ports.runner.run(contents, [epoch, ...bounds]);
      return { epoch, ...(found ?? { events: 0, authority: 0, requests: 0, from: null, to: null }) };
    }),
  );
