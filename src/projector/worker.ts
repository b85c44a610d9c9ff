/**
 * The worker of one projection: rows and position move in one transaction, so that each event is applied exactly once. One
 * worker at a time by a lease with a token; the others stand by. It stops on an event that it cannot fold, says so, and
 * loses nothing.
 */
import { randomUUID } from 'node:crypto';
import { DatabaseError } from '../postgres/errors.js';
import type { Pool } from '../postgres/pool.js';
import type { Fold, Projection } from './projection.js';
import { dropLease, ledgerSize, markOf, moveTo, stopAt, takeLease } from './statements.js';

export interface WorkerPorts {
  readonly pool: Pool;
  readonly projection: Projection;
  /** Called after each commit with the position reached. */
  readonly moved: (position: number) => void;
  readonly notice: (what: string, cause: unknown) => void;
}

const BATCH_EVENTS = 5000;
/** Under load a worker folds what came together in this time, instead of a transaction for each commit. */
const GATHER_MS = 100;
const BUSY_POLL_MS = 250;
const IDLE_POLL_MS = 2000;

/** Somebody else folded, or holds the lease: not an error, but nothing of this transaction may stay. */
class NotMine extends Error {}

export class Worker {
  readonly #token = randomUUID();
  #fold: Fold;
  #position = 0;
  #stopped = false;
  #wanted = true;
  #urgent = false;
  #sleeping: ((urgent: boolean) => void) | null = null;
  readonly #done: Promise<void>;

  constructor(readonly ports: WorkerPorts) {
    this.#fold = ports.projection.newFold();
    this.#done = this.#run();
  }

  get position(): number {
    return this.#position;
  }

  /** Soon; at once when somebody waits for it. */
  wake(urgent = false): void {
    this.#wanted = true;
    if (urgent) this.#urgent = true;
    this.#sleeping?.(urgent);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake(true);
    await this.#done;
    await this.ports.pool.run(dropLease, [this.ports.projection.name, this.#token]).catch(() => undefined);
  }

  async #run(): Promise<void> {
    let quiet = 0;
    while (!this.#stopped) {
      this.#wanted = false;
      this.#urgent = false;
      let moved = false;
      try {
        moved = await this.#catchUp();
      } catch (cause) {
        // The database is away, or somebody else has the lease: look again after a while.
        this.#fold = this.ports.projection.newFold();
        if (!(cause instanceof NotMine)) this.ports.notice(`projection ${this.ports.projection.name}`, cause);
      }
      quiet = moved ? 0 : quiet + 1;
      await this.#sleep(quiet < 8 ? BUSY_POLL_MS : IDLE_POLL_MS);
    }
  }

  /** Until `ms` have passed, or a wake: an ordinary one counts only after the gathering time. */
  #sleep(ms: number): Promise<void> {
    if (this.#urgent || this.#stopped) return Promise.resolve();
    return new Promise(resolve => {
      const since = performance.now();
      const done = (): void => {
        clearTimeout(timer);
        this.#sleeping = null;
        resolve();
      };
      let timer = setTimeout(done, this.#wanted ? GATHER_MS : ms);
      this.#sleeping = urgent => {
        clearTimeout(timer);
        const gathered = GATHER_MS - (performance.now() - since);
        if (urgent || gathered <= 0) done();
        else timer = setTimeout(done, gathered);
      };
    });
  }

  /** True if anything was folded. */
  async #catchUp(): Promise<boolean> {
    const { pool, projection } = this.ports;
    const [mark] = await pool.run(markOf, [projection.name]);
    if (mark === undefined || mark.state !== 'running') return false;
    if (mark.position !== this.#position) {
      // Another worker, or a rebuild, has moved it: what this one remembers of the rows is of the past.
      this.#fold = projection.newFold();
      this.#position = mark.position;
    }
    const [size = 0] = await pool.run(ledgerSize);
    if (mark.position >= size) return false;
    if ((await pool.run(takeLease, [projection.name, this.#token])).length === 0) return false;
    for (let at = mark.position; at < size && !this.#stopped; at = this.#position)
      await this.#step(at, Math.min(size, at + BATCH_EVENTS));
    return true;
  }

  /** Folds a stretch; if it cannot be folded, halves of it, down to the one event that it stops on. */
  async #step(from: number, to: number): Promise<void> {
    const { pool, projection, moved } = this.ports;
    try {
      await pool.transaction(async tx => {
        const mine = await tx.run(moveTo, [projection.name, from, this.#token, to]);
        if (mine.length !== 1) throw new NotMine();
        await this.#fold.apply(tx, table => table, from, to);
      });
      this.#position = to;
      moved(to);
    } catch (cause) {
      this.#fold = projection.newFold();
      if (!isPoison(cause)) throw cause;
      const middle = from + Math.floor((to - from) / 2);
      if (to - from > 1) {
        await this.#step(from, middle);
        return;
      }
      this.ports.notice(`projection ${projection.name} stopped at position ${to}`, cause);
      await pool.run(stopAt, [projection.name, from, to, reasonOf(cause)]);
      throw new NotMine();
    }
  }
}

/** An event that will not fold however often it is tried. What the database's absence causes is not. */
const isPoison = (cause: unknown): boolean => {
  if (cause instanceof NotMine) return false;
  if (!(cause instanceof DatabaseError)) return true;
  return cause.sqlstate !== null && /^(22|23|42|P0)/.test(cause.sqlstate);
};

const reasonOf = (cause: unknown): string =>
  cause instanceof DatabaseError
    ? `the database refused its rows (${cause.sqlstate})`
    : `the fold failed (${cause instanceof Error ? cause.name : 'unknown'})`;
