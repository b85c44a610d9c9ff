/** Events of one batch with their proofs against the head that the batch made: signed, it lets anybody check them offline. */
import type { ProvenEvent } from '../../certificates/document.js';
import { newestInclusionProof } from '../../crypto/batch-proof.js';
import { headerHash, namesHash } from '../../crypto/event-hash.js';
import type { StoredEvent } from '../../ledger/event.js';
import { believeHead, type Head, headContaining, headOfSize } from '../../ledger/head.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { Session } from '../../nexus/session.js';
import { eventsAfter, type Genuine } from '../ledger/audit-reads.js';

export interface ProvenBatch {
  readonly head: Head;
  /** In order of position. */
  readonly events: readonly Genuine[];
  readonly prove: (event: StoredEvent) => ProvenEvent;
}

/** The batch that the event at `position` was appended with; null: the ledger is not that long. */
export const batchOf = async (session: Session, position: number): Promise<ProvenBatch | null> => {
  const { runner } = session.ports;
  const { custody } = session;
  const [stored] = await runner.run(headContaining, [position]);
  if (stored === undefined || stored.prevSize === null) return null;
  const head = believeHead(custody, stored);
  const [before] = await runner.run(headOfSize, [stored.prevSize]);
  if (before === undefined) throw new IntegrityError('batch', stored.prevSize);
  const { frontier, size } = believeHead(custody, before);
  const events = await eventsAfter(session, size, head.size, head.size - size);
  if (events.length !== head.size - size) throw new IntegrityError('ledger: an event is missing', head.size);
  const leaves = events.map(({ leaf }) => leaf);
  const prove = (event: StoredEvent): ProvenEvent => ({
    ...shownOf(event),
    proof: newestInclusionProof(frontier, size, leaves, event.position - 1).map(hash => hash.toString('hex')),
  });
  return { head, events, prove };
};

const shownOf = (event: StoredEvent): Omit<ProvenEvent, 'proof'> => ({
  position: event.position,
  recorded_at: event.recordedAt,
  stream_version: event.streamVersion,
  facts: event.facts,
  sealed: {
    event_id: event.eventId,
    stream_id: event.streamId,
    type: event.type,
    lane: event.lane,
    actor: event.actor,
    epoch: event.epoch,
    day: event.day,
    key_id: event.keyId,
    header_hash: headerHash(event.header).toString('hex'),
    names_hash: event.names === null ? null : namesHash(event.names).toString('hex'),
    body_kind: event.bodyKind,
    body_len: event.bodyLen,
    body_hash: event.bodyHash?.toString('hex') ?? null,
  },
});
