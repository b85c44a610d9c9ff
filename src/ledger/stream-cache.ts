/**
 * States of streams as of the size that this process knows, in a bounded LRU. An entry is either exact as of `known` or
 * absent: whatever may be stale is not kept. That is what makes a decision without reading the database sound.
 */
import type { Uuid } from '../crypto/bytes.js';
import type { FoldedEvent, StreamFold } from './command.js';

export interface StreamEntry<State> {
  readonly streamVersion: number;
  /** Position of the stream's newest event; 0 for an empty stream. */
  readonly position: number;
  /** µs; 0 for an empty stream. */
  readonly recordedAt: number;
  readonly state: State;
}

export class StreamCache<State> {
  readonly #entries = new Map<Uuid, StreamEntry<State>>();

  constructor(
    readonly fold: StreamFold<State>,
    readonly capacity: number,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  get(streamId: Uuid): StreamEntry<State> | undefined {
    const entry = this.#entries.get(streamId);
    if (entry === undefined) return undefined;
    // A Map iterates in order of insertion: re-inserting makes this the youngest.
    this.#entries.delete(streamId);
    this.#entries.set(streamId, entry);
    return entry;
  }

  peek(streamId: Uuid): StreamEntry<State> | undefined {
    return this.#entries.get(streamId);
  }

  put(streamId: Uuid, entry: StreamEntry<State>): void {
    this.#entries.delete(streamId);
    this.#entries.set(streamId, entry);
    if (this.#entries.size <= this.capacity) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }

  /** A new event of a stream: advances the entry if there is one, else does nothing. */
  advance(streamId: Uuid, event: FoldedEvent & { readonly position: number }): void {
    const entry = this.#entries.get(streamId);
    if (entry === undefined || entry.streamVersion >= event.streamVersion) return;
    if (entry.streamVersion + 1 !== event.streamVersion) {
      this.#entries.delete(streamId);
      return;
    }
    this.#entries.set(streamId, {
      streamVersion: event.streamVersion,
      position: event.position,
      recordedAt: event.recordedAt,
      state: this.fold.evolve(entry.state, event),
    });
  }

  clear(): void {
    this.#entries.clear();
  }
}
