/**
 * The append path in one round trip, for the process that wrote last: everything is decided on what is known here, and one
 * function call compares the head under the lock and inserts, or refuses and writes nothing (schema/0003).
 *
 * Sound because every append passes the same compare-and-set: if the newest size is the known one, so is every cached stream.
 * Where nothing is to be appended — all commands rejected, or nothing to change — the size is asked all the same.
 */

import { E } from '../fp.js';
import { uuidArray } from '../postgres/arrays.js';
import type { Pipeline } from '../postgres/pipeline.js';
import { type Query, query } from '../sql.js';
import type { Waiting } from './append-queue.js';
import type { AppenderPorts } from './appender.js';
import type { DatabaseClock } from './database-clock.js';
import { macOf } from './head.js';
import { type PlacedBatch, placeBatch } from './place-batch.js';
import { eventArrays, keyArrays } from './statements.js';

interface Outcome {
  readonly outcome: string;
  readonly clock: number;
}

const append: Query<Outcome> = query(
  'ledger_append',
  ({ outcome, clock }) =>
    typeof outcome === 'string' && typeof clock === 'number'
      ? E.right({ outcome, clock })
      : E.left('an outcome of append'),
  `select outcome, clock
     from append($1, to_timestamp($2::bigint / 1000000.0), $3,
                 $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                 $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)`,
);

const newestSize: Query<number> = query(
  'ledger_newest_size',
  ({ size }) => (typeof size === 'number' ? E.right(size) : E.left('size')),
  'select size from ledger_head',
);

/** ms that a stamp chosen before the lock may differ from the clock under it. */
const SKEW_MS = 1000;

/** Null: not possible now, nothing was written; take two flights. */
export const appendInOneCall = async <State>(
  pipeline: Pipeline,
  ports: AppenderPorts<State>,
  clock: DatabaseClock,
  batch: readonly Waiting<State>[],
  committing: (batch: PlacedBatch<State>) => void,
): Promise<PlacedBatch<State> | null> => {
  const { known } = ports;
  const { head } = known;
  const commands = batch.map(waiting => waiting.command);
  const estimate = clock.estimate();
  if (estimate === null || known.authorityCount !== head.authorityCount) return null;
  if (commands.some(command => command.alone || command.repeatOf !== null)) return null;
  if (commands.some(command => command.streams.some(id => known.cache.peek(id) === undefined))) return null;

  const startedAt = performance.now();
  const stamp = Math.max(estimate - (estimate % 1000), head.lastRecordedAt);
  const ground = { keys: known.keys, head, chain: known.chain, recordedAt: stamp, epoch: ports.epoch() };
  const placed = placeBatch(commands, { ...ground, cache: known.cache, recent: known.recent, repeats: new Map() });
  // Nothing to insert, so nothing compares the head: that these answers are of today has to be asked.
  if (placed.events.length === 0) return (await pipeline.run(newestSize))[0] === head.size ? placed : null;
  const next = placed.head;
  const rowKey = known.keys.rowKey(next.epoch);
  if (rowKey === null) throw new Error('no row key serves the epoch of a new head');
  committing(placed);
  const [heard] = await pipeline.run(append, [
    ...[head.size, stamp, SKEW_MS, ...eventArrays(placed.events), ...keyArrays(placed.insertKeys)],
    uuidArray(placed.deleteKeys),
    ...[next.size, next.root, Buffer.concat(next.frontier), next.authorityCount, next.authorityChain],
    ...[next.keyringGeneration, next.epoch, macOf(known.keys, rowKey, next)],
  ]);
  if (heard?.outcome !== 'ok') {
    clock.refused();
    return null;
  }
  clock.heard(heard.clock);
  known.committed(placed);
  const total = performance.now() - startedAt;
  ports.measured?.({
    ...{ events: placed.events.length, commands: commands.length, lockWait: 0, commit: total, total },
    path: 'one-call',
  });
  return placed;
};
