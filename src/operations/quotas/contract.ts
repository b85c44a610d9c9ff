/** Limits on how often something may be asked, as types. */
import type { Op } from '../request.js';

/** Who shares one count: each address, each token, or all callers together. */
export type QuotaBy = 'address' | 'token' | 'all';

export interface Quota {
  readonly name: string;
  /** Of the API, without `/v1/` and slashes at its ends, or with a `*` at its end; '' = everything. */
  readonly path: string;
  /** Requests in each interval. */
  readonly rate: number;
  readonly intervalSeconds: number;
  /** How long somebody is refused who went beyond it; 0 = until there is room again. */
  readonly blockSeconds: number;
  readonly by: QuotaBy;
}

export interface QuotaConfig {
  /** Paths that no quota covers; a `*` at the end stands for anything. */
  readonly exemptPaths: readonly string[];
  readonly recorded: boolean;
  readonly headers: boolean;
}

export interface Asking {
  readonly path: string;
  readonly address: string;
  readonly token: string | null;
}

export interface Admitted {
  /** Null: go on. `quota` = one that an operator set; `open` = the limit on requests without a token. */
  readonly refusedBy: 'quota' | 'open' | null;
  readonly retryAfterSeconds: number;
  /** What the quota says of itself, where it is told to. */
  readonly shown: { readonly limit: number; readonly remaining: number; readonly resetSeconds: number } | null;
}

type Changed = { readonly position: number | null };

export interface QuotaOperations {
  /** Asked of each request before anything else, in memory and without keys; counts it. */
  readonly admit: (asking: Asking) => Admitted;
  /** Told of an address from which a token came that is nobody's. */
  readonly stranger: (address: string) => void;
  readonly list: Op<Record<never, never>, readonly string[]>;
  readonly read: Op<{ readonly name: string }, Quota>;
  readonly write: Op<Quota, Changed>;
  readonly remove: Op<{ readonly name: string }, Changed>;
  readonly readConfig: Op<Record<never, never>, QuotaConfig>;
  readonly writeConfig: Op<Partial<QuotaConfig>, Changed>;
}
