/** What a token can do with the store that is its own and ends with it: the part of the seam for vault-wire.md §6. */
import type { Page } from '../kv/contract.js';
import type { At, Op } from '../request.js';

interface Path {
  /** Inside the caller's own store. */
  readonly path: string;
}

export interface CubbyholeOperations {
  /** JSON text of the object as it was written. */
  readonly read: Op<Path, At<string>>;
  /** What was there is destroyed in the same commit. */
  readonly write: Op<Path & { readonly data: string }, { readonly position: number }>;
  /** Destroys it; `position: null` = there was nothing. */
  readonly remove: Op<Path, { readonly position: number | null }>;
  /** Byte-sorted names, folders end in '/'. */
  readonly list: Op<Path & { readonly page: Page }, At<readonly string[]>>;
}
