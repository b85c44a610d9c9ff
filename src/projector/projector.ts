/**
 * Runs projections: a worker for each, woken by the doorbell and by this process, with polls as the net; reads of them;
 * rebuilds and verifications. Knows no projection by name.
 */
import type { Doorbell } from '../postgres/doorbell.js';
import type { Pool } from '../postgres/pool.js';
import type { Runner } from '../sql.js';
import type { Progress } from './beside.js';
import type { Projection } from './projection.js';
import { Reader } from './reader.js';
import { type Rebuilt, rebuild } from './rebuild.js';
import { type Status, statuses } from './status.js';
import { type Verified, verify } from './verify.js';
import { type Folded, Worker } from './worker.js';

export { InUse } from './beside.js';
export { Behind } from './tail.js';
export { NotBuilt } from './verify.js';

export interface ProjectorPorts {
  /** For workers and reads. */
  readonly pool: Pool;
  /** For rebuilds and verifications. */
  readonly maintenance: Pool;
  /** Null: nobody rings here. */
  readonly doorbell: Pick<Doorbell, 'subscribe'> | null;
  readonly projections: readonly Projection[];
  /** False: this process only reads what workers elsewhere fold. */
  readonly fold: boolean;
  readonly notice: (what: string, cause: unknown) => void;
  /** After each transaction of a worker of this process. */
  readonly measured?: (folded: Folded) => void;
}

export class Projector {
  readonly reader: Reader;
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #unsubscribe: () => void;
  readonly #stopping = new AbortController();
  /** One rebuild or verification at a time. */
  #maintenance: Promise<unknown> = Promise.resolve();

  constructor(readonly ports: ProjectorPorts) {
    const { pool, projections } = ports;
    this.reader = new Reader({ pool, projections, wake: name => this.#workers.get(name)?.wake(true) });
    this.#workers = new Map((ports.fold ? projections : []).map(each => [each.name, this.#worker(each)] as const));
    this.#unsubscribe = (ports.fold && ports.doorbell?.subscribe(() => this.wake())) || (() => {});
  }

  get names(): readonly string[] {
    return this.ports.projections.map(({ name }) => name);
  }

  /** Soon, after each commit of this process. */
  wake(): void {
    for (const worker of this.#workers.values()) worker.wake(false);
  }

  /** Resolves when nothing of it runs any more: what was folded is committed, a rebuild is given up. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopping.abort();
    await Promise.all([...this.#workers.values()].map(worker => worker.stop()));
    await this.#maintenance;
  }

  status(): Promise<readonly Status[]> {
    return statuses(this.ports.pool, this.names);
  }

  /** See `rebuild`; the workers are woken afterwards. */
  async rebuild(name: string, progress?: Progress): Promise<Rebuilt> {
    const projection = this.#named(name);
    const rebuilt = await this.#alone(() =>
      rebuild(this.ports.maintenance, projection, {
        signal: this.#stopping.signal,
        ...(progress === undefined ? {} : { progress }),
      }),
    );
    this.wake();
    return rebuilt;
  }

  verify(name: string): Promise<Verified> {
    const projection = this.#named(name);
    return this.#alone(() => verify(this.ports.maintenance, projection, this.#stopping.signal));
  }

  upTo<T>(name: string, position: number, read: (runner: Runner) => Promise<T>): Promise<T> {
    return this.reader.upTo(name, position, read);
  }

  #worker(projection: Projection): Worker {
    const { pool, notice, measured } = this.ports;
    return new Worker({
      ...{ pool, projection, notice },
      rebuild: () => this.rebuild(projection.name),
      folded: folded => {
        this.reader.progress.moved(folded.projection, folded.position);
        measured?.(folded);
      },
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#maintenance.then(work);
    this.#maintenance = result.catch(() => undefined);
    return result;
  }

  #named(name: string): Projection {
    const projection = this.ports.projections.find(known => known.name === name);
    if (projection === undefined) throw new Error('no such projection');
    return projection;
  }
}
