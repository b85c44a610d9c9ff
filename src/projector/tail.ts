/**
 * Reads of a projection that is a little behind: the rest is folded in a transaction, read, and rolled back. What comes
 * together shares one such transaction; it holds the projection's row, so that it neither collides with the worker, which
 * waits for it or is waited for, nor with another node's.
 */
import { DatabaseError } from '../postgres/errors.js';
import type { Pool, Session } from '../postgres/pool.js';
import type { Runner } from '../sql.js';
import { isPoison } from './poison.js';
import { applyStretch, type Projection } from './projection.js';
import { command, holdMark } from './statements.js';

/** Beyond so many events a read does not fold for itself. */
export const TAIL_EVENTS_MAX = 10_000;
/** For the row, or for what the fold writes. */
const LOCK_WAIT_MS = 1000;

/** A projection cannot answer for a position. `lag` in events. */
export class Behind extends Error {
  override readonly name = 'Behind';

  constructor(
    readonly projection: string,
    readonly lag: number,
  ) {
    super(`projection ${projection} is ${lag} events behind`);
  }
}

interface Waiting {
  readonly position: number;
  readonly read: (tx: Runner) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class TailReads {
  #waiting: Waiting[] = [];
  #running = false;

  constructor(
    readonly pool: Pool,
    readonly projection: Projection,
  ) {}

  /** Rejects with `Behind` when the rest is too long, or cannot be folded. */
  read<T>(position: number, read: (tx: Runner) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ position, read, resolve: value => resolve(value as T), reject });
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    for (let together = this.#take(); together.length > 0; together = this.#take()) await this.#serve(together);
    this.#running = false;
  }

  #take(): readonly Waiting[] {
    return this.#waiting.splice(0);
  }

  async #serve(together: readonly Waiting[]): Promise<void> {
    const answers: (() => void)[] = [];
    try {
      await this.pool.session(session =>
        this.#rolledBack(session, async tx => {
          for (const waiting of await this.#folded(tx, together)) {
            const value = await waiting.read(tx);
            answers.push(() => waiting.resolve(value));
          }
        }),
      );
      for (const answer of answers) answer();
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  }

  /** The connection is kept: a rollback on purpose is no failure. */
  async #rolledBack(session: Session, work: (tx: Runner) => Promise<void>): Promise<void> {
    const onPurpose = new Error('rolled back on purpose');
    const done = async (tx: Runner): Promise<void> => {
      await work(tx);
      throw onPurpose;
    };
    await session.transaction(done).catch((error: unknown) => {
      if (error !== onPurpose) throw error;
    });
  }

  /** Those whose position the tables then hold; the others are told. */
  async #folded(tx: Runner, together: readonly Waiting[]): Promise<readonly Waiting[]> {
    const { name, version, newFold } = this.projection;
    await tx.run(command(`set local lock_timeout = ${LOCK_WAIT_MS}`));
    const [mark] = await tx.run(holdMark, [name]).catch(held(name, together));
    const from = mark?.version === version ? mark.position : null;
    const served = together.filter(({ position, reject }) => {
      if (from !== null && position - from <= TAIL_EVENTS_MAX) return true;
      reject(new Behind(name, position - (from ?? 0)));
      return false;
    });
    const to = Math.max(0, ...served.map(({ position }) => position));
    if (from !== null && to > from)
      await applyStretch(tx, newFold(), { from, to }).catch((error: unknown) => {
        throw isPoison(error) ? new Behind(name, to - from) : error;
      });
    return served;
  }
}

/** The worker, or somebody else's tail, took longer than a read may wait. */
const held =
  (name: string, together: readonly Waiting[]) =>
  (error: unknown): never => {
    if (!(error instanceof DatabaseError) || error.sqlstate !== '55P03') throw error;
    throw new Behind(name, Math.max(...together.map(({ position }) => position)));
  };
