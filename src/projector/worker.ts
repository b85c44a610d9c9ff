/**
 * The worker of one projection. Rows and position move in one transaction, so that each event is applied exactly once. One
 * worker at a time by a lease with a token; the others stand by. It stops on an event that it cannot fold, says so, and
 * loses nothing. Whatever else goes wrong is tried again.
 */
import { randomUUID } from 'node:crypto';
import type { Pool } from '../postgres/pool.js';
import { Alarm } from './alarm.js';
import { GivenUp, InUse } from './beside.js';
import { isPoison, reasonOf } from './poison.js';
import { applyStretch, type Fold, type Projection } from './projection.js';
import {
  command,
  dropLease,
  ledgerSize,
  lockCreation,
  markOf,
  moveTo,
  putMark,
  situationOf,
  stopAt,
  takeLease,
} from './statements.js';

/** What was folded in one transaction. */
export interface Folded {
  readonly projection: string;
  /** Up to here. */
  readonly position: number;
  readonly events: number;
  readonly seconds: number;
}

export interface WorkerPorts {
  readonly pool: Pool;
  readonly projection: Projection;
  /** Makes the tables anew, beside, and swaps them in. */
  readonly rebuild: () => Promise<unknown>;
  /** Called after each commit. */
  readonly folded: (folded: Folded) => void;
  readonly notice: (what: string, cause: unknown) => void;
}

const BATCH_EVENTS = 5000;
/** A ledger of so many events is faster rebuilt than followed. */
const REBUILD_EVENTS = 50_000;
const BUSY_POLL_MS = 250;
const IDLE_POLL_MS = 2000;
/** So many looks in vain make it idle. */
const IDLE_AFTER = 8;
/** A rebuild that failed costs much and may fail again. */
const REBUILD_AGAIN_MS = 60_000;

/** Somebody else folded, rebuilt or stopped it: nothing of this transaction may stay. */
class NotMine extends Error {}

export class Worker {
  readonly #token = randomUUID();
  readonly #alarm = new Alarm();
  readonly #done: Promise<void>;
  #fold: Fold;
  #position = 0;
  #stopped = false;
  /** The version of a newer program's tables, once it was said. */
  #newer = 0;
  #rebuildNotBefore = 0;

  constructor(readonly ports: WorkerPorts) {
    this.#fold = ports.projection.newFold();
    this.#done = this.#run();
  }

  /** Soon; at once when somebody waits for it. */
  wake(urgent: boolean): void {
    this.#alarm.wake(urgent);
  }

  /** Resolves after the transaction that runs, if one does, with the lease given back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#alarm.wake(true);
    await this.#done;
    await this.ports.pool.run(dropLease, [this.ports.projection.name, this.#token]).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { projection, notice } = this.ports;
    for (let quiet = 0; !this.#stopped; ) {
      this.#alarm.reset();
      let moved = false;
      try {
        moved = await this.#look();
      } catch (cause) {
        // The database is away, or somebody else moved it: look again after a while, with a memory that holds nothing.
        this.#forget();
        if (!(cause instanceof NotMine || cause instanceof GivenUp)) notice(`projection ${projection.name}`, cause);
      }
      quiet = moved ? 0 : quiet + 1;
      if (quiet === IDLE_AFTER) this.#forget();
      if (!this.#stopped) await this.#alarm.sleep(quiet < IDLE_AFTER ? BUSY_POLL_MS : IDLE_POLL_MS);
    }
  }

  /** True if anything was done. */
  async #look(): Promise<boolean> {
    const { pool, projection } = this.ports;
    const [now] = await pool.run(situationOf, [projection.name, this.#token]);
    if (now === undefined) return this.#create();
    if (now.mark.version !== projection.version) return this.#replace(now.mark.version);
    if (now.mark.state === 'stopped' || now.taken || now.mark.position >= now.size) return false;
    if (!now.mine && (await pool.run(takeLease, [projection.name, this.#token])).length === 0) return false;
    // Another worker has moved it, or a rebuild made it anew: what this one remembers of the rows is of the past.
    if (!now.mine || now.mark.position !== this.#position) this.#forget();
    this.#position = now.mark.position;
    while (this.#position < now.size && !this.#stopped)
      await this.#step(this.#position, Math.min(now.size, this.#position + BATCH_EVENTS));
    return true;
  }

  /** Folds a stretch; if it cannot be folded, the first half of it, down to the one event that it stops on. */
  async #step(from: number, to: number): Promise<void> {
    const { pool, projection, folded } = this.ports;
    const startedAt = performance.now();
    try {
      await pool.transaction(async tx => {
        const mine = await tx.run(moveTo, [projection.name, projection.version, this.#token, from, to]);
        if (mine.length !== 1) throw new NotMine();
        await applyStretch(tx, this.#fold, { from, to });
        // If we die here, or the commit does not arrive, position and rows are both as they were.
      });
    } catch (cause) {
      this.#forget();
      if (cause instanceof NotMine || !isPoison(cause)) throw cause;
      return to - from > 1 ? this.#step(from, from + Math.floor((to - from) / 2)) : this.#stopOn(to, cause);
    }
    this.#position = to;
    folded({
      projection: projection.name,
      position: to,
      events: to - from,
      seconds: (performance.now() - startedAt) / 1000,
    });
  }

  async #stopOn(position: number, cause: unknown): Promise<never> {
    const { pool, projection, notice } = this.ports;
    const at = [projection.name, projection.version, this.#token, position - 1] as const;
    const stopped = await pool.run(stopAt, [...at, position, reasonOf(cause)]);
    if (stopped.length === 1) notice(`projection ${projection.name} stopped at position ${position}`, cause);
    throw new NotMine();
  }

  /** Whoever comes first makes empty tables; they are followed from the beginning, or rebuilt if that takes long. */
  async #create(): Promise<true> {
    const { pool, projection } = this.ports;
    const size = await pool.transaction(async tx => {
      await tx.run(lockCreation);
      if ((await tx.run(markOf, [projection.name])).length > 0) return 0;
      for (const table of projection.tables) await tx.run(command(`drop table if exists ${table}`));
      await tx.run(command(projection.ddl));
      await tx.run(command(projection.indexes));
      await tx.run(putMark, [projection.name, projection.version, 0]);
      return (await tx.run(ledgerSize))[0] ?? 0;
    });
    if (size > REBUILD_EVENTS) await this.#rebuild();
    this.#alarm.wake(true);
    return true;
  }

  /** Tables of an older program are replaced; those of a newer one are left alone. */
  async #replace(version: number): Promise<boolean> {
    const { projection, notice } = this.ports;
    if (version < projection.version) return this.#rebuild();
    if (version !== this.#newer) notice(`projection ${projection.name} belongs to a newer program: standing by`, null);
    this.#newer = version;
    return false;
  }

  async #rebuild(): Promise<boolean> {
    if (performance.now() < this.#rebuildNotBefore) return false;
    try {
      await this.ports.rebuild();
      return true;
    } catch (cause) {
      // Another process is at it: its tables will do.
      if (cause instanceof InUse) return false;
      this.#rebuildNotBefore = performance.now() + REBUILD_AGAIN_MS;
      throw cause;
    }
  }

  #forget(): void {
    this.#fold = this.ports.projection.newFold();
  }
}
