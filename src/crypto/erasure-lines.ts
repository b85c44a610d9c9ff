/**
 * Lines of the two files that are kept outside the database: erasure keys and the erasure list (formats.md §6). A line is
 * taken only if it is, byte for byte, one that is written here.
 */
import { concat, constantTimeEqual, keyFromText, label, type Uuid, u64, uuidBytes, uuidText } from './bytes.js';
import { prf } from './prf.js';

export interface ErasureKeyLine {
  /** L, 16 bytes. */
  readonly ledger: Buffer;
  readonly term: number;
  /** E[term], 32 bytes that share nothing, the caller's to wipe. */
  readonly key: Buffer;
  /** RFC 3339, in UTC. */
  readonly created: string;
}

const TERM_MAX = 0xffffffff;
const KEY_LINE =
  /^1 ([0-9a-f]{32}) ([1-9]\d{0,9}) ([A-Za-z0-9+/]{43}=) (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z)$/;

/** `1 <ledger id hex> <term> <base64 E> <created>`, without a line end. RangeError for what would not be read again. */
export const encodeErasureKeyLine = ({ ledger, term, key, created }: ErasureKeyLine): string => {
  const line = `1 ${ledger.toString('hex')} ${term} ${key.toString('base64')} ${created}`;
  // A key that is written and cannot be read is a ledger lost. The error does not quote the line.
  if (!KEY_LINE.test(line) || term > TERM_MAX) throw new RangeError('not the parts of an erasure-key line');
  return line;
};

/** Null for anything that is not such a line; a line end belongs to the file and is not taken. */
export const decodeErasureKeyLine = (line: string): ErasureKeyLine | null => {
  const [, ledger, digits, base64, created] = KEY_LINE.exec(line) ?? [];
  if (ledger === undefined || digits === undefined || base64 === undefined || created === undefined) return null;
  const term = Number(digits);
  if (term > TERM_MAX) return null;
  const key = keyFromText(base64, 'base64');
  // The last character has two bits too many: only zeros are what was written.
  return key.toString('base64') === base64 ? { ledger: Buffer.from(ledger, 'hex'), term, key, created } : null;
};

export interface Erased {
  readonly position: number;
  readonly keyId: Uuid;
}

const erasedMac = (rowKey: Buffer, ledger: Buffer, erased: Buffer): Buffer =>
  prf(rowKey, concat(label('erased'), ledger, erased));

/**
 * Hex of position u64 ‖ key_id ‖ PRF(row key, label("erased") ‖ L ‖ position u64 ‖ key_id), 112 characters without a line
 * end. `rowKey` is that of the epoch of the event that destroyed the key.
 */
export const encodeErasedLine = (rowKey: Buffer, ledger: Buffer, { position, keyId }: Erased): string => {
  const erased = concat(u64(position), uuidBytes(keyId));
  return concat(erased, erasedMac(rowKey, ledger, erased)).toString('hex');
};

/** Null unless the line was made with this row key for this ledger: nobody else can have a key erased. */
export const decodeErasedLine = (rowKey: Buffer, ledger: Buffer, line: string): Erased | null => {
  if (!/^[0-9a-f]{112}$/.test(line)) return null;
  const bytes = Buffer.from(line, 'hex');
  const erased = bytes.subarray(0, 24);
  if (!constantTimeEqual(erasedMac(rowKey, ledger, erased), bytes.subarray(24))) return null;
  return { position: Number(erased.readBigUInt64BE(0)), keyId: uuidText(erased.subarray(8)) };
};
