/** What callers can ask about the node and about audit devices, as types. */
import type { Op } from '../contract.js';

export interface NodeOperations {
  /** The node that answers: nodes share a ledger, not a membership, and each of them serves. */
  readonly members: Op<Record<never, never>, readonly { readonly name: string }[]>;
  /** Nothing leads, so there is nothing to step down from; who may ask is checked all the same. */
  readonly stepDown: Op<Record<never, never>, null>;
}

export interface AuditDevice {
  /** Without a slash at its end. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
}

export interface AuditOperations {
  readonly devices: Op<Record<never, never>, readonly AuditDevice[]>;
  /** Always refused: the one device is there already. */
  readonly enable: Op<{ readonly path: string }, never>;
  /** Nothing to do for a device that is not there; the ledger cannot be disabled. */
  readonly disable: Op<{ readonly path: string }, null>;
  /** A token as `token.created` names it: lower-case hex. */
  readonly hash: Op<{ readonly path: string; readonly input: string }, { readonly hash: string }>;
}

export interface Cors {
  /** As browsers send them, or `*` alone. */
  readonly origins: readonly string[];
  /** Beside those that the dialect knows. */
  readonly headers: readonly string[];
}

export interface CorsOperations {
  /** Asked of each request that names an origin; null = off, and while sealed. */
  readonly current: () => Cors | null;
  readonly read: Op<Record<never, never>, Cors | null>;
  /** Null: off. */
  readonly write: Op<Cors | null, { readonly position: number | null }>;
}
