/** Authenticated events by position, and the lines of blocks: what the audit trail is read from. */

import { constantTimeEqual } from '../../crypto/bytes.js';
import { bodyHash } from '../../crypto/event-hash.js';
import { E } from '../../fp.js';
import { openBlock } from '../../keys/event-sealer.js';
import { authenticate, decodeEvent, EVENT_COLUMNS, eventRow, type StoredEvent } from '../../ledger/event.js';
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

const blocksAfter: Query<{ readonly event: StoredEvent; readonly block: Buffer | null }> = query(
  'audit_blocks_after',
  raw => {
    const event = decodeEvent(raw);
    const block = raw.block_body;
    return event && (block === null || Buffer.isBuffer(block))
      ? E.right({ event, block })
      : E.left('an event with its block');
  },
  `select ${EVENT_COLUMNS.split(', ')
    .map(column => `e.${column}`)
    .join(', ')}, b.body as block_body
     from events e left join blocks b on b.position = e.position
    where e.position > $1 and e.position <= $2 and e.stream_id = any ($3::uuid[])
    order by e.position limit $4`,
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

export interface Block {
  readonly event: StoredEvent;
  /** Null: the block was dropped after its retention, or its header epoch is retired. */
  readonly requests: readonly RecordedRequest[] | null;
}

/** Blocks of recorded requests in the streams given, authenticated and opened. */
export const blocksOf = async (
  session: Session,
  streams: Buffer,
  after: number,
  upTo: number,
  limit: number,
): Promise<readonly Block[]> => {
  const found = await session.ports.runner.run(blocksAfter, [after, upTo, streams, limit]);
  await haveEpochs(
    session,
    found.map(({ event }) => event),
  );
  return found.map(({ event, block }) => {
    genuine(session, event);
    if (block === null) return { event, requests: null };
    if (event.bodyHash === null || !constantTimeEqual(bodyHash(block), event.bodyHash))
      throw new IntegrityError('block', event.position);
    const lines = openBlock(session.custody, event, block);
    if (lines === null && session.custody.isRetired(event.epoch)) return { event, requests: null };
    if (lines === null) throw new IntegrityError('block', event.position);
    return { event, requests: lines.toString('utf8').split('\n').flatMap(decodeRecorded) };
  });
};

const haveEpochs = (session: Session, events: readonly StoredEvent[]): Promise<void> =>
  session.custody.learn(session.ports.runner, events);
