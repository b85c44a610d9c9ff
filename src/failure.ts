/**
 * Everything an operation may answer instead of success: one closed union, answered by one exhaustive switch for each
 * dialect (HTTP, CLI). Nothing in here ever carries a secret, a token or a value that a caller sent.
 */

/** The request is refused for what it is or for who sent it. Nothing was appended (but, perhaps, a record of the denial). */
export type Rejection =
  | { readonly kind: 'not-initialised' }
  | { readonly kind: 'already-initialised' }
  | { readonly kind: 'sealed' }
  /** No token, or one that is unknown, expired or revoked. */
  | { readonly kind: 'unauthenticated' }
  /** A token that the caller asked about is not one that lives. */
  | { readonly kind: 'bad-token' }
  /** The token is good, its permission does not cover this. */
  | { readonly kind: 'forbidden' }
  /** `message` is shown to the client: it names the field and the fix, never the value. */
  | { readonly kind: 'invalid'; readonly message: string }
  | { readonly kind: 'too-large'; readonly message: string }
  | { readonly kind: 'no-mount'; readonly path: string }
  /** Nothing there: unknown key, pruned version, empty list. */
  | { readonly kind: 'absent' }
  /** A version that is deleted or destroyed: the dialect shows its metadata. */
  | { readonly kind: 'version-gone'; readonly metadata: VersionMetadata }
  /** The secret's key was destroyed; the ciphertext is noise for ever. */
  | { readonly kind: 'erased'; readonly message: string }
  /** A legal hold or a retention rule keeps what would be destroyed; `message` names it and says what ends it. */
  | { readonly kind: 'held'; readonly message: string }
  | { readonly kind: 'cas-required'; readonly of: 'data' | 'metadata' }
  | { readonly kind: 'cas-mismatch'; readonly of: 'data' | 'metadata' | 'new-metadata' }
  /** Wrong name, password, key or one-time code: one answer for all of them. */
  | { readonly kind: 'bad-credentials'; readonly message: string }
  | { readonly kind: 'too-many-attempts'; readonly retryAfterSeconds: number };

/** Someone was first. */
export type Conflict =
  /** The state kept moving while the command was prepared, three times in a row: try again. */
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }
  /** A stream in a restore plan's scope moved after the plan was made. */
  | { readonly kind: 'plan-outdated'; readonly message: string }
  /** An Idempotency-Key was used before with another body. */
  | { readonly kind: 'idempotency-mismatch' };

/** The world failed. `cause` is logged once at the edge; the client learns only that it happened. */
export type Fault =
  | { readonly kind: 'overloaded'; readonly retryAfterSeconds: number }
  | { readonly kind: 'database-unavailable'; readonly during: string; readonly cause: unknown }
  /** A projection is stopped or too far behind to answer; `lag` in events. */
  | {
      readonly kind: 'projection-behind';
      readonly projection: string;
      readonly lag: number;
      readonly retryAfterSeconds: number;
    }
  /** A stored thing did not authenticate: counted, alerted, never skipped. `what` names the thing, never its content. */
  | { readonly kind: 'integrity'; readonly what: string; readonly position: number | null }
  /** A key that somebody else keeps: away, denied, or of no use; in operator's words. */
  | { readonly kind: 'kms'; readonly trouble: 'away' | 'denied' | 'refused'; readonly message: string }
  /** A server that we asked, such as an issuer of tokens, did not answer as it should; `message` holds nothing that it sent. */
  | { readonly kind: 'upstream'; readonly message: string }
  | { readonly kind: 'timeout'; readonly during: string }
  | { readonly kind: 'internal'; readonly during: string; readonly cause: unknown };

export type Failure = Rejection | Conflict | Fault;

/** One version's metadata, as the KV v2 dialect shows it. Times are µs since 1970, 0 = not set. */
export interface VersionMetadata {
  readonly version: number;
  readonly createdAt: number;
  readonly deletionTime: number;
  readonly destroyed: boolean;
  readonly customMetadata: Readonly<Record<string, string>> | null;
}
