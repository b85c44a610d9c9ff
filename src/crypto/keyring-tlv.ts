/**
 * The keyring's plaintext (formats.md §3), TLV because strings cannot be wiped:
 * repeated kind u8 ‖ id u32 ‖ created u64 (µs) ‖ state u8 ‖ u16 length ‖ bytes. Unknown kinds are kept.
 */
import { concat, u8, u16, u32, u64 } from './bytes.js';

export interface KeyringEntry {
  readonly kind: number;
  readonly id: number;
  /** µs */
  readonly createdAt: number;
  readonly state: number;
  /** Shares nothing with what was decoded. */
  readonly bytes: Buffer;
}

const FIXED = 16;

/** RangeError for a field that does not fit. The result holds keys: the caller wipes it. */
export const encodeKeyring = (entries: readonly KeyringEntry[]): Buffer =>
  concat(
    ...entries.flatMap(({ kind, id, createdAt, state, bytes }) => [
      u8(kind),
      u32(id),
      u64(createdAt),
      u8(state),
      u16(bytes.length),
      bytes,
    ]),
  );

/** The entries in their order, each with its own copy of its bytes; null unless the bytes are whole entries. */
export const decodeKeyring = (bytes: Buffer): KeyringEntry[] | null => {
  const entries: KeyringEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + FIXED > bytes.length) return null;
    const end = at + FIXED + bytes.readUInt16BE(at + 14);
    if (end > bytes.length) return null;
    const createdAt = Number(bytes.readBigUInt64BE(at + 5));
    if (!Number.isSafeInteger(createdAt)) return null;
    entries.push({
      kind: bytes.readUInt8(at),
      id: bytes.readUInt32BE(at + 1),
      createdAt,
      state: bytes.readUInt8(at + 13),
      bytes: concat(bytes.subarray(at + FIXED, end)),
    });
    at = end;
  }
  return entries;
};
