/**
 * Tables of a projection beside its live ones: same names, same fold, another schema. A rebuild fills them and swaps them
 * in; a verification fills and compares them. One of either at a time for a projection, by a lock that goes with its
 * connection: if we die anywhere in here, the next one finds the lock free and drops what was left.
 */
import { E } from '../fp.js';
import type { Pool, Session } from '../postgres/pool.js';
import { anyRow, type Query, query, type Runner } from '../sql.js';
import { applyStretch, type Fold, type Projection } from './projection.js';
import { command } from './statements.js';

/** Somebody rebuilds or verifies this projection already, or holds its tables. The message is for operators. */
export class InUse extends Error {
  override readonly name = 'InUse';

  constructor(projection: string, why = 'it is being rebuilt or verified already') {
    super(`projection ${projection}: ${why}`);
  }
}

/** The program stops: what was begun is given up. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

/** Quoted names of the schemas. */
interface Places {
  readonly live: string;
  readonly beside: string;
  readonly ledger: string;
}

const placesQuery: Query<Places> = query(
  null,
  ({ live, beside, ledger }) =>
    typeof live === 'string' && typeof beside === 'string' && typeof ledger === 'string'
      ? E.right({ live, beside, ledger })
      : E.left('names of schemas'),
  `select quote_ident(current_schema()) as live, quote_ident(current_schema() || '_beside') as beside,
          quote_ident(regexp_replace(current_schema(), '_projections$', '')) as ledger`,
);

const yes = ({ yes: answer }: Readonly<Record<string, unknown>>) =>
  typeof answer === 'boolean' ? E.right(answer) : E.left('yes or no');

const LOCK = 1_414_745_934;
/** Held by rebuilds besides: whoever asks how far projections are sees it. */
export const REBUILD_LOCK = 1_414_745_935;

const tryLock = (lock: number): Query<boolean> =>
  query(null, yes, `select pg_try_advisory_lock(${lock}, hashtext(current_schema() || '/' || $1)) as yes`);
const unlockAll: Query<null> = query(null, anyRow, 'select pg_advisory_unlock_all()');

/** So few may be left when the worker is held up for a swap, or a snapshot is taken. */
const NEAR_EVENTS = 2000;

export type Progress = (position: number, size: number) => void;

export class Beside {
  readonly #fold: Fold;
  #position = 0;

  constructor(
    readonly session: Session,
    readonly projection: Projection,
    readonly places: Places,
    readonly signal: AbortSignal,
  ) {
    this.#fold = projection.newFold();
  }

  /** What these tables have folded. */
  get position(): number {
    return this.#position;
  }

  live(table: string): string {
    return `${this.places.live}.${table}`;
  }

  beside(table: string): string {
    return `${this.places.beside}.${table}`;
  }

  /** Folds up to `size`, in transactions of their own. */
  async fill(size: number, progress: Progress = () => {}): Promise<void> {
    while (this.#position < size) {
      if (this.signal.aborted) throw new GivenUp(`projection ${this.projection.name}`);
      const to = Math.min(size, this.#position + this.#fold.stretchEvents);
      await this.session.transaction(tx => this.#apply(tx, this.#fold, to));
      this.#position = to;
      progress(to, size);
    }
  }

  /** Folds in step with an end that moves, until it is so near that the rest can be folded at once, while others wait. */
  async follow(end: () => Promise<number>, progress?: Progress): Promise<void> {
    do await this.fill(await end(), progress);
    while ((await end()) - this.#position > NEAR_EVENTS);
  }

  /** Folds the rest up to `size` inside the caller's transaction, whose fate it shares; unqualified names are live again after it. */
  async finish(tx: Runner, size: number): Promise<void> {
    if (this.#position < size) await this.#apply(tx, this.projection.newFold(), size);
    await tx.run(command(`set local search_path to ${this.places.live}, ${this.places.ledger}`));
  }

  async indexes(): Promise<void> {
    await this.#define(this.projection.indexes);
    for (const table of this.projection.tables) await this.session.run(command(`analyze ${this.beside(table)}`));
  }

  async create(): Promise<void> {
    await this.drop();
    await this.#define(this.projection.ddl);
  }

  async drop(): Promise<void> {
    for (const table of this.projection.tables)
      await this.session.run(command(`drop table if exists ${this.beside(table)}`));
  }

  async #apply(tx: Runner, fold: Fold, to: number): Promise<void> {
    await this.#enter(tx);
    await applyStretch(tx, fold, { from: this.#position, to });
  }

  async #define(ddl: string): Promise<void> {
    await this.session.transaction(async tx => {
      await this.#enter(tx);
      await tx.run(command(ddl));
    });
  }

  /** The live tables are not on the path: what is not found beside is an error, never a live row changed. */
  async #enter(tx: Runner): Promise<void> {
    await tx.run(command(`set local search_path to ${this.places.beside}, ${this.places.ledger}`));
  }
}

/** Empty tables beside the live ones for as long as `work` takes. Rejects with `InUse`. */
export const withBeside = <T>(
  pool: Pool,
  projection: Projection,
  purpose: 'rebuild' | 'verify',
  signal: AbortSignal,
  work: (beside: Beside) => Promise<T>,
): Promise<T> =>
  pool.session(async session => {
    const [places] = await session.run(placesQuery);
    const [locked] = await session.run(tryLock(LOCK), [projection.name]);
    if (places === undefined || locked !== true) throw new InUse(projection.name);
    if (purpose === 'rebuild') await session.run(tryLock(REBUILD_LOCK), [projection.name]);
    const beside = new Beside(session, projection, places, signal);
    await beside.create();
    try {
      return await work(beside);
    } finally {
      // A connection that is broken has let go of the lock, and these fail: then the next one finds the tables and drops them.
      await beside.drop().catch(() => undefined);
      await session.run(unlockAll).catch(() => undefined);
    }
  });
