/**
 * A term: the life of one erasure key, and of the wrapping key that it is half of. Prepared on every node, active, followed
 * by the next one, without rows, ended: each step is an event of lane 1, so that a rotation goes on after any crash where it
 * was. Pure.
 */

export interface Term {
  /** From 1. */
  readonly term: number;
  /** µs since 1970, here and below; null: not yet. */
  readonly preparedAt: number;
  readonly activatedAt: number | null;
  /** When the next term became the active one: from then on nothing new lies under this one. */
  readonly followedAt: number | null;
  /** When its last key row had been wrapped again. */
  readonly rewrappedAt: number | null;
  /** When its share left the keyring: no server can open anything of it any more. */
  readonly endedAt: number | null;
  /** When every copy of its erasure key had been reported as destroyed. */
  readonly destroyedAt: number | null;
}

export type TermState = 'prepared' | 'active' | 'rewrapping' | 'grace' | 'ended' | 'destroyed';

export const stateOf = (term: Term): TermState => {
  if (term.destroyedAt !== null) return 'destroyed';
  if (term.endedAt !== null) return 'ended';
  if (term.rewrappedAt !== null) return 'grace';
  if (term.followedAt !== null) return 'rewrapping';
  return term.activatedAt === null ? 'prepared' : 'active';
};
