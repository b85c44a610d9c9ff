/**
 * Point reads: a stream's newest event, the events that its head names, and their key rows, in one statement for all reads
 * that arrive in one turn of the event loop. Linearizable because a read joins only a statement that is not yet sent: its
 * snapshot is younger than the read. The same flight brings the tail of lane 1, which the caller folds before it authorises.
 */
import type { Uuid } from '../crypto/bytes.js';
import { E } from '../fp.js';
import { decodeKeyRow } from '../keys/store.js';
import { uuidArray } from '../postgres/arrays.js';
import type { Pipeline } from '../postgres/pipeline.js';
import { type Query, query, type RawRow } from '../sql.js';
import { decodeEvent, eventColumnsOf, type StoredEvent } from './event.js';
import { authorityTailAfter, TAIL_PAGE } from './known.js';
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
  /** The ledger's size in this snapshot. */
  readonly size: number;
}

export interface PointReads {
  readonly reads: ReadonlyMap<Uuid, PointRead>;
  readonly authorityTail: readonly StoredEvent[];
}

interface PointRow extends PointRead {
  readonly id: Uuid;
}

const eventOrNone = (raw: RawRow, prefix: string): StoredEvent | null => {
  const event = decodeEvent(raw, prefix);
  if (event === undefined) throw new TypeError('an events row');
  return event;
};

const pointRow = (raw: RawRow): PointRow | null => {
  const { id, size } = raw;
  if (typeof id !== 'string' || typeof size !== 'number') return null;
  const keys = ['hk_', 'wk_', 'ak_'].flatMap(prefix => decodeKeyRow(raw, prefix) ?? []);
  return {
    id,
    size,
    newest: eventOrNone(raw, 'h_'),
    written: eventOrNone(raw, 'w_'),
    annotated: eventOrNone(raw, 'a_'),
    keys,
  };
};

const keyColumns = (alias: string): string =>
  ['key_id', 'kind', 'owner', 'term', 'wrapped'].map(column => `${alias}.${column} as ${alias}_${column}`).join(', ');

const pointReads: Query<PointRow> = query(
  'ledger_point_reads',
  raw => {
    try {
      const row = pointRow(raw);
      return row === null ? E.left('a point read') : E.right(row);
    } catch (error) {
      return E.left(String(error));
    }
  },
  `select i.id, (select size from ledger_head) as size,
          ${eventColumnsOf('h', 'h_', true)}, ${keyColumns('hk')},
          ${eventColumnsOf('w', 'w_', true)}, ${keyColumns('wk')},
          ${eventColumnsOf('a', 'a_', true)}, ${keyColumns('ak')}
     from unnest($1::uuid[]) as i (id)
     left join lateral (select * from events where stream_id = i.id order by stream_version desc limit 1) h on true
     -- Lateral with a limit: one index probe for each, whatever the planner knows of the tables.
     left join lateral (select * from events
                         where stream_id = i.id and stream_version = (h.facts ->> 'written')::integer
                           and stream_version <> h.stream_version limit 1) w on true
     left join lateral (select * from events
                         where stream_id = i.id and stream_version = (h.facts ->> 'annotated')::integer
                           and stream_version <> h.stream_version limit 1) a on true
     left join lateral (select * from keys where key_id = h.key_id limit 1) hk on true
     left join lateral (select * from keys where key_id = w.key_id limit 1) wk on true
     left join lateral (select * from keys where key_id = a.key_id limit 1) ak on true`,
);

interface Waiting {
  readonly id: Uuid | null;
  readonly resolve: (read: PointRead | null) => void;
  readonly reject: (error: unknown) => void;
}

const IDS_MAX = 512;
const IN_FLIGHT_MAX = 2;
const WAITING_MAX = 20_000;

export class LoaderFull extends Error {
  override readonly name = 'LoaderFull';
}

export interface LoaderPorts {
  readonly openPipeline: () => Promise<Pipeline>;
  /** The newest lane-1 position that was folded here. */
  readonly authorityPosition: () => number;
  /** Called with each flight's lane-1 tail before its readers are answered; may load keys first. Rejections fail the readers. */
  readonly foldAuthority: (tail: readonly StoredEvent[]) => Promise<void>;
}

export class PointReader {
  #pipeline: Promise<Pipeline> | null = null;
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #scheduled = false;

  constructor(readonly ports: LoaderPorts) {}

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The stream as of a snapshot younger than this call, after lane 1 was folded as of then. */
  async read(id: Uuid): Promise<PointRead> {
    const read = await this.#join(id);
    if (read === null) throw new Error('a point read without an answer');
    return read;
  }

  /** Only folds lane 1 as of now: what a refusal waits for. */
  async refresh(): Promise<void> {
    await this.#join(null);
  }

  async close(): Promise<void> {
    const pipeline = await this.#pipeline?.catch(() => null);
    this.#pipeline = null;
    await pipeline?.close().catch(() => undefined);
  }

  #join(id: Uuid | null): Promise<PointRead | null> {
    if (this.#waiting.length >= WAITING_MAX) return Promise.reject(new LoaderFull('too many reads are waiting'));
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
      const pipeline = await this.#connected();
      const ids = [...new Set(batch.flatMap(({ id }) => (id === null ? [] : [id])))];
      const [first, rows] = await Promise.all([
        pipeline.run(authorityTailAfter, [this.ports.authorityPosition()]),
        ids.length === 0 ? [] : pipeline.run(pointReads, [uuidArray(ids)]),
      ]);
      for (let tail = first; tail.length > 0; ) {
        await this.ports.foldAuthority(tail);
        tail = tail.length < TAIL_PAGE ? [] : await pipeline.run(authorityTailAfter, [this.ports.authorityPosition()]);
      }
      const byId = new Map(rows.map(row => [row.id, row]));
      for (const { id, resolve } of batch) resolve(id === null ? null : (byId.get(id) ?? null));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async #connected(): Promise<Pipeline> {
    for (;;) {
      const pipeline = this.#pipeline;
      const current = await pipeline?.catch(() => null);
      if (current?.alive) return current;
      // Two flights may find the connection gone in the same turn: one opens another, the other waits for that.
      if (this.#pipeline !== pipeline) continue;
      this.#pipeline = this.ports.openPipeline();
      return this.#pipeline;
    }
  }
}
