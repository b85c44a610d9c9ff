/** The slot record's bytes (formats.md §3): slot_id(16) ‖ kind u8 ‖ u16 length ‖ params ‖ root_generation u32 ‖ box. */
import { concat, type Uuid, u8, u16, u32, uuidBytes, uuidText } from './bytes.js';

export interface SlotRecord {
  readonly slotId: Uuid;
  readonly kind: number;
  readonly params: Buffer;
  readonly rootGeneration: number;
  readonly box: Buffer;
}

export const encodeSlotRecord = ({ slotId, kind, params, rootGeneration, box }: SlotRecord): Buffer =>
  concat(uuidBytes(slotId), u8(kind), u16(params.length), params, u32(rootGeneration), box);

/** Null when the bytes end too early. Kinds that are not known here are kept as they are. */
export const decodeSlotRecord = (bytes: Buffer): SlotRecord | null => {
  if (bytes.length < 23) return null;
  const end = 19 + bytes.readUInt16BE(17);
  if (bytes.length < end + 4) return null;
  return {
    slotId: uuidText(bytes.subarray(0, 16)),
    kind: bytes.readUInt8(16),
    params: bytes.subarray(19, end),
    rootGeneration: bytes.readUInt32BE(end),
    box: bytes.subarray(end + 4),
  };
};

export interface PasswordParams {
  readonly memoryKib: number;
  readonly iterations: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  /** Zero: none. */
  readonly pepperId: Uuid;
}

const ARGON2_VERSION = 0x13;

/** Kind 1: argon version u32 ‖ m KiB u32 ‖ t u32 ‖ p u32 ‖ salt(16) ‖ pepper_id(16). */
export const encodePasswordParams = (params: PasswordParams): Buffer =>
  concat(
    u32(ARGON2_VERSION),
    u32(params.memoryKib),
    u32(params.iterations),
    u32(params.parallelism),
    params.salt,
    uuidBytes(params.pepperId),
  );

/** Null when they are not of this form; whether the cost is acceptable is for argon2 to say, before it computes. */
export const decodePasswordParams = (bytes: Buffer): PasswordParams | null => {
  if (bytes.length !== 48 || bytes.readUInt32BE(0) !== ARGON2_VERSION) return null;
  return {
    memoryKib: bytes.readUInt32BE(4),
    iterations: bytes.readUInt32BE(8),
    parallelism: bytes.readUInt32BE(12),
    salt: bytes.subarray(16, 32),
    pepperId: uuidText(bytes.subarray(32, 48)),
  };
};
