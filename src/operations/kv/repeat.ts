/** A command that repeats its Idempotency-Key is answered by what it did before, if it asks for the same (formats.md §7). */
import { IntegrityError } from '../../ledger/integrity.js';
import { type EventWithKey, readBodyAt } from '../../ledger/stream-reads.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';

/** The event that it made. Of another type, the key was used for another command. */
export const repeatedEvent = async (session: Session, position: number, type: string): Promise<EventWithKey> => {
  const found = await readBodyAt(session.ports.runner, session.custody, position);
  if (found === null) throw new IntegrityError('event', position);
  return found.event.type === type ? found : refuse({ kind: 'idempotency-mismatch' });
};
