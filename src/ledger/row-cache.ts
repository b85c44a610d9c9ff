/**
 * Sealed rows of point reads, kept for one connection: what was stored, never plaintext and never an open key. An entry is
 * used only after the database said, in a snapshot younger than the read, that the stream's newest event, the events that it
 * names and their key rows are still the very row versions that were read (`mark`): a new event, an edit by hand and a key
 * row that is gone all show at once.
 */
import type { Uuid } from '../crypto/bytes.js';
import type { PointRead } from './point-reads.js';

export interface CachedRead {
  readonly read: PointRead;
  /** Place and transaction of each row version, as PostgreSQL gives them. */
  readonly mark: string;
}

interface Entry extends CachedRead {
  readonly weight: number;
}

export const CACHE_BYTES_MAX = 64 * 1024 * 1024;
/** Larger rows are read whenever they are asked for: one would push out hundreds of usual ones. */
const ENTRY_BYTES_MAX = 256 * 1024;

export class RowCache {
  readonly #entries = new Map<Uuid, Entry>();
  #bytes = 0;

  constructor(readonly bytesMax = CACHE_BYTES_MAX) {}

  get size(): number {
    return this.#entries.size;
  }

  get(id: Uuid): CachedRead | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    // A Map iterates in order of insertion: re-inserting makes this the youngest.
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    return entry;
  }

  put(id: Uuid, read: PointRead, mark: string): void {
    this.delete(id);
    const weight = weightOf(read);
    if (weight > ENTRY_BYTES_MAX) return;
    this.#entries.set(id, { read, mark, weight });
    this.#bytes += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.bytesMax) break;
      this.delete(oldest);
    }
  }

  delete(id: Uuid): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#bytes -= entry.weight;
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}

const weightOf = ({ newest, written, annotated, keys }: PointRead): number => {
  let bytes = 1024 + keys.length * 256;
  for (const event of [newest, written, annotated])
    if (event !== null) bytes += 1024 + event.header.length + (event.body?.length ?? 0) + (event.names?.length ?? 0);
  return bytes;
};
