/**
 * When a destroyed key is gone from every copy (formats.md §6): at the end of the last term that ever wrapped it, or when the
 * newest copy of its row has left the last backup, whichever is first. A date that can be stated at once; only the end of the
 * term is ever confirmed, by the ledger. Pure; times are µs since 1970.
 */
import type { Term } from './terms.js';

export interface ErasurePlan {
  /** False: the place of erasure keys is `none`, whose end never comes. */
  readonly erasable: boolean;
  /** From one rotation to the next; 0: nobody rotates by schedule. */
  readonly rotateEvery: number;
  /** How long physical backups are kept, and how long a term whose last row was wrapped again goes on. */
  readonly backupRetention: number;
}

export interface FullyErased {
  /** The earlier of the two dates. */
  readonly on: number;
  readonly by: 'term' | 'backups';
  /** Planned, or past when it is confirmed; null: no end is planned. */
  readonly termEnds: number | null;
  readonly backupsExpire: number;
  /** When the end of the term was recorded; null: not yet. */
  readonly confirmedAt: number | null;
}

/** When a term ends, as far as it is planned; null: never, or not before somebody rotates. */
export const endOfTerm = (term: Term, plan: ErasurePlan): number | null => {
  if (term.destroyedAt !== null) return term.destroyedAt;
  if (!plan.erasable) return null;
  if (term.rewrappedAt !== null) return term.rewrappedAt + plan.backupRetention;
  // Wrapping again begins when the next term does, and takes little beside days.
  const follows = term.followedAt ?? (plan.rotateEvery === 0 ? null : (term.activatedAt ?? 0) + plan.rotateEvery);
  return follows === null ? null : follows + plan.backupRetention;
};

/** `last`: the term whose number the key's row had when it was destroyed. `newestCopy`: when a copy of the row was last made. */
export const fullyErased = (last: Term, newestCopy: number, plan: ErasurePlan): FullyErased => {
  const termEnds = endOfTerm(last, plan);
  const backupsExpire = newestCopy + plan.backupRetention;
  const byTerm = termEnds !== null && termEnds <= backupsExpire;
  return {
    on: byTerm ? termEnds : backupsExpire,
    by: byTerm ? 'term' : 'backups',
    termEnds,
    backupsExpire,
    confirmedAt: last.destroyedAt,
  };
};
