/**
 * The append path that is always right: two flights on one pipelined connection, whoever wrote last (postgres.md §2).
 *
 * The first takes the lock and reads, in statements of their own (their snapshots are younger than the wait for the lock),
 * the head with the clock, what others appended, the newest events of streams not known here, and repeats of
 * Idempotency-Keys. The commands are decided; the second flight writes and commits.
 */
import type { Uuid } from '../crypto/bytes.js';
import { uuidArray } from '../postgres/arrays.js';
import { DatabaseError } from '../postgres/errors.js';
import type { Pipeline } from '../postgres/pipeline.js';
import type { Waiting } from './append-queue.js';
import type { AppenderPorts } from './appender.js';
import type { DatabaseClock } from './database-clock.js';
import { authenticate, type StoredEvent } from './event.js';
import { believeHead, macOf, newestHeadWithClock } from './head.js';
import { IntegrityError } from './integrity.js';
import { type Known, TAIL_PAGE, tailAfter } from './known.js';
import { type PlacedBatch, placeBatch } from './place-batch.js';
import { afterMoment, stampOf } from './stamp.js';
import {
  deleteKeys,
  deleteSlot,
  dropOldKeyrings,
  eventArrays,
  insertBatch,
  insertBlock,
  insertEvents,
  insertKeys,
  keyArrays,
  lockLedger,
  newestOfStreams,
  positionsOfIds,
  putKeyring,
  putSlot,
} from './statements.js';

/** `committing` is told of the batch just before COMMIT is sent: from then on its outcome may be unknown. */
export const appendInTwoFlights = async <State>(
  pipeline: Pipeline,
  ports: AppenderPorts<State>,
  clock: DatabaseClock,
  batch: readonly Waiting<State>[],
  committing: (batch: PlacedBatch<State>) => void,
): Promise<PlacedBatch<State>> => {
  const { known } = ports;
  const commands = batch.map(waiting => waiting.command);
  const startedAt = performance.now();
  for (;;) {
    const unknown = [...new Set(commands.flatMap(command => command.streams))].filter(id => !known.cache.peek(id));
    const names = commands.flatMap(({ repeatOf, formerly }) =>
      repeatOf === null ? [] : [repeatOf, ...(formerly ?? [])],
    );
    const flight = await Promise.all([
      pipeline.command('begin'),
      pipeline.run(lockLedger).then(() => performance.now()),
      pipeline.run(newestHeadWithClock),
      pipeline.run(tailAfter, [known.head.size]),
      unknown.length === 0 ? [] : pipeline.run(newestOfStreams, [uuidArray(unknown)]),
      names.length === 0 ? [] : pipeline.run(positionsOfIds, [uuidArray(names)]),
    ]);
    const [, lockedAt, [stored], tail, heads, repeats] = flight;
    if (stored === undefined) throw new IntegrityError('ledger head');
    if (tail.length === TAIL_PAGE && tail.at(-1)?.position !== stored.size) {
      // Too far behind to catch up under the lock: let go of it, read, come back.
      await pipeline.command('rollback');
      await known.catchUpHere(pipeline);
      continue;
    }
    const head = believeHead(known.keys, stored);
    if (head.size < known.head.size) throw new IntegrityError('ledger head: it went back', head.size);
    await known.keys.learn(pipeline, tail);
    known.advance(tail, head);
    remember(known, unknown, heads);

    clock.heard(stored.clock);
    const placed = placeBatch(commands, {
      keys: known.keys,
      head,
      chain: known.chain,
      recordedAt: stampOf(stored.clock, Math.max(head.lastRecordedAt, afterMoment(stored.settled)), ports.nowMs()),
      epoch: ports.epoch(),
      cache: known.cache,
      recent: known.recent,
      repeats: new Map(repeats.map(({ eventId, position }) => [eventId, position])),
    });
    if (placed.events.length === 0) {
      await pipeline.command('rollback');
      return placed;
    }
    committing(placed);
    await write(pipeline, known, placed);
    known.committed(placed);
    const now = performance.now();
    ports.measured?.({
      events: placed.events.length,
      commands: commands.length,
      lockWait: lockedAt - startedAt,
      commit: now - lockedAt,
      total: now - startedAt,
      path: 'two-flights',
    });
    return placed;
  }
};

/** The second flight. If any statement of it fails, COMMIT itself "succeeds" and says ROLLBACK: that word is what counts. */
const write = async <State>(pipeline: Pipeline, known: Known<State>, placed: PlacedBatch<State>): Promise<void> => {
  const { head, events } = placed;
  const rowKey = known.keys.rowKey(head.epoch);
  const first = events[0];
  if (rowKey === null || first === undefined) throw new Error('no row key serves the epoch of a new head');
  const work: Promise<unknown>[] = [
    pipeline.run(insertEvents, [first.position - 1, first.recordedAt, ...eventArrays(events)]),
  ];
  if (placed.insertKeys.length > 0) work.push(pipeline.run(insertKeys, keyArrays(placed.insertKeys)));
  if (placed.deleteKeys.length > 0) work.push(pipeline.run(deleteKeys, [uuidArray(placed.deleteKeys)]));
  for (const change of placed.store) work.push(...storeChange(pipeline, change, first));
  work.push(
    pipeline.run(insertBatch, [
      head.size,
      head.prevSize,
      head.root,
      Buffer.concat(head.frontier),
      head.lastRecordedAt,
      head.authorityCount,
      head.authorityChain,
      head.keyringGeneration,
      head.epoch,
      macOf(known.keys, rowKey, head),
    ]),
  );
  const commit = pipeline.command('commit');
  // Hear every answer before judging: an early rejection must not leave later ones unhandled.
  const results = await Promise.allSettled([...work, commit]);
  const failed = results.find(result => result.status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  if ((await commit) !== 'COMMIT') throw new DatabaseError('the batch was rolled back', { sqlstate: '40000' });
};

const storeChange = (
  pipeline: Pipeline,
  change: PlacedBatch<unknown>['store'][number],
  first: StoredEvent,
): Promise<unknown>[] => {
  switch (change.kind) {
    case 'put-slot':
      return [pipeline.run(putSlot, [change.slotId, change.record])];
    case 'delete-slot':
      return [pipeline.run(deleteSlot, [change.slotId])];
    case 'put-keyring':
      return [
        pipeline.run(putKeyring, [change.generation, change.box]),
        pipeline.run(dropOldKeyrings, [change.generation]),
      ];
    case 'put-block':
      return [pipeline.run(insertBlock, [first.position + change.index, first.recordedAt, change.body])];
  }
};

/** Authenticated newest events, and absence, of streams that were not known: exact as of the head under the lock. */
const remember = <State>(known: Known<State>, asked: readonly Uuid[], heads: readonly StoredEvent[]): void => {
  const byStream = new Map(heads.map(event => [event.streamId, event]));
  for (const streamId of asked) {
    const event = byStream.get(streamId);
    if (event !== undefined && authenticate(known.keys, event) === null)
      throw new IntegrityError('event', event.position);
    known.cache.put(streamId, entryFor(known, event));
  }
};

export const entryFor = <State>(known: Known<State>, event: StoredEvent | undefined) =>
  event === undefined
    ? { streamVersion: 0, position: 0, recordedAt: 0, state: known.fold.initial }
    : {
        streamVersion: event.streamVersion,
        position: event.position,
        recordedAt: event.recordedAt,
        state: known.fold.fromNewest(event),
      };
