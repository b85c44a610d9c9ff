/** Slots under a key that somebody else keeps (formats.md §3, kind 4): it wraps the slot's ikm, never the root key itself. */
import { randomBytes } from '../crypto/random.js';
import { decodeKmsParams, decodeSlotRecord, encodeKmsParams, type KmsParams } from '../crypto/slot-record.js';
import { KEY_BYTES, type Kms } from '../kms/kms.js';
import { SlotKind } from './key-kinds.js';
import { type NewSlot, type RootKey, sealSlot } from './slots.js';
import type { SlotRow } from './store.js';

/** Rejects with `KmsError`. */
export const newKmsSlot = async (ledger: Buffer, root: RootKey, kms: Kms): Promise<NewSlot> => {
  const ikm = randomBytes(KEY_BYTES);
  try {
    const params = encodeKmsParams({ uri: kms.uri, ciphertext: await kms.wrap(ikm) });
    return sealSlot(ledger, root, SlotKind.kms, params, ikm);
  } finally {
    ikm.fill(0);
  }
};

/** Null: a slot of another kind. What its URI names is to be asked only if this node's settings name it, too. */
export const kmsParamsOf = ({ record }: SlotRow): KmsParams | null => {
  const slot = decodeSlotRecord(record);
  return slot?.kind === SlotKind.kms ? decodeKmsParams(slot.params) : null;
};
