/** What a slot's secret input gives: the key that wraps the root key, and the login verifier, independent of each other. */
import { type BoxKey, boxKey } from './box.js';
import { concat, label, type Uuid, uuidBytes } from './bytes.js';
import { prf } from './prf.js';

/** PRF(ikm, label("slot-kek") ‖ L ‖ slot_id): wraps the root key. The caller wipes it and `ikm`. */
export const slotKek = (ikm: Buffer, ledger: Buffer, slotId: Uuid): BoxKey<'slot'> =>
  boxKey('slot', prf(ikm, concat(label('slot-kek'), ledger, uuidBytes(slotId))));

/** PRF(ikm, label("login") ‖ L ‖ slot_id), 32 bytes: stored sealed, compared in constant time; the KEK does not follow. */
export const loginVerifier = (ikm: Buffer, ledger: Buffer, slotId: Uuid): Buffer =>
  prf(ikm, concat(label('login'), ledger, uuidBytes(slotId)));
