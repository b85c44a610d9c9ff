/**
 * Runs projections: a worker for each, woken by the doorbell and by this process, with polls as the net. Knows no
 * projection by name.
 */
import type { Doorbell } from '../postgres/doorbell.js';
import { DatabaseError } from '../postgres/errors.js';
import type { Pool } from '../postgres/pool.js';
import type { Runner } from '../sql.js';
import type { Projection } from './projection.js';
import { createTables, type Rebuilt, rebuild, type Verified, verify } from './rebuild.js';
import { lockProjections } from './start-lock.js';
import { ledgerSize, type Mark, markOf, marks, putMark } from './statements.js';
import { Worker } from './worker.js';

/** A projection is too far behind to answer. `lag` in events. */
export class Behind extends Error {
  override readonly name = 'Behind';

  constructor(
    readonly projection: string,
    readonly lag: number,
  ) {
    super(`projection ${projection} is ${lag} events behind`);
  }
}

export interface ProjectorPorts {
  readonly pool: Pool;
  /** Null: nobody rings here. */
  readonly doorbell: Doorbell | null;
  readonly projections: readonly Projection[];
  /** False: this process only reads what workers elsewhere fold. */
  readonly fold: boolean;
  readonly notice: (what: string, cause: unknown) => void;
}

/** A read waits so long for a worker before it folds the rest for itself. */
const WAIT_MS = 400;
/** Beyond this many events a read does not fold for itself. */
const TAIL_EVENTS_MAX = 10_000;

export class Projector {
  readonly #workers = new Map<string, Worker>();
  readonly #waiting = new Set<() => void>();
  readonly #started: Promise<void>;
  #unsubscribe: (() => void) | null = null;
  #stopped = false;

  constructor(readonly ports: ProjectorPorts) {
    this.#started = ports.fold ? this.#start() : Promise.resolve();
    this.#started.catch(cause => ports.notice('starting projections', cause));
  }

  get names(): readonly string[] {
    return this.ports.projections.map(({ name }) => name);
  }

  wake(urgent = false): void {
    for (const worker of this.#workers.values()) worker.wake(urgent);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe?.();
    await this.#started.catch(() => undefined);
    await Promise.all([...this.#workers.values()].map(worker => worker.stop()));
  }

  marks(): Promise<readonly Mark[]> {
    return this.ports.pool.run(marks);
  }

  async rebuild(name: string, progress: (position: number, size: number) => void = () => {}): Promise<Rebuilt> {
    const rebuilt = await rebuild(this.ports.pool, this.#named(name), progress);
    this.wake();
    return rebuilt;
  }

  verify(name: string): Promise<Verified> {
    return verify(this.ports.pool, this.#named(name));
  }

  /**
   * Runs `read` on rows that hold everything up to `position`: waits for the worker within a bound, then folds the rest in
   * a transaction that is rolled back. Rejects with `Behind` when there is too much of it.
   */
  async upTo<T>(name: string, position: number, read: (runner: Runner) => Promise<T>): Promise<T> {
    const until = performance.now() + WAIT_MS;
    for (;;) {
      const [mark] = await this.ports.pool.run(markOf, [name]);
      if (mark !== undefined && mark.position >= position) return read(this.ports.pool);
      const left = until - performance.now();
      if (left <= 0) return this.#withTail(name, mark ?? null, position, read);
      this.wake(true);
      await this.#moved(Math.min(left, 20));
    }
  }

  /** Resolves when some worker moved, or after `ms`. */
  #moved(ms: number): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }

  async #withTail<T>(
    name: string,
    mark: Mark | null,
    position: number,
    read: (runner: Runner) => Promise<T>,
  ): Promise<T> {
    const lag = position - (mark?.position ?? 0);
    if (mark === null || lag > TAIL_EVENTS_MAX) throw new Behind(name, lag);
    const rolledBack = new Error('rolled back on purpose');
    let result: { readonly value: T } | null = null;
    try {
      await this.ports.pool.transaction(async tx => {
        const [now] = await tx.run(markOf, [name]);
        await this.#named(name)
          .newFold()
          .apply(tx, table => table, now?.position ?? mark.position, position);
        result = { value: await read(tx) };
        throw rolledBack;
      });
    } catch (error) {
      if (error !== rolledBack) throw error instanceof DatabaseError ? new Behind(name, lag) : error;
    }
    if (result === null) throw new Behind(name, lag);
    return (result as { readonly value: T }).value;
  }

  async #start(): Promise<void> {
    for (const projection of this.ports.projections) {
      await this.#prepare(projection);
      if (this.#stopped) return;
      this.#workers.set(
        projection.name,
        new Worker({
          pool: this.ports.pool,
          projection,
          notice: this.ports.notice,
          moved: () => {
            for (const done of [...this.#waiting]) done();
          },
        }),
      );
    }
    this.#unsubscribe = this.ports.doorbell?.subscribe(() => this.wake()) ?? null;
  }

  /** Tables of the right version, whoever makes them first. */
  async #prepare(projection: Projection): Promise<void> {
    const fresh = await this.ports.pool.transaction(async tx => {
      await tx.run(lockProjections);
      const [mark] = await tx.run(markOf, [projection.name]);
      if (mark !== undefined) return mark.version !== projection.version;
      const [size = 0] = await tx.run(ledgerSize);
      await createTables(tx, projection);
      await tx.run(putMark, [projection.name, projection.version, 0]);
      return size > 100_000;
    });
    if (fresh) await rebuild(this.ports.pool, projection, () => {});
  }

  #named(name: string): Projection {
    const projection = this.ports.projections.find(known => known.name === name);
    if (projection === undefined) throw new Error('no such projection');
    return projection;
  }
}
