/**
 * From a moment to the position it speaks of. Positions are gapless and time is monotonic, so a time is found by binary
 * search over the primary key. "As of T" for T at or after the newest stamp needs the barrier: with the append lock held
 * shared until the clock has passed T, every later stamp is greater, and the answer never changes (postgres.md §4).
 */
import { E } from '../fp.js';
import type { Pool } from '../postgres/pool.js';
import { anyRow, noRow, type Query, query, type Runner } from '../sql.js';
import { authenticate, EVENT_COLUMNS, eventRow, type StoredEvent } from './event.js';
import { believeHead, headAtOrBefore, newestHead } from './head.js';
import { IntegrityError } from './integrity.js';
import type { Known } from './known.js';
import { lockLedgerShared } from './statements.js';

const number = (name: string) => (raw: Readonly<Record<string, unknown>>) => {
  const value = raw[name];
  return typeof value === 'number' ? E.right(value) : E.left(name);
};

const clock: Query<number> = query('ledger_clock', number('clock'), 'select clock_timestamp() as clock');

/** $1 µs, $2 the size to search in. */
const positionAt: Query<number> = query(
  'ledger_position_at',
  number('position'),
  `with recursive search (low, high) as (
     select 0::bigint, $2::bigint
     union all
     select case when e.recorded_at <= to_timestamp($1::bigint / 1000000.0) then e.position else s.low end,
            case when e.recorded_at <= to_timestamp($1::bigint / 1000000.0) then s.high else e.position - 1 end
       from search s join events e on e.position = (s.low + s.high + 1) / 2
      where s.low < s.high
   )
   select low as position from search where low = high`,
);

const pair: Query<StoredEvent> = query(
  'ledger_pair',
  eventRow,
  `select ${EVENT_COLUMNS} from events where position in ($1::bigint, $1::bigint + 1) order by position`,
);

const batchEndAtOrAfter: Query<number> = query(
  'ledger_batch_end_at_or_after',
  number('size'),
  'select size from batches where size >= $1 order by size limit 1',
);

const bumpBarrier: Query<null> = query('ledger_bump_barrier', anyRow, `select nextval('barrier')`);
const begin: Query<never> = query(null, noRow, 'begin');
const commit: Query<never> = query(null, noRow, 'commit');

export class InFuture extends Error {
  override readonly name = 'InFuture';
}

/** The barrier waits for the clock of the database to pass the asked millisecond; a node's clock may be this far ahead. */
const WAIT_MAX_MS = 2000;

export class Moments<State> {
  #barrier: { readonly atUs: number; readonly size: Promise<number> } | null = null;

  constructor(
    readonly pool: Pool,
    readonly known: Known<State>,
    readonly nowMs: () => number,
  ) {}

  /** The end of the batch that `position` lies in. Throws `InFuture` beyond the head. */
  async ofPosition(position: number): Promise<number> {
    if (position > this.known.head.size) await this.known.catchUp(this.pool);
    if (position > this.known.head.size) throw new InFuture('that position does not exist yet');
    const [end] = await this.pool.run(batchEndAtOrAfter, [position]);
    if (end === undefined) throw new IntegrityError('batch', position);
    const [stored] = await this.pool.run(headAtOrBefore, [end]);
    if (stored === undefined || believeHead(this.known.keys, stored).size !== end)
      throw new IntegrityError('batch', end);
    return end;
  }

  /** The newest position that was recorded at or before `atUs`; 0 = before the ledger began. Throws `InFuture`. */
  async ofTime(atUs: number): Promise<number> {
    if (atUs > this.nowMs() * 1000 + 999) throw new InFuture('that time has not come yet');
    if (atUs >= this.known.head.lastRecordedAt) await this.known.catchUp(this.pool);
    const { size, lastRecordedAt } = this.known.head;
    // A stamp after T is known, and stamps never go back: everything up to T is settled.
    if (atUs < lastRecordedAt) return this.#search(this.pool, atUs, size);
    return this.#search(this.pool, atUs, await this.#settled(atUs));
  }

  /** A size that holds everything that will ever have a stamp ≤ `atUs`. Readers that wait share one barrier. */
  #settled(atUs: number): Promise<number> {
    if (this.#barrier !== null && this.#barrier.atUs >= atUs) return this.#barrier.size;
    const size = this.pool.session(async connection => {
      await connection.run(begin);
      try {
        await connection.run(lockLedgerShared);
        // An append in one call that stamped before this is refused: its stamp could lie before T.
        await connection.run(bumpBarrier);
        await this.#clockPasses(connection, atUs);
        const [stored] = await connection.run(newestHead);
        if (stored === undefined) throw new IntegrityError('ledger head');
        return believeHead(this.known.keys, stored).size;
      } finally {
        await connection.run(commit);
      }
    });
    const barrier = { atUs, size };
    this.#barrier = barrier;
    const done = (): void => {
      if (this.#barrier === barrier) this.#barrier = null;
    };
    size.then(done, done);
    return size;
  }

  async #clockPasses(connection: Runner, atUs: number): Promise<void> {
    const until = Math.floor(atUs / 1000) * 1000 + 1000;
    for (let waited = 0; ; waited += 1) {
      const [now] = await connection.run(clock);
      if (now !== undefined && now >= until) return;
      if (waited > WAIT_MAX_MS) throw new InFuture('that time has not come yet for the database');
      await new Promise(resolve => setTimeout(resolve, 1));
    }
  }

  async #search(runner: Runner, atUs: number, size: number): Promise<number> {
    const [position] = await runner.run(positionAt, [atUs, size]);
    if (position === undefined) throw new IntegrityError('ledger: an event is missing');
    const neighbours = await runner.run(pair, [position]);
    for (const event of neighbours) {
      if (authenticate(this.known.keys, event) === null) throw new IntegrityError('event', event.position);
      const before = event.position <= position;
      if (before !== event.recordedAt <= atUs) throw new IntegrityError('event', event.position);
    }
    const expected = (position === 0 ? 0 : 1) + (position >= size ? 0 : 1);
    if (neighbours.filter(event => event.position <= size).length < expected)
      throw new IntegrityError('ledger: an event is missing', position);
    return position;
  }
}
