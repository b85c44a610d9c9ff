/** What callers can do with policies, as types. */
import type { Op } from '../request.js';
import type { TokenNamed } from '../tokens/contract.js';

export interface PolicyOperations {
  /** Sorted names, the built-in ones among them. */
  readonly list: Op<Record<never, never>, readonly string[]>;
  readonly read: Op<{ name: string }, { name: string; text: string }>;
  /** HCL or JSON; stored as it was sent. `position: null` = nothing had to change. */
  readonly write: Op<{ name: string; text: string }, { position: number | null }>;
  readonly remove: Op<{ name: string }, { position: number | null }>;
  /** Sorted words for each path, in the order asked: `deny` alone where nothing is allowed, `root` alone for root. */
  readonly capabilities: Op<
    { of: TokenNamed; paths: readonly string[] },
    readonly { path: string; capabilities: readonly string[] }[]
  >;
}
