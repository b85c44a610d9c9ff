/**
 * Point reads: a stream's newest event, the events that its head names, and their key rows, in one statement for all reads
 * that arrive in one turn of the event loop. Linearizable because a read joins only a statement that is not yet sent: its
 * snapshot is younger than the read. Cached rows are used unless that snapshot shows an event of their stream that is younger
 * than they are; and when lane 1 moved, its tail is folded before the caller authorises.
 */
import type { Uuid } from '../crypto/bytes.js';
import { uuidArray } from '../postgres/arrays.js';
import type { Pipeline } from '../postgres/pipeline.js';
import type { StoredEvent } from './event.js';
import { IntegrityError } from './integrity.js';
import { authorityTailAfter, TAIL_PAGE } from './known.js';
import type { Openings } from './openings.js';
import { moved, type PointRow, pointReads } from './point-statements.js';
import { RowCache } from './row-cache.js';
import type { KeyRow } from './sealed-event.js';

/** Rows as they were stored; nothing here is authenticated yet. */
export interface PointRead {
  readonly newest: StoredEvent | null;
  /** The write of the current version, when it is not the newest event itself. */
  readonly written: StoredEvent | null;
  /** The newest annotation of this generation, when it is not the newest event itself. */
  readonly annotated: StoredEvent | null;
  /** Key rows of the three, as far as they exist. */
  readonly keys: readonly KeyRow[];
  readonly openings: Openings;
  /** The ledger's size in this snapshot. */
  readonly size: number;
}

export interface Found {
  /** The same object as long as the stream has no new event and the rows stay cached. */
  readonly read: PointRead;
  /** The ledger's size in a snapshot younger than the call, as of which `read` is exact. */
  readonly size: number;
}

interface Waiting {
  readonly id: Uuid | null;
  readonly resolve: (found: Found | null) => void;
  readonly reject: (error: unknown) => void;
}

const IDS_MAX = 512;
const IN_FLIGHT_MAX = 2;
const WAITING_MAX = 20_000;

export class LoaderFull extends Error {
  override readonly name = 'LoaderFull';
}

/** The session ended: nothing is opened or kept for it any more. */
export class ReaderClosed extends Error {
  override readonly name = 'ReaderClosed';
}

export interface LoaderPorts {
  readonly openPipeline: () => Promise<Pipeline>;
  /** Of sealed rows, for each connection. */
  readonly cacheBytes: number;
  /** The newest lane-1 position that was folded here. */
  readonly authorityPosition: () => number;
  /** Called with each flight's lane-1 tail before its readers are answered; may load keys first. Rejections fail the readers. */
  readonly foldAuthority: (tail: readonly StoredEvent[]) => Promise<void>;
  /** Of the keyring: another one, and cached key rows may be under a key that is gone. */
  readonly keyringGeneration: () => number;
}

interface Connection {
  readonly pipeline: Pipeline;
  /** Another connection may lead to another server: nothing that was read over this one is believed there. */
  readonly cache: RowCache;
}

export class PointReader {
  #connection: Promise<Connection> | null = null;
  #cache: RowCache | null = null;
  #closed = false;
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #scheduled = false;
  #asked = 0;

  constructor(readonly ports: LoaderPorts) {}

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Reads that were asked for so far. */
  get asked(): number {
    return this.#asked;
  }

  /** The stream as of a snapshot younger than this call, after lane 1 was folded as of then. */
  async read(id: Uuid): Promise<Found> {
    const found = await this.#join(id);
    if (found === null) throw new Error('a point read without an answer');
    return found;
  }

  /** Only folds lane 1 as of now: what a refusal waits for. */
  async refresh(): Promise<void> {
    await this.#join(null);
  }

  /** Streams that have events up to `size` which this process heard of: their rows go, and the keys that opened them. */
  forget(streams: Iterable<Uuid>, size: number): void {
    this.#cache?.forget(streams, size);
  }

  forgetAll(): void {
    this.#cache?.clear();
  }

  /** What waits and what comes later is rejected with `ReaderClosed`. */
  async close(): Promise<void> {
    this.#closed = true;
    const connection = await this.#connection?.catch(() => null);
    this.#connection = null;
    connection?.cache.end();
    await connection?.pipeline.close().catch(() => undefined);
  }

  #join(id: Uuid | null): Promise<Found | null> {
    if (this.#waiting.length >= WAITING_MAX) return Promise.reject(new LoaderFull('too many reads are waiting'));
    this.#asked += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= IN_FLIGHT_MAX || this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const batch = this.#waiting.splice(0, IDS_MAX);
      this.#inFlight += 1;
      void this.#flight(batch).finally(() => {
        this.#inFlight -= 1;
        this.#schedule();
      });
      this.#schedule();
    });
  }

  async #flight(batch: readonly Waiting[]): Promise<void> {
    try {
      const ids = new Set(batch.flatMap(({ id }) => id ?? []));
      const found = await this.#found(await this.#connected(), ids);
      for (const { id, resolve } of batch) resolve(id === null ? null : (found.get(id) ?? null));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** What moved is asked after rows: who lost a right, and lane 1 said so, reads nothing that was written after it. */
  async #found({ pipeline, cache }: Connection, ids: ReadonlySet<Uuid>): Promise<ReadonlyMap<Uuid, Found>> {
    const generation = this.ports.keyringGeneration;
    const found = new Map<Uuid, Found>();
    let wanted: readonly Uuid[] = [...ids];
    do {
      cache.keptUnder(generation());
      const cached = new Map<Uuid, PointRead>();
      const missing: Uuid[] = [];
      for (const id of wanted) {
        const known = cache.get(id);
        if (known === undefined) missing.push(id);
        else cached.set(id, known);
      }
      const [rows, [now]] = await Promise.all([
        readRows(pipeline, missing),
        pipeline.run(moved, [this.ports.authorityPosition(), cache.asOf]),
      ]);
      if (now === undefined) throw new IntegrityError('ledger head');
      cache.advance(now.size, now.streams);
      for (const [id, read] of cached) found.set(id, { read, size: now.size });
      for (const row of rows) {
        cache.put(row.id, row);
        found.set(row.id, { read: row, size: row.size });
      }
      if (now.authority) await this.#foldAuthority(pipeline);
      if (!cache.keptUnder(generation())) continue;
      wanted = now.streams === null ? [...cached.keys()] : now.streams.filter(id => cached.delete(id));
    } while (wanted.length > 0);
    return found;
  }

  async #foldAuthority(pipeline: Pipeline): Promise<void> {
    for (;;) {
      const tail = await pipeline.run(authorityTailAfter, [this.ports.authorityPosition()]);
      if (tail.length > 0) await this.ports.foldAuthority(tail);
      if (tail.length < TAIL_PAGE) return;
    }
  }

  async #connected(): Promise<Connection> {
    for (;;) {
      const connection = this.#connection;
      const current = await connection?.catch(() => null);
      if (current?.pipeline.alive) return current;
      // Two flights may find the connection gone in the same turn: one opens another, the other waits for that.
      if (this.#connection !== connection) continue;
      if (this.#closed) throw new ReaderClosed('the reader was closed');
      this.#cache?.end();
      this.#cache = null;
      this.#connection = this.ports.openPipeline().then(pipeline => {
        this.#cache = new RowCache(this.ports.cacheBytes);
        return { pipeline, cache: this.#cache };
      });
      return this.#connection;
    }
  }
}

const readRows = (pipeline: Pipeline, ids: readonly Uuid[]): Promise<readonly PointRow[]> =>
  ids.length === 0 ? Promise.resolve([]) : pipeline.run(pointReads, [uuidArray(ids)]);
