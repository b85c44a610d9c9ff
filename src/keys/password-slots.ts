/** Slots under a password (formats.md §3, kind 1): made, opened, and made again when the cost or the pepper is of yesterday. */
import { Argon2CostRefused, argon2id } from '../crypto/argon2.js';
import { type Uuid, wipe, ZERO_UUID } from '../crypto/bytes.js';
import { randomBytes } from '../crypto/random.js';
import { loginVerifier } from '../crypto/slot-key.js';
import {
  decodePasswordParams,
  decodeSlotRecord,
  encodePasswordParams,
  type PasswordParams,
  type SlotRecord,
} from '../crypto/slot-record.js';
import { SlotKind } from './key-kinds.js';
import { type NewSlot, type OpenedSlot, openSlot, type RootKey, sealSlot } from './slots.js';
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

/** Made with less work, or another pepper, than a new slot would be: to be wrapped again at the next unlock. */
export const isOutdated = (row: SlotRow, cost: Argon2Cost, current: Pepper | null): boolean => {
  const params = passwordParamsOf(row);
  if (params === null) return false;
  const { memoryKib, iterations, parallelism, pepperId } = params;
  const cheaper = memoryKib * iterations * parallelism < cost.memoryKib * cost.iterations * cost.parallelism;
  return cheaper || pepperId !== (current?.id ?? ZERO_UUID);
};

export const passwordParamsOf = ({ record }: SlotRow): PasswordParams | null => {
  const slot = decodeSlotRecord(record);
  return slot?.kind === SlotKind.password ? decodePasswordParams(slot.params) : null;
};
