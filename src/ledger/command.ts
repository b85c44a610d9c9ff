/**
 * A command to the appender: what it needs to know, and the pure decision that is made at the head of the ledger.
 * The ledger knows nothing of secrets: `State` is whatever the fold that it was given makes of a stream.
 */
import type { Uuid } from '../crypto/bytes.js';
import type { Facts } from '../domain/facts.js';
import type { Failure } from '../failure.js';
import type { KeyRow, SealedEvent } from './sealed-event.js';

/** How the streams of lane 0 are folded: pure, and total over the event catalogue. */
export interface StreamFold<State> {
  /** The state of a stream of which nothing is recorded. */
  readonly initial: State;
  /** The state that one authenticated event carries by itself (events.md §1: "the newest event says it all"). */
  readonly fromNewest: (event: FoldedEvent) => State;
  readonly evolve: (state: State, event: FoldedEvent) => State;
}

export interface FoldedEvent {
  readonly type: string;
  readonly streamVersion: number;
  readonly recordedAt: number;
  readonly facts: Facts;
}

/** What a command sees at the head: the ledger as of `size`, and the earlier commands of the same batch. */
export interface HeadView<State> {
  readonly size: number;
  /** µs: the `recorded_at` that every event of this batch will carry. */
  readonly recordedAt: number;
  state(streamId: Uuid): State;
  streamVersion(streamId: Uuid): number;
  /**
   * True if any stream of `scope`, or a new node under one of `folders`, has an event after `position`; also when that is
   * no longer known here. Conservative: it may say true without reason, never false.
   */
  movedSince(position: number, scope: ReadonlySet<Uuid>, folders: ReadonlySet<Uuid>): boolean;
}

export interface Placed {
  readonly position: number;
  readonly recordedAt: number;
}

export type Decision<R> =
  | { readonly kind: 'reject'; readonly failure: Failure }
  /** Nothing changes, nothing is appended. */
  | { readonly kind: 'nothing'; readonly result: R }
  | {
      readonly kind: 'append';
      readonly events: readonly { readonly sealed: SealedEvent; readonly facts: Facts }[];
      /** Key rows besides those that come with the events. */
      readonly insertKeys?: readonly KeyRow[];
      readonly deleteKeys?: readonly Uuid[];
      /** Changes of slots, keyring and blocks that are committed with the events. */
      readonly store?: readonly StoreChange[];
      readonly result: (placed: readonly Placed[]) => R;
    };

export type StoreChange =
  | { readonly kind: 'put-slot'; readonly slotId: Uuid; readonly record: Buffer }
  | { readonly kind: 'delete-slot'; readonly slotId: Uuid }
  | { readonly kind: 'put-keyring'; readonly generation: number; readonly box: Buffer }
  | { readonly kind: 'put-block'; readonly index: number; readonly body: Buffer };

export interface Command<State, R> {
  /** Streams whose state `decide` asks for. */
  readonly streams: readonly Uuid[];
  /** The id that an Idempotency-Key gives the first event; a stored event of that id makes this a repeat. */
  readonly repeatOf: Uuid | null;
  /** What that id would have been under event-id keys of earlier root keys. */
  readonly formerly?: readonly Uuid[];
  /** What the repeat answers, from where the first one was stored. */
  readonly repeated?: (position: number) => R;
  /** It changes authority or the key store, or is larger than a batch: it travels alone, in two flights. */
  readonly alone: boolean;
  readonly weight: number;
  /** Upper bound of events that it may append. */
  readonly eventsMax: number;
  readonly deadlineMs: number;
  readonly gone: () => boolean;
  readonly decide: (view: HeadView<State>) => Decision<R>;
}
