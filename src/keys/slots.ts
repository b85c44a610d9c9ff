/**
 * Seal slots: the root key under a password, a share or a key file, as disk-encryption slots hold one key several times
 * (formats.md §3). A slot that does not open says nothing about why.
 */
import { open, seal } from '../crypto/box.js';
import { keyCopy, type Uuid, u32, wipe } from '../crypto/bytes.js';
import { slotContext } from '../crypto/contexts.js';
import { sha256 } from '../crypto/prf.js';
import { randomBytes, randomUuid4 } from '../crypto/random.js';
import { loginVerifier, slotKek } from '../crypto/slot-key.js';
import {
  decodeSharesParams,
  decodeSlotRecord,
  encodeSharesParams,
  encodeSlotRecord,
  type SlotRecord,
} from '../crypto/slot-record.js';
import { SlotKind } from './key-kinds.js';
import { KEY_BYTES, type Split, splitKey } from './shares.js';
import type { SlotRow } from './store.js';

export interface NewSlot {
  readonly slotId: Uuid;
  readonly kind: number;
  readonly record: Buffer;
  /** Kind 1: compared at login; independent of the KEK. To be stored as a credential row. */
  readonly verifier: Buffer | null;
}

export interface RootKey {
  readonly key: Buffer;
  readonly generation: number;
}

/** Shares of the slot's ikm; the one share of one is the ikm itself. The caller shows them once and wipes them. */
export const newShareSlot = async (
  ledger: Buffer,
  root: RootKey,
  wanted: Split,
): Promise<NewSlot & { readonly shares: readonly Buffer[] }> => {
  const ikm = randomBytes(KEY_BYTES);
  const shares = await splitKey(ikm, wanted);
  const params = encodeSharesParams({ ...wanted, setId: randomUuid4() });
  return { ...sealSlot(ledger, root, SlotKind.shares, params, ikm), shares };
};

/** How a slot's ikm was split; null: a slot of another kind. */
export const splitOfRow = ({ record }: SlotRow): Split | null => {
  const slot = decodeSlotRecord(record);
  return slot?.kind === SlotKind.shares ? decodeSharesParams(slot.params) : null;
};

/** How the shares were split; null when no slot is opened by shares. There is one such slot at most. */
export const splitOf = (rows: readonly SlotRow[]): Split | null => {
  for (const row of rows) {
    const split = splitOfRow(row);
    if (split !== null) return split;
  }
  return null;
};

/** `fileKey`: the 32 bytes of the key file. */
export const newKeyFileSlot = (ledger: Buffer, root: RootKey, fileKey: Buffer): NewSlot =>
  sealSlot(ledger, root, SlotKind.keyFile, randomBytes(16), keyCopy(fileKey));

/** `ikm` is wiped. */
export const sealSlot = (ledger: Buffer, root: RootKey, kind: number, params: Buffer, ikm: Buffer): NewSlot => {
  const slotId = randomUuid4();
  const kek = slotKek(ikm, ledger, slotId);
  const context = slotContext(slotId, kind, root.generation, params);
  const box = seal('slot', kek, ledger, context, root.key, { provider: 'noble' });
  const verifier = kind === SlotKind.password ? loginVerifier(ikm, ledger, slotId) : null;
  wipe(kek, ikm);
  return {
    slotId,
    kind,
    record: encodeSlotRecord({ slotId, kind, params, rootGeneration: root.generation, box }),
    verifier,
  };
};

export interface OpenedSlot {
  readonly slotId: Uuid;
  readonly kind: number;
  readonly root: RootKey;
}

/** Null: the bytes are not what this row's slot was made of. */
export const openSlotRow = (ledger: Buffer, row: SlotRow, ikm: Buffer): OpenedSlot | null => {
  const slot = decodeSlotRecord(row.record);
  return slot === null || slot.slotId !== row.slotId ? null : openSlot(ledger, slot, ikm);
};

/** Tries the slots of kinds 2 (a share of one, or what enough shares combine to) and 3 with 32 bytes; null when none opens. */
export const openWithKey = (ledger: Buffer, rows: readonly SlotRow[], key: Buffer): OpenedSlot | null => {
  for (const row of rows) {
    const slot = decodeSlotRecord(row.record);
    if (slot === null || slot.slotId !== row.slotId) continue;
    if (slot.kind !== SlotKind.shares && slot.kind !== SlotKind.keyFile) continue;
    const opened = openSlot(ledger, slot, key);
    if (opened !== null) return opened;
  }
  return null;
};

/** Null: it is not this slot's. */
export const openSlot = (ledger: Buffer, slot: SlotRecord, ikm: Buffer): OpenedSlot | null => {
  const kek = slotKek(ikm, ledger, slot.slotId);
  const context = slotContext(slot.slotId, slot.kind, slot.rootGeneration, slot.params);
  const key = open('slot', kek, ledger, context, slot.box, { provider: 'noble' });
  wipe(kek);
  if (key === null || key.length !== 32) return null;
  return { slotId: slot.slotId, kind: slot.kind, root: { key, generation: slot.rootGeneration } };
};

/** H of the slot records in order of id, each behind its u32 length (formats.md §3). */
export const slotsDigest = (rows: readonly SlotRow[]): Buffer => {
  const sorted = [...rows].sort((a, b) => (a.slotId < b.slotId ? -1 : 1));
  return sha256(Buffer.concat(sorted.flatMap(({ record }) => [u32(record.length), record])));
};
