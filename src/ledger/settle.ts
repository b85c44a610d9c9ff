/**
 * The procedure for an unknown COMMIT: the lock first (the old backend holds it until it is gone), then the event ids.
 * All there: it was committed, and these are the places. None: it was not, and the batch may run again with the same ids.
 *
 * What is found may be on this machine alone, if a synchronous standby is waited for and the connection broke in that wait.
 * So this transaction writes something as well: its commit waits until the standby has all that was written before it.
 */
import type { Uuid } from '../crypto/bytes.js';
import { uuidArray } from '../postgres/arrays.js';
import { DatabaseError } from '../postgres/errors.js';
import type { Pipeline } from '../postgres/pipeline.js';
import { anyRow, type Query, query } from '../sql.js';
import { IntegrityError } from './integrity.js';
import type { Outcome } from './outcome.js';
import { lockLedger, positionsOfIds } from './statements.js';

/** A record in the log that nobody reads. */
const writeSomething: Query<null> = query(
  'ledger_write_something',
  anyRow,
  `select pg_logical_emit_message(true, 'tallystick', '')`,
);

/** What of a batch is looked up. */
interface Sent {
  readonly events: readonly { readonly eventId: Uuid }[];
  readonly head: { readonly size: number };
}

export const settleUnknown = async (pipeline: Pipeline, batch: Sent): Promise<Outcome | null> => {
  const ids = batch.events.map(event => event.eventId);
  const [, , located, , committed] = await Promise.all([
    pipeline.command('begin'),
    pipeline.run(lockLedger),
    pipeline.run(positionsOfIds, [uuidArray(ids)]),
    pipeline.run(writeSomething),
    pipeline.command('commit'),
  ]);
  if (committed !== 'COMMIT') throw new DatabaseError('the look-up was rolled back', { sqlstate: '40000' });
  if (located.length === 0) return null;
  const byId = new Map(located.map(found => [found.eventId, found]));
  const events = ids.map(id => byId.get(id));
  // It was one transaction: some without the others cannot be.
  if (!events.every(found => found !== undefined)) throw new IntegrityError('half a batch', batch.head.size);
  return { kind: 'committed', events };
};
