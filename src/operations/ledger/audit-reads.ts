/** Authenticated events by position, and the lines of blocks: what the audit trail is read from. */

import { constantTimeEqual } from '../../crypto/bytes.js';
import { bodyHash } from '../../crypto/event-hash.js';
import { E } from '../../fp.js';
import { openBlock } from '../../keys/event-sealer.js';
import { authenticate, EVENT_COLUMNS, eventRow, type StoredEvent } from '../../ledger/event.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { RecordedRequest } from '../../nexus/recorder.js';
import type { Session } from '../../nexus/session.js';
import { decodeRecorded } from '../../nexus/spool.js';
import { int8Array } from '../../postgres/arrays.js';
import { type Query, query } from '../../sql.js';

const byPositions: Query<StoredEvent> = query(
  'audit_events_by_position',
  eventRow,
  `select ${EVENT_COLUMNS} from events where position = any ($1::bigint[]) order by position`,
);

const afterPosition: Query<StoredEvent> = query(
  'audit_events_after',
  eventRow,
  `select ${EVENT_COLUMNS} from events where position > $1 and position <= $2 order by position limit $3`,
);

const blockAt: Query<Buffer> = query(
  'audit_block_at',
  ({ body }) => (Buffer.isBuffer(body) ? E.right(body) : E.left('the body of a block')),
  'select body from blocks where position = $1',
);

export interface Genuine {
  readonly event: StoredEvent;
  readonly leaf: Buffer;
}

const genuine = (session: Session, event: StoredEvent): Genuine => {
  const leaf = authenticate(session.custody, event);
  if (leaf === null) throw new IntegrityError('event', event.position);
  return { event, leaf };
};

/** The events at these positions; one that is missing is an integrity error, since positions have no gaps. */
export const eventsAt = async (session: Session, positions: readonly number[]): Promise<readonly Genuine[]> => {
  if (positions.length === 0) return [];
  const events = await session.ports.runner.run(byPositions, [int8Array(positions)]);
  if (events.length !== new Set(positions).size) throw new IntegrityError('ledger: an event is missing');
  await haveEpochs(session, events);
  return events.map(event => genuine(session, event));
};

/** The next events in order; a gap is an integrity error. */
export const eventsAfter = async (
  session: Session,
  after: number,
  upTo: number,
  limit: number,
): Promise<readonly Genuine[]> => {
  const events = await session.ports.runner.run(afterPosition, [after, upTo, limit]);
  await haveEpochs(session, events);
  return events.map((event, i) => {
    if (event.position !== after + 1 + i) throw new IntegrityError('ledger: an event is missing', after + 1 + i);
    return genuine(session, event);
  });
};

/**
 * The lines of a block of recorded requests, authenticated and opened: 5,000 of them may take megabytes, so they are read
 * when their turn comes. Null: the block was dropped after its retention, or its header epoch is retired.
 */
export const linesOf = async (session: Session, { event }: Genuine): Promise<readonly RecordedRequest[] | null> => {
  const [block] = await session.ports.runner.run(blockAt, [event.position]);
  if (block === undefined) return null;
  if (event.bodyHash === null || !constantTimeEqual(bodyHash(block), event.bodyHash))
    throw new IntegrityError('block', event.position);
  const lines = openBlock(session.custody, event, block);
  if (lines !== null) return lines.toString('utf8').split('\n').flatMap(decodeRecorded);
  if (session.custody.isRetired(event.epoch)) return null;
  throw new IntegrityError('block', event.position);
};

const haveEpochs = (session: Session, events: readonly StoredEvent[]): Promise<void> =>
  session.custody.learn(session.ports.runner, events);
