/** Lines of the two files that are kept outside the database: erasure keys and the erasure list (formats.md §6). */
import { concat, constantTimeEqual, label, type Uuid, u64, uuidBytes, uuidText } from './bytes.js';
import { prf } from './prf.js';

export interface ErasureKeyLine {
  readonly ledger: Buffer;
  readonly term: number;
  readonly key: Buffer;
  /** RFC 3339 */
  readonly created: string;
}

/** `1 <ledger id hex> <term> <base64 E> <created>` */
export const encodeErasureKeyLine = ({ ledger, term, key, created }: ErasureKeyLine): string =>
  `1 ${ledger.toString('hex')} ${term} ${key.toString('base64')} ${created}`;

/** Null for anything that is not such a line. */
export const decodeErasureKeyLine = (line: string): ErasureKeyLine | null => {
  const match = /^1 ([0-9a-f]{32}) ([1-9]\d{0,9}) ([A-Za-z0-9+/]{43}=) (\S+)$/.exec(line.trim());
  const [, ledger, term, key, created] = match ?? [];
  if (ledger === undefined || term === undefined || key === undefined || created === undefined) return null;
  return { ledger: Buffer.from(ledger, 'hex'), term: Number(term), key: concat(Buffer.from(key, 'base64')), created };
};

export interface Erased {
  readonly position: number;
  readonly keyId: Uuid;
}

const erasedMac = (rowKey: Buffer, ledger: Buffer, erased: Buffer): Buffer =>
  prf(rowKey, concat(label('erased'), ledger, erased));

/** Hex of position u64 ‖ key_id ‖ PRF(row key of that event's epoch, label("erased") ‖ L ‖ position u64 ‖ key_id). */
export const encodeErasedLine = (rowKey: Buffer, ledger: Buffer, { position, keyId }: Erased): string => {
  const erased = concat(u64(position), uuidBytes(keyId));
  return concat(erased, erasedMac(rowKey, ledger, erased)).toString('hex');
};

/** Null unless the line was made with this row key for this ledger. */
export const decodeErasedLine = (rowKey: Buffer, ledger: Buffer, line: string): Erased | null => {
  if (!/^[0-9a-f]{112}$/.test(line)) return null;
  const bytes = Buffer.from(line, 'hex');
  const erased = bytes.subarray(0, 24);
  if (!constantTimeEqual(erasedMac(rowKey, ledger, erased), bytes.subarray(24))) return null;
  return { position: Number(erased.readBigUInt64BE(0)), keyId: uuidText(erased.subarray(8)) };
};
