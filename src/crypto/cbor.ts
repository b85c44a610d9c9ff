/**
 * Core deterministic CBOR (RFC 8949 §4.2.1), of arrays, maps with text keys, unsigned integers, byte strings, text, booleans
 * and null, nothing else. Only written, never read: hashes are made by encoding the columns.
 */
import type { Fact, Facts } from '../domain/facts.js';

export type CborItem = number | string | boolean | null | Buffer | readonly CborItem[];

type Item = CborItem | Fact;

const MAJOR = { unsigned: 0x00, bytes: 0x40, text: 0x60, array: 0x80, map: 0xa0 } as const;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;

/** Bytes of a major type with the argument `n` in its shortest form. RangeError for what is no unsigned safe integer. */
const headSize = (n: number): number => {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError('CBOR: not an unsigned safe integer');
  return n < 24 ? 1 : n < 0x100 ? 2 : n < 0x1_0000 ? 3 : n < 0x1_0000_0000 ? 5 : 9;
};

const writeHead = (out: Buffer, at: number, major: number, n: number): number => {
  const size = headSize(n);
  out[at] = major | (size === 1 ? n : size === 2 ? 24 : size === 3 ? 25 : size === 5 ? 26 : 27);
  if (size === 9) out.writeBigUInt64BE(BigInt(n), at + 1);
  else if (size > 1) out.writeUIntBE(n, at + 1, size - 1);
  return at + size;
};

/** Measured first, then written into one buffer of the right size. */
const sizeOf = (item: Item): number => {
  if (typeof item === 'number') return headSize(item);
  if (typeof item === 'boolean' || item === null) return 1;
  if (typeof item === 'string') {
    const length = Buffer.byteLength(item, 'utf8');
    return headSize(length) + length;
  }
  if (Buffer.isBuffer(item)) return headSize(item.length) + item.length;
  if (!Array.isArray(item)) throw new TypeError('CBOR: only what formats.md names');
  let size = headSize(item.length);
  for (const inner of item) size += sizeOf(inner);
  return size;
};

/** Writes `item` at `at` and answers where it ends. */
const write = (out: Buffer, at: number, item: Item): number => {
  if (typeof item === 'number') return writeHead(out, at, MAJOR.unsigned, item);
  if (typeof item === 'boolean' || item === null) return out.writeUInt8(item === null ? NULL : item ? TRUE : FALSE, at);
  if (typeof item === 'string') {
    const text = writeHead(out, at, MAJOR.text, Buffer.byteLength(item, 'utf8'));
    return text + out.write(item, text, 'utf8');
  }
  if (Buffer.isBuffer(item)) {
    const bytes = writeHead(out, at, MAJOR.bytes, item.length);
    return bytes + item.copy(out, bytes);
  }
  let end = writeHead(out, at, MAJOR.array, item.length);
  for (const inner of item) end = write(out, end, inner);
  return end;
};

const encode = (item: Item): Buffer => {
  // Nothing secret, and every byte is written.
  const out = Buffer.allocUnsafe(sizeOf(item));
  write(out, 0, item);
  return out;
};

/** An array. UUIDs are passed as 16 bytes. RangeError or TypeError for what formats.md §8 does not name. */
export const encodeItems = (items: readonly CborItem[]): Buffer => encode(items);

interface Key {
  readonly name: string;
  readonly bytes: Buffer;
}

const KEYS_MAX = 1024;
const sortedKeys = new Map<string, readonly Key[]>();

/** Sorted by their encoded bytes (RFC 8949 §4.2.1). Events of a type have the same few names, so the order is remembered. */
const keysOf = (facts: Facts): readonly Key[] => {
  const names = Object.keys(facts);
  const all = names.join('\0');
  const known = sortedKeys.get(all);
  if (known !== undefined && known.length === names.length) return known;
  const keys = names.map(name => ({ name, bytes: encode(name) }));
  keys.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  // Without a NUL in a name, text and number tell lists of names apart.
  if (sortedKeys.size < KEYS_MAX && names.every(name => !name.includes('\0'))) sortedKeys.set(all, keys);
  return keys;
};

const factOf = (facts: Facts, name: string): Fact => {
  const fact = facts[name];
  if (fact === undefined) throw new TypeError('CBOR: only what formats.md names');
  return fact;
};

/** A map, sorted by its keys. RangeError or TypeError for what CBOR here does not hold. */
export const encodeFacts = (facts: Facts): Buffer => {
  const keys = keysOf(facts);
  let size = headSize(keys.length);
  for (const { name, bytes } of keys) size += bytes.length + sizeOf(factOf(facts, name));
  const out = Buffer.allocUnsafe(size);
  let at = writeHead(out, 0, MAJOR.map, keys.length);
  for (const { name, bytes } of keys) at = write(out, at + bytes.copy(out, at), factOf(facts, name));
  return out;
};
