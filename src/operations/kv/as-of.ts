/** A secret as it was: the newest event at or before a position, and what it names, judged by the clock of that moment. */
import type { Uuid } from '../../crypto/bytes.js';
import type { SecretState } from '../../domain/secret/state.js';
import { headAtOrBefore } from '../../ledger/head.js';
import { InFuture } from '../../ledger/moments.js';
import { readNewestUpTo } from '../../ledger/stream-reads.js';
import { secretFold } from '../../nexus/secret-streams.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';
import type { Moment } from '../request.js';

export interface Then {
  /** The position that the answer speaks of. */
  readonly position: number;
  /** µs: what "now" was then. */
  readonly nowUs: number;
}

/** Refuses moments in the future and positions that are not positive whole numbers. */
export const resolveMoment = async (session: Session, moment: Moment): Promise<Then> => {
  try {
    if ('at' in moment) {
      if (!Number.isSafeInteger(moment.at) || moment.at < 0)
        refuse({ kind: 'invalid', message: 'at must be a time since 1970' });
      return { position: await session.moments.ofTime(moment.at), nowUs: moment.at };
    }
    if (!Number.isSafeInteger(moment.position) || moment.position < 1)
      refuse({ kind: 'invalid', message: 'position must be a positive whole number' });
    const position = await session.moments.ofPosition(moment.position);
    const [head] = await session.ports.runner.run(headAtOrBefore, [position]);
    return { position, nowUs: head?.lastRecordedAt ?? 0 };
  } catch (error) {
    if (error instanceof InFuture) return refuse({ kind: 'invalid', message: error.message });
    throw error;
  }
};

/** The state then, and the stream version of the event that says so (0: nothing was recorded yet). */
export const stateThen = async (session: Session, node: Uuid, then: Then): Promise<SecretState> => {
  const event = await readNewestUpTo(session.ports.runner, session.custody, node, then.position);
  return event === null ? secretFold.initial : secretFold.fromNewest(event);
};
