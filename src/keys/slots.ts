/**
 * Seal slots: the root key under a password, a share or a key file, as disk-encryption slots hold one key several times
 * (formats.md §3). A slot that does not open says nothing about why.
 */
import { Argon2CostRefused, argon2id } from '../crypto/argon2.js';
import { open, seal } from '../crypto/box.js';
import { keyCopy, type Uuid, u32, wipe, ZERO_UUID } from '../crypto/bytes.js';
import { slotContext } from '../crypto/contexts.js';
import { sha256 } from '../crypto/prf.js';
import { randomBytes, randomUuid4 } from '../crypto/random.js';
import { loginVerifier, slotKek } from '../crypto/slot-key.js';
import {
  decodePasswordParams,
  decodeSharesParams,
  decodeSlotRecord,
  encodePasswordParams,
  encodeSharesParams,
  encodeSlotRecord,
  type SlotRecord,
} from '../crypto/slot-record.js';
import { SlotKind } from './key-kinds.js';
import { KEY_BYTES, type Split, splitKey } from './shares.js';
import type { SlotRow } from './store.js';

/** How hard a guess at a slot password is. Floor and ceiling of formats.md §3 hold wherever it is computed. */
export interface Argon2Cost {
  readonly memoryKib: number;
  readonly iterations: number;
  readonly parallelism: number;
}

export const SLOT_COST: Argon2Cost = { memoryKib: 131_072, iterations: 3, parallelism: 1 };

/** A 32-byte file that is Argon2's secret input: without it a stolen database allows no guessing at all. */
export interface Pepper {
  readonly id: Uuid;
  readonly key: Buffer;
}

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

/** Rejects with argon2's `busy` when too many derivations wait. */
export const newPasswordSlot = async (
  ledger: Buffer,
  root: RootKey,
  password: string,
  cost: Argon2Cost,
  pepper: Pepper | null,
): Promise<NewSlot> => {
  const salt = randomBytes(16);
  const params = encodePasswordParams({ ...cost, salt, pepperId: pepper?.id ?? ZERO_UUID });
  const ikm = await argon2id(password, { ...cost, salt, ...(pepper === null ? {} : { secret: pepper.key }) });
  return sealSlot(ledger, root, SlotKind.password, params, ikm);
};

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

/** How the newest split was made; null when no slot is opened by shares. */
export const splitOf = (rows: readonly SlotRow[]): Split | null => {
  for (const row of rows) {
    const slot = decodeSlotRecord(row.record);
    if (slot?.kind !== SlotKind.shares) continue;
    const params = decodeSharesParams(slot.params);
    if (params !== null) return params;
  }
  return null;
};

/** `fileKey`: the 32 bytes of the key file. */
export const newKeyFileSlot = (ledger: Buffer, root: RootKey, fileKey: Buffer): NewSlot =>
  sealSlot(ledger, root, SlotKind.keyFile, randomBytes(16), keyCopy(fileKey));

const sealSlot = (ledger: Buffer, root: RootKey, kind: number, params: Buffer, ikm: Buffer): NewSlot => {
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

/** Tries each password slot, one after another: while sealed the server does not know whose slot is whose. */
export const openWithPassword = async (
  ledger: Buffer,
  rows: readonly SlotRow[],
  password: string,
  peppers: readonly Pepper[],
): Promise<OpenedSlot | null> => {
  for (const row of rows) {
    const slot = decodeSlotRecord(row.record);
    if (slot === null || slot.slotId !== row.slotId || slot.kind !== SlotKind.password) continue;
    const ikm = await passwordIkm(slot, password, peppers);
    const opened = ikm === null ? null : openSlot(ledger, slot, ikm);
    if (ikm !== null) wipe(ikm);
    if (opened !== null) return opened;
  }
  return null;
};

/** The login verifier that this password gives for a slot; null when its record or pepper is not at hand. */
export const verifierFor = async (
  ledger: Buffer,
  row: SlotRow,
  password: string,
  peppers: readonly Pepper[],
): Promise<Buffer | null> => {
  const slot = decodeSlotRecord(row.record);
  if (slot === null || slot.kind !== SlotKind.password) return null;
  const ikm = await passwordIkm(slot, password, peppers);
  if (ikm === null) return null;
  const verifier = loginVerifier(ikm, ledger, slot.slotId);
  wipe(ikm);
  return verifier;
};

const passwordIkm = async (slot: SlotRecord, password: string, peppers: readonly Pepper[]): Promise<Buffer | null> => {
  const params = decodePasswordParams(slot.params);
  if (params === null) return null;
  const pepper = peppers.find(({ id }) => id === params.pepperId);
  if (pepper === undefined && params.pepperId !== ZERO_UUID) return null;
  const { memoryKib, iterations, parallelism, salt } = params;
  const secret = pepper === undefined ? {} : { secret: pepper.key };
  try {
    return await argon2id(password, { memoryKib, iterations, parallelism, salt, ...secret });
  } catch (error) {
    // A stored cost that nobody here would have written: this slot does not open, others may.
    if (error instanceof Argon2CostRefused) return null;
    throw error;
  }
};

const openSlot = (ledger: Buffer, slot: SlotRecord, ikm: Buffer): OpenedSlot | null => {
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

/** A slot password protects everything: at least 16 characters, and not one that is tried first. Null = acceptable. */
export const passwordComplaint = (password: string): string | null => {
  const normal = password.normalize('NFC');
  if ([...normal].length < 16) return 'the password must have at least 16 characters; six random words are a good one';
  if (new Set(normal.toLowerCase()).size < 6 || COMMON.test(normal))
    return 'the password is one of those that are tried first; six random words are a good one';
  return null;
};

/** Long passwords that lists of common ones hold: runs of the keyboard, counting, a common word repeated or padded. */
const COMMON =
  /^(?:(.{1,8})\1+.{0,3}|(?:0?1234567890?|qwertyuiop|asdfghjkl|zxcvbnm|abcdefghijklmnop.*|password|passwort|letmein|iloveyou|administrator|changeme|welcome|[!-@[-`{-~])+)$/i;
