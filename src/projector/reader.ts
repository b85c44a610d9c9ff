/**
 * Reads of projections that see what was acknowledged before them, although workers lag: wait for the worker within a bound,
 * then fold the rest for oneself, else say how far it is behind. No wait is unbounded.
 */
import type { Pool } from '../postgres/pool.js';
import type { Runner } from '../sql.js';
import { Progress } from './progress.js';
import type { Projection } from './projection.js';
import { type Mark, markOf, marks } from './statements.js';
import { Behind, TailReads } from './tail.js';

const WAIT_MS = 400;

export interface ReaderPorts {
  readonly pool: Pool;
  readonly projections: readonly Projection[];
  /** Somebody waits for it. */
  readonly wake: (name: string) => void;
}

export class Reader {
  readonly progress: Progress;
  readonly #tails: ReadonlyMap<string, TailReads>;

  constructor(readonly ports: ReaderPorts) {
    this.progress = new Progress(() => ports.pool.run(marks));
    this.#tails = new Map(
      ports.projections.map(projection => [projection.name, new TailReads(ports.pool, projection)] as const),
    );
  }

  /**
   * Runs `read` on rows that hold everything up to `position`. They may hold more: a query is as of a position by itself.
   * Rejects with `Behind` when that cannot be had.
   */
  async upTo<T>(name: string, position: number, read: (runner: Runner) => Promise<T>): Promise<T> {
    return (await this.caughtUp(name, position, WAIT_MS)) ? read(this.ports.pool) : this.withTail(name, position, read);
  }

  /**
   * Whether the projection has folded up to `position`, at the latest after `ms`. Rejects with `Behind` at once where no
   * waiting helps: it stopped before that, or its tables belong to another version of the program, or to none.
   */
  async caughtUp(name: string, position: number, ms: number): Promise<boolean> {
    if (this.#isThere(name, position, await this.#mark(name))) return true;
    const reached = this.progress.reached(name, position, ms);
    this.ports.wake(name);
    return (await reached) || this.#isThere(name, position, await this.#mark(name));
  }

  /** Folds what is missing, reads, and leaves no trace. Rejects with `Behind` beyond `TAIL_EVENTS_MAX` events. */
  withTail<T>(name: string, position: number, read: (runner: Runner) => Promise<T>): Promise<T> {
    const tail = this.#tails.get(name);
    return tail === undefined ? Promise.reject(new Behind(name, position)) : tail.read(position, read);
  }

  async #mark(name: string): Promise<Mark | undefined> {
    return (await this.ports.pool.run(markOf, [name]))[0];
  }

  #isThere(name: string, position: number, mark: Mark | undefined): boolean {
    const version = this.ports.projections.find(projection => projection.name === name)?.version;
    if (mark === undefined || mark.version !== version) throw new Behind(name, position);
    if (mark.position >= position) return true;
    if (mark.state === 'stopped') throw new Behind(name, position - mark.position);
    return false;
  }
}
