/**
 * From a moment to the position it speaks of. Positions are gapless and time is monotonic, so a time is found by binary
 * search over the primary key. "As of T" for T at or after the newest stamp needs the barrier: with the append lock held
 * shared until the clock has passed T, every later stamp is greater, and the answer never changes (postgres.md §4).
 */
import { E } from '../fp.js';
import { DatabaseError } from '../postgres/errors.js';
import type { Pool } from '../postgres/pool.js';
import { type Query, query, type Runner } from '../sql.js';
import { authenticate, EVENT_COLUMNS, eventRow, type StoredEvent } from './event.js';
import { believeHead, headAtOrBefore } from './head.js';
import { IntegrityError } from './integrity.js';
import type { Known } from './known.js';

const number = (name: string) => (raw: Readonly<Record<string, unknown>>) => {
  const value = raw[name];
  return typeof value === 'number' ? E.right(value) : E.left(name);
};

/** The barrier: holds the append lock shared until the clock has passed the moment, and answers the size then (schema/0003). */
const settle: Query<number> = query('ledger_settle', number('newest_size'), 'select newest_size from settle($1)');

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

const NOT_YET = 'that time has not come yet';

export class InFuture extends Error {
  override readonly name = 'InFuture';
}

/** By the clock of the database, which is behind the one here. */
const refusedAsFuture = (error: unknown): never => {
  throw error instanceof DatabaseError && error.sqlstate === '22023' ? new InFuture(NOT_YET) : error;
};

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
    if (atUs > this.nowMs() * 1000 + 999) throw new InFuture(NOT_YET);
    if (atUs >= this.known.head.lastRecordedAt) await this.known.catchUp(this.pool);
    const { size, lastRecordedAt } = this.known.head;
    // A stamp after T is known, and stamps never go back: everything up to T is settled.
    if (atUs < lastRecordedAt) return this.#search(this.pool, atUs, size);
    const settled = await this.#settled(atUs);
    // The size is a claim of the database: what lies up to it is read and authenticated before it is used.
    await this.known.catchUp(this.pool);
    return this.#search(this.pool, atUs, Math.min(settled, this.known.head.size));
  }

  /** A size that holds everything that will ever have a stamp ≤ `atUs`. Readers that wait share one barrier. */
  #settled(atUs: number): Promise<number> {
    if (this.#barrier !== null && this.#barrier.atUs >= atUs) return this.#barrier.size;
    const size = this.pool.run(settle, [atUs]).then(([settled]) => {
      if (settled === undefined) throw new IntegrityError('ledger head');
      return settled;
    }, refusedAsFuture);
    const barrier = { atUs, size };
    this.#barrier = barrier;
    const done = (): void => {
      if (this.#barrier === barrier) this.#barrier = null;
    };
    size.then(done, done);
    return size;
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
