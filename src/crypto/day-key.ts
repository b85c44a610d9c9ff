/** Day keys: one for each UTC day of an epoch, so that a set of past days can be given to an auditor (formats.md §5). */
import { concat, label, u32 } from './bytes.js';
import { prf } from './prf.js';

const DAY_US = 86_400_000_000;

/** Whole UTC days since 1970 of a time in µs. */
export const dayOf = (us: number): number => Math.floor(us / DAY_US);

/** 32 bytes. `headerKey` is H[epoch]; from a day key nobody finds it, or another day's. */
export const dayKey = (headerKey: Buffer, ledger: Buffer, epoch: number, day: number): Buffer =>
  prf(headerKey, concat(label('header-day'), ledger, u32(epoch), u32(day)));
