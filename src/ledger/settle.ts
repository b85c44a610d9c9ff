/**
 * The procedure for an unknown COMMIT: the lock first (the old backend holds it until it is gone), then the event ids.
 * All there: it was committed, and these are the places. None: it was not, and the batch may run again with the same ids.
 */
import { uuidArray } from '../postgres/arrays.js';
import type { Pipeline } from '../postgres/pipeline.js';
import { IntegrityError } from './integrity.js';
import type { Outcome } from './outcome.js';
import type { PlacedBatch } from './place-batch.js';
import { lockLedger, positionsOfIds } from './statements.js';

export const settleUnknown = async <State>(pipeline: Pipeline, batch: PlacedBatch<State>): Promise<Outcome | null> => {
  const ids = batch.events.map(event => event.eventId);
  const [, , located] = await Promise.all([
    pipeline.command('begin'),
    pipeline.run(lockLedger),
    pipeline.run(positionsOfIds, [uuidArray(ids)]),
    pipeline.command('commit'),
  ]);
  if (located.length === 0) return null;
  const byId = new Map(located.map(found => [found.eventId, found]));
  const events = ids.map(id => byId.get(id));
  // It was one transaction: some without the others cannot be.
  if (!events.every(found => found !== undefined)) throw new IntegrityError('half a batch', batch.head.size);
  return { kind: 'committed', events };
};
