/** Header epochs, and when they are retired. Times are µs since 1970. */
import type { Op } from '../request.js';

export interface HeaderSettings {
  /** How long headers are kept after their epoch ended; null: for ever. */
  readonly keepMs: number | null;
  /** Epochs that may be retired are, without anybody asking. */
  readonly automatic: boolean;
}

export interface EpochStatus {
  readonly epoch: number;
  readonly state: 'current' | 'closed' | 'retired';
  readonly openedAt: number;
  /** When the next one was opened: no header is younger. */
  readonly closedAt: number | null;
  /** When the rule lets it be retired. */
  readonly retirableAt: number | null;
  readonly retiredAt: number | null;
  /** Why it cannot be retired now, in operator's words; null: it can, or it is. */
  readonly standing: string | null;
}

/** What an epoch's headers belong to. */
export interface EpochContents {
  readonly epoch: number;
  readonly events: number;
  readonly authority: number;
  readonly requests: number;
  /** Positions of the first and the last event; null: there are none. */
  readonly from: number | null;
  readonly to: number | null;
}

export interface Epochs {
  readonly settings: HeaderSettings;
  readonly epochs: readonly EpochStatus[];
  /** The position before which nobody can tell any more what was allowed; null: all can be told. */
  readonly base: number | null;
}

export interface Retired {
  readonly contents: readonly EpochContents[];
  /** Null: only shown. */
  readonly position: number | null;
  readonly base: number | null;
}

export interface EpochOperations {
  readonly list: Op<Record<never, never>, Epochs>;
  readonly configure: Op<HeaderSettings, { readonly position: number | null }>;
  /** `epoch` null: all that the rule lets be. */
  readonly retire: Op<{ readonly epoch: number | null; readonly dryRun: boolean }, Retired>;
}
