/**
 * Sealed rows of point reads, kept for one connection: what was stored, never plaintext, and the keys that opened it, which
 * are wiped when it goes. All of them are exact as of one size of the ledger, `asOf`. An event of a stream, whoever appended
 * it, takes the stream's rows away, and so does a change of the keyring: key rows are wrapped anew without an event of their
 * stream.
 */
import type { Uuid } from '../crypto/bytes.js';
import type { PointRead } from './point-reads.js';

interface Entry {
  readonly read: PointRead;
  readonly weight: number;
}

/** Larger rows are read whenever they are asked for: one would push out hundreds of usual ones. */
const ENTRY_BYTES_MAX = 256 * 1024;

export class RowCache {
  readonly #entries = new Map<Uuid, Entry>();
  #bytes = 0;
  #asOf = 0;
  #generation = -1;
  #heard = 0;
  #ended = false;

  constructor(readonly bytesMax: number) {}

  get size(): number {
    return this.#entries.size;
  }

  /** The ledger's size as of which every row here is the newest. */
  get asOf(): number {
    return this.#asOf;
  }

  /** False, and empty from now on: the keyring is another one than the rows were kept under. */
  keptUnder(generation: number): boolean {
    if (this.#generation === generation) return true;
    this.#generation = generation;
    this.clear();
    return false;
  }

  get(id: Uuid): PointRead | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    // A Map iterates in order of insertion: re-inserting makes this the youngest.
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    return entry.read;
  }

  /** `streams` are those with events between `asOf` and `size`; null: too many to name. */
  advance(size: number, streams: readonly Uuid[] | null): void {
    if (streams === null) this.clear();
    else for (const id of streams) this.delete(id);
    this.#asOf = Math.max(this.#asOf, size);
  }

  /** Rows of a snapshot that is older than what is known here are not kept: they may be of the past already. */
  put(id: Uuid, read: PointRead): void {
    this.delete(id);
    const weight = weightOf(read);
    if (weight > ENTRY_BYTES_MAX || read.size < Math.max(this.#asOf, this.#heard) || this.#ended) return;
    this.#entries.set(id, { read, weight });
    read.openings.keep();
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
    entry.read.openings.end();
    this.#bytes -= entry.weight;
  }

  /** Up to `size` these streams have new events: rows of an older snapshot that are still on their way are not kept, either. */
  forget(streams: Iterable<Uuid>, size: number): void {
    for (const id of streams) this.delete(id);
    this.#heard = Math.max(this.#heard, size);
  }

  /** Nothing is kept any more. */
  end(): void {
    this.#ended = true;
    this.clear();
  }

  clear(): void {
    for (const { read } of this.#entries.values()) read.openings.end();
    this.#entries.clear();
    this.#bytes = 0;
  }
}

const weightOf = ({ newest, written, annotated, keys }: PointRead): number => {
  let bytes = 1024 + keys.length * 512;
  for (const event of [newest, written, annotated])
    if (event !== null) bytes += 1024 + event.header.length + (event.body?.length ?? 0) + (event.names?.length ?? 0);
  return bytes;
};
