/**
 * Core deterministic CBOR (RFC 8949 §4.2.1), of arrays, maps with text keys, unsigned integers, byte strings, text, booleans
 * and null — nothing else. Only written, never read: hashes are made by encoding the columns.
 */
import type { Fact, Facts } from '../domain/facts.js';

export type CborItem = number | string | boolean | null | Buffer | readonly CborItem[];

const MAJOR = { unsigned: 0x00, bytes: 0x40, text: 0x60, array: 0x80, map: 0xa0 } as const;

/** Major type and argument in the shortest form. */
const head = (major: number, n: number): Buffer => {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError('CBOR: not an unsigned safe integer');
  if (n < 24) return Buffer.from([major | n]);
  if (n < 0x100) return Buffer.from([major | 24, n]);
  if (n < 0x10000) return Buffer.from([major | 25, n >>> 8, n & 0xff]);
  const long = n >= 0x1_0000_0000;
  const out = Buffer.alloc(long ? 9 : 5);
  out[0] = major | (long ? 27 : 26);
  if (long) out.writeBigUInt64BE(BigInt(n), 1);
  else out.writeUInt32BE(n, 1);
  return out;
};

const write = (item: CborItem | Fact, out: Buffer[]): void => {
  if (typeof item === 'number') out.push(head(MAJOR.unsigned, item));
  else if (typeof item === 'string') {
    const text = Buffer.from(item, 'utf8');
    out.push(head(MAJOR.text, text.length), text);
  } else if (typeof item === 'boolean') out.push(Buffer.from([item ? 0xf5 : 0xf4]));
  else if (item === null) out.push(Buffer.from([0xf6]));
  else if (Buffer.isBuffer(item)) out.push(head(MAJOR.bytes, item.length), item);
  else if (Array.isArray(item)) {
    out.push(head(MAJOR.array, item.length));
    for (const inner of item) write(inner, out);
  } else throw new TypeError('CBOR: only what formats.md names');
};

export const encodeItems = (items: readonly CborItem[]): Buffer => {
  const out: Buffer[] = [];
  write(items, out);
  return Buffer.concat(out);
};

/** A map, sorted by its encoded keys. RangeError or TypeError for what facts may not hold. */
export const encodeFacts = (facts: Facts): Buffer => {
  const entries = Object.entries(facts).map(([name, fact]) => {
    const key: Buffer[] = [];
    write(name, key);
    const value: Buffer[] = [];
    write(fact, value);
    return { key: Buffer.concat(key), value };
  });
  entries.sort((a, b) => Buffer.compare(a.key, b.key));
  return Buffer.concat([head(MAJOR.map, entries.length), ...entries.flatMap(({ key, value }) => [key, ...value])]);
};
