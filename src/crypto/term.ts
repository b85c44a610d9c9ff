/** A term's wrapping key: half of it, E, never enters the database, so that its end erases (formats.md §6). */
import { type BoxKey, boxKey } from './box.js';
import { concat, label, u32 } from './bytes.js';
import { prf } from './prf.js';

/** `erasureKey` E[t] from outside the database, `share` W[t] from the keyring, 32 bytes each; without both there is no key. */
export const wrappingKey = (erasureKey: Buffer, ledger: Buffer, term: number, share: Buffer): BoxKey<'key'> =>
  boxKey('key', prf(erasureKey, concat(label('wrapping'), ledger, u32(term), share)));

/** 32 bytes, recorded in the ledger: tells whether a node has the right E[t], and nothing else about it. */
export const erasureCheck = (erasureKey: Buffer, ledger: Buffer, term: number): Buffer =>
  prf(erasureKey, concat(label('erasure-check'), ledger, u32(term)));
