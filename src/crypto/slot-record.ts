/**
 * The slot record's bytes (formats.md §3): slot_id(16) ‖ kind u8 ‖ u16 length ‖ params ‖ root_generation u32 ‖ box, and the
 * parameters of kinds 1 to 4. A record that is decoded and encoded again is the same bytes, also when its kind is unknown
 * here: the digest of all slots is made of them.
 */
import { concat, type Uuid, u8, u16, u32, uuidBytes, uuidText } from './bytes.js';

export interface SlotRecord {
  readonly slotId: Uuid;
  readonly kind: number;
  readonly params: Buffer;
  readonly rootGeneration: number;
  readonly box: Buffer;
}

/** RangeError for a field that does not fit. */
export const encodeSlotRecord = ({ slotId, kind, params, rootGeneration, box }: SlotRecord): Buffer =>
  concat(uuidBytes(slotId), u8(kind), u16(params.length), params, u32(rootGeneration), box);

/** Views into `bytes`; null when they end before the box begins. Whether the box is one shows when it is opened. */
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
  /** 16 bytes */
  readonly salt: Buffer;
  /** Zero: none. */
  readonly pepperId: Uuid;
}

const ARGON2_VERSION = 0x13;

/** Kind 1: argon version u32 ‖ m KiB u32 ‖ t u32 ‖ p u32 ‖ salt(16) ‖ pepper_id(16). RangeError for another salt. */
export const encodePasswordParams = (params: PasswordParams): Buffer => {
  if (params.salt.length !== 16) throw new RangeError('the salt of a password slot has 16 bytes');
  return concat(
    u32(ARGON2_VERSION),
    u32(params.memoryKib),
    u32(params.iterations),
    u32(params.parallelism),
    params.salt,
    uuidBytes(params.pepperId),
  );
};

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

export interface SharesParams {
  /** How many shares were made. */
  readonly shares: number;
  /** How many of them are needed. 1 of 1: the share is the ikm itself. */
  readonly threshold: number;
  /** Tells the shares of one split from those of another. */
  readonly setId: Uuid;
}

const sharesMakeSense = (shares: number, threshold: number): boolean => threshold >= 1 && threshold <= shares;

/** Kind 2: n u8 ‖ k u8 ‖ set_id(16). RangeError unless 1 ≤ k ≤ n ≤ 255. */
export const encodeSharesParams = ({ shares, threshold, setId }: SharesParams): Buffer => {
  if (!sharesMakeSense(shares, threshold)) throw new RangeError('between one and all of the shares are needed');
  return concat(u8(shares), u8(threshold), uuidBytes(setId));
};

/** Null when they are not of this form. */
export const decodeSharesParams = (bytes: Buffer): SharesParams | null => {
  if (bytes.length !== 18) return null;
  const [shares, threshold] = [bytes.readUInt8(0), bytes.readUInt8(1)];
  return sharesMakeSense(shares, threshold) ? { shares, threshold, setId: uuidText(bytes.subarray(2)) } : null;
};

/** Kind 3: file_id(16), which the key file names too. */
export const encodeKeyFileParams = (fileId: Uuid): Buffer => uuidBytes(fileId);

/** The file's id, or null when they are not of this form. */
export const decodeKeyFileParams = (bytes: Buffer): Uuid | null => (bytes.length === 16 ? uuidText(bytes) : null);

export interface KmsParams {
  /** Names the key that wrapped the ikm. */
  readonly uri: string;
  readonly ciphertext: Buffer;
}

/** Kind 4: u16 ‖ uri ‖ u16 ‖ KMS ciphertext of the ikm. RangeError for one that does not fit. */
export const encodeKmsParams = ({ uri, ciphertext }: KmsParams): Buffer => {
  const name = Buffer.from(uri, 'utf8');
  return concat(u16(name.length), name, u16(ciphertext.length), ciphertext);
};

/** Null when they are not of this form. */
export const decodeKmsParams = (bytes: Buffer): KmsParams | null => {
  if (bytes.length < 4) return null;
  const middle = 2 + bytes.readUInt16BE(0);
  if (bytes.length < middle + 2 || bytes.length !== middle + 2 + bytes.readUInt16BE(middle)) return null;
  return { uri: bytes.toString('utf8', 2, middle), ciphertext: bytes.subarray(middle + 2) };
};
