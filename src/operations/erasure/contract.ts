/** Destroying for good, and what stands against it: erasure by plan, legal holds, retention rules. */
import type { Certificate } from '../../certificates/document.js';
import type { Op, Place } from '../request.js';

/** erase: it goes · held, retained: it stays, and why · nothing: it has nothing left that could go. */
export type EraseOutcome = 'erase' | 'held' | 'retained' | 'nothing';

export interface ErasePlan {
  /** A sealed description of the plan: any node can apply it. */
  readonly plan_id: string;
  readonly made_at: number;
  readonly expires_at: string;
  readonly counts: Readonly<Record<EraseOutcome, number>>;
  /** Key rows that go: of values and of custom metadata, of all generations. */
  readonly keys: number;
  readonly secrets: readonly {
    readonly path: string;
    readonly outcome: EraseOutcome;
    readonly detail: string | null;
  }[];
  /** How many atomic steps the plan takes (more than one only beyond 10,000 events). */
  readonly steps: number;
}

export interface Erased {
  /** Where the erasure is recorded: its certificate is asked for by this. */
  readonly position: number;
  readonly positions: readonly number[];
  readonly counts: Readonly<Record<EraseOutcome, number>>;
  readonly keys: number;
  /** What stayed, and why. */
  readonly kept: readonly { readonly path: string; readonly why: string }[];
}

export interface HoldView {
  readonly name: string;
  readonly path: string;
  readonly reason: string | null;
  readonly position: number;
  readonly placed_at: string;
  readonly placed_by: { readonly id: string | null; readonly name: string | null };
}

export interface RetentionView {
  readonly name: string;
  readonly path: string;
  readonly minimum_age_seconds: number;
  readonly position: number;
}

export interface ErasureView {
  readonly position: number;
  readonly recorded_at: string;
  readonly scope: string;
  readonly basis: string | null;
  readonly actor: { readonly id: string | null; readonly name: string | null };
  readonly keys: number;
  readonly state: 'pending' | 'confirmed';
  readonly fully_erased_on: string;
  readonly confirmed_at: string | null;
}

export interface ErasureOperations {
  /** A path that ends in '/' is a folder; '/' or '' is the whole mount. `basis`: whose request, on which ground. */
  readonly planErase: Op<Place & { basis: string }, ErasePlan>;
  readonly applyErase: Op<{ planId: string }, Erased>;
  /** Of the erasure, or the destroy, that is recorded at the position. */
  readonly certificate: Op<{ position: number }, Certificate>;
  /** Oldest first; `next` goes on, null = the end for now. */
  readonly list: Op<
    { after: number; limit: number },
    { readonly erasures: readonly ErasureView[]; readonly next: number | null }
  >;
  readonly holds: Op<Record<never, never>, readonly HoldView[]>;
  /** `position: null` = it stands already. */
  readonly placeHold: Op<Place & { name: string }, { position: number | null }>;
  readonly liftHold: Op<{ name: string }, { position: number | null }>;
  readonly retention: Op<Record<never, never>, readonly RetentionView[]>;
  readonly setRetention: Op<Place & { name: string; minimumAgeSeconds: number }, { position: number | null }>;
  readonly removeRetention: Op<{ name: string }, { position: number | null }>;
}
