/** What a pure decision answers: the events that are to be, or why not. */
import type { Facts } from './facts.js';

/** An event of lane 0 that was decided; its sealed parts were made before. */
export interface Decided {
  readonly type: string;
  readonly facts: Facts;
  /** Stream versions of writes and annotations whose data keys go with this event. */
  readonly destroys: readonly number[];
}

/** The ground moved since the command was prepared: prepare it again. */
export type Stale = { readonly kind: 'stale' };
/** The states of the single versions must be known first: a fold of at most 64 events. */
export type NeedsLive = { readonly kind: 'needs-live' };
