/** Answers that are handed over by a token which works once: the part of the seam for vault-wire.md §13. */
import type { At, Op } from '../request.js';

/** An answer as it would have gone to the caller. */
export interface WrappedResponse {
  readonly status: number;
  readonly body: string;
  /** Of the token inside, where the answer is one. */
  readonly accessor: string | null;
}

/** What the caller gets instead. */
export interface Wrapping {
  readonly position: number | null;
  readonly token: string;
  readonly accessor: string;
  readonly ttlSeconds: number;
  /** µs */
  readonly createdAt: number;
  readonly creationPath: string;
  readonly wrappedAccessor: string | null;
}

export interface WrappingLookup {
  readonly creationPath: string;
  readonly creationTtlSeconds: number;
  /** µs */
  readonly createdAt: number;
}

/** `token: null` = the caller's own is the wrapping token. */
type Named = { readonly token: string | null };

export interface WrappingOperations {
  /** Asks for no permission: that was asked for the answer. A login's answer needs no token either. */
  readonly wrap: Op<
    { readonly response: WrappedResponse; readonly isLogin: boolean; readonly ttlSeconds: number },
    Wrapping
  >;
  /** Once: the answer is destroyed with the commit that gives it away. */
  readonly unwrap: Op<Named, At<WrappedResponse>>;
  /** The same answer, path and lifetime under another token. */
  readonly rewrap: Op<Named, Wrapping>;
  /** Costs nothing, and asks for nothing but the token. */
  readonly lookup: Op<{ readonly token: string }, WrappingLookup>;
}
