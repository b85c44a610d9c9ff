/** What every operation is given beside its own input, and what it answers with: who asks, about which place, as of when. */
import type { Asking } from '../authority/permission.js';
import type { Failure } from '../failure.js';
import type { TaskEither } from '../fp.js';
import type { Once } from './once.js';

/** Who asks, from where, and how long they wait. Made once for each request. */
export interface RequestContext {
  readonly token: string | null;
  readonly requestId: string;
  /** This one request, and no other: what may happen once for it is remembered in it. Copies of the context share it. */
  readonly once: Once;
  readonly trace: string | null;
  /** HTTP method (POST and PUT are the same operation; LIST is 'LIST') and the full path without `/v1/`. */
  readonly method: string;
  readonly path: string;
  readonly from: {
    readonly address: string;
    readonly port: number;
    readonly forwarded: string | null;
    readonly agent: string | null;
    readonly tls: boolean;
    readonly loopback: boolean;
  };
  readonly reason: string | null;
  readonly ticket: string | null;
  readonly idempotencyKey: string | null;
  /** What policies may look at beside capability and path. */
  readonly asking: Asking;
  /** ms since 1970: work that has not been committed by then is given up. */
  readonly deadlineMs: number;
  /** True once the client went away: a queued command is then dropped, an appended one never. */
  readonly gone: () => boolean;
  /** DER, leaf first, none where the client showed none; null: the connection is not TLS. */
  readonly clientCertificates: () => readonly Buffer[] | null;
}

/** A moment of the ledger: `null` in a query means now. `at` is µs since 1970. */
export type Moment = { readonly position: number } | { readonly at: number };

export type Op<I, O> = (context: RequestContext, input: I) => TaskEither<Failure, O>;

/** A secret's place: the mount's path without slashes at its ends (`secret`), and the path inside it (`team/db`). */
export interface Place {
  readonly mount: string;
  readonly path: string;
}

/** `position` = the ledger position this answer speaks of (a read) or that the change was recorded at (a write). */
export interface At<T> {
  readonly position: number;
  readonly value: T;
}
