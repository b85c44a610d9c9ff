/**
 * A rollback that a person accepted (formats.md §3): the database is behind what this node saw, or has another history
 * since. Serving goes on from what is there, and that it does is the first event on top of it.
 */
import { stream } from '../crypto/names.js';
import { randomUuid7 } from '../crypto/random.js';
import type { Header } from '../domain/header.js';
import type { Failure } from '../failure.js';
import type { Either } from '../fp.js';
import { sealEvent } from '../keys/event-sealer.js';
import type { Session } from './session.js';

/** What this node had seen of the ledger, and the database does not have. */
export interface Lost {
  readonly size: number;
  /** hex */
  readonly root: string;
}

const DEADLINE_MS = 30_000;

export const appendRecovered = async (session: Session, lost: Lost, header: Header): Promise<Either<Failure, null>> => {
  const { custody, known, ports } = session;
  const streamId = stream(custody.keyring.indexKey, custody.ledger, 'ledger', '');
  const facts = { resumed_size: known.head.size, lost_size: lost.size, lost_root: lost.root };
  const eventId = randomUuid7(ports.nowMs());
  const sealed = sealEvent(custody, { eventId, streamId, type: 'ledger.recovered', lane: 1, actor: null, header });
  return session.appender.submit({
    streams: [streamId],
    repeatOf: null,
    alone: true,
    weight: sealed.header.length,
    eventsMax: 1,
    deadlineMs: ports.nowMs() + DEADLINE_MS,
    gone: () => false,
    decide: () => ({ kind: 'append', events: [{ sealed, facts }], result: () => null }),
  });
};
