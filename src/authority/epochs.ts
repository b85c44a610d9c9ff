/**
 * Header epochs as lane 1 records them: when each was opened, and which were retired. What was said under the header key of
 * a retired one is in no fold any more but in a snapshot: authority can begin there at the earliest.
 */
import type { Uuid } from '../crypto/bytes.js';
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
import * as shape from './shapes.js';

export interface RetiredEpoch {
  readonly position: number;
  /** µs */
  readonly at: number;
  /** The row that held its header key. */
  readonly key: Uuid;
  /** Of the snapshot that stands for what its events of lane 1 said. */
  readonly snapshot: number;
}

export interface Epoch {
  readonly epoch: number;
  /** Its first event is behind this position. */
  readonly openedBy: number;
  /** µs */
  readonly openedAt: number;
  readonly retired: RetiredEpoch | null;
}

export class EpochTable {
  readonly #epochs = new Map<number, Epoch>();
  readonly #lastSeen = new Map<number, number>();
  #newest = 0;

  get newest(): Epoch | null {
    return this.#epochs.get(this.#newest) ?? null;
  }

  /** From the oldest. */
  get all(): readonly Epoch[] {
    return [...this.#epochs.values()].sort((a, b) => a.epoch - b.epoch);
  }

  get(epoch: number): Epoch | null {
    return this.#epochs.get(epoch) ?? null;
  }

  isRetired(epoch: number): boolean {
    return (this.#epochs.get(epoch)?.retired ?? null) !== null;
  }

  get retired(): readonly (Epoch & { readonly retired: RetiredEpoch })[] {
    return this.all.flatMap(({ retired, ...epoch }) => (retired === null ? [] : [{ ...epoch, retired }]));
  }

  /** The newest event of lane 1 under its header key that was folded here; 0: none that a snapshot does not stand for. */
  lastSeen(epoch: number): number {
    return this.#lastSeen.get(epoch) ?? 0;
  }

  saw({ epoch, position }: StoredEvent): void {
    this.#lastSeen.set(epoch, position);
  }

  opened(event: StoredEvent): void {
    const { epoch } = shape.read(shape.EpochFacts, event.facts, event);
    this.#epochs.set(epoch, { epoch, openedBy: event.position, openedAt: event.recordedAt, retired: null });
    this.#newest = epoch;
  }

  wasRetired(event: StoredEvent, header: Header): void {
    const { epoch } = shape.read(shape.EpochFacts, event.facts, event);
    const { key, snapshot } = shape.read(shape.EpochRetiredHeader, header, event);
    const before = this.#epochs.get(epoch);
    if (before === undefined) return;
    this.#epochs.set(epoch, { ...before, retired: { position: event.position, at: event.recordedAt, key, snapshot } });
  }
}
