/**
 * Bytes of the formats: big-endian integers, length-prefixed strings, labels, UUIDs. What is returned here never lay in the
 * pool that `Buffer.from` and `Buffer.concat` share, whose slices are handed out again uncleared.
 */
import { timingSafeEqual } from 'node:crypto';

/** Hyphenated, lower-case. Any 16 bytes: version bits are not checked. */
export type Uuid = string;

export const ZERO_UUID: Uuid = '00000000-0000-0000-0000-000000000000';

const integer =
  (bytes: number, max: number) =>
  (n: number): Buffer => {
    if (!Number.isSafeInteger(n) || n < 0 || n > max) throw new RangeError(`not an unsigned integer of ${bytes} bytes`);
    const out = Buffer.alloc(bytes);
    if (bytes === 8) {
      // Without a BigInt, of which each event would make several.
      out.writeUInt32BE(Math.floor(n / 2 ** 32), 0);
      out.writeUInt32BE(n % 2 ** 32, 4);
    } else out.writeUIntBE(n, 0, bytes);
    return out;
  };

/** `n` as 1, 2 or 4 big-endian bytes. RangeError for what does not fit. */
export const u8 = integer(1, 0xff);
export const u16 = integer(2, 0xffff);
export const u32 = integer(4, 0xffffffff);
/** Eight big-endian bytes. Safe integers only: positions and µs stay far below 2^53. */
export const u64 = integer(8, Number.MAX_SAFE_INTEGER);

const SLAB_BYTES = 16_384;
const SLICE_BYTES_MAX = 1024;
let slab = new ArrayBuffer(0);
let sliced = 0;

/**
 * Zeros for a key: outside of the JavaScript heap, where the collector would move them and leave a copy behind that no wiping
 * reaches. `Buffer.alloc` puts up to 64 bytes — every key — on the heap.
 *
 * Small ones are cut from a slab, since an ArrayBuffer for each costs thirty times as much and wakes the collector. What was
 * cut is never cut again: a slab goes as a whole, when nothing of it is in use.
 */
export const keyBuffer = (length: number): Buffer => {
  if (length > SLICE_BYTES_MAX) return Buffer.from(new ArrayBuffer(length));
  if (sliced + length > slab.byteLength) {
    slab = new ArrayBuffer(SLAB_BYTES);
    sliced = 0;
  }
  const out = Buffer.from(slab, sliced, length);
  sliced += length;
  return out;
};

/** A copy of a key; `Buffer.from` would put it into a pool that is handed out again uncleared. */
export const keyCopy = (key: Uint8Array): Buffer => concat(key);

/** The key that a text holds, in hex or base64: what cannot be read ends it early, as in `Buffer.write`. */
export const keyFromText = (text: string, encoding: 'hex' | 'base64'): Buffer => {
  const bytes = keyBuffer(Buffer.byteLength(text, encoding));
  return bytes.subarray(0, bytes.write(text, encoding));
};

/** The parts one after another. Fit for keys: never a slice of the shared pool. */
export const concat = (...parts: readonly Uint8Array[]): Buffer => {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = keyBuffer(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

const scratch = Buffer.alloc(4096);

/**
 * The parts one after another, in bytes that the next call overwrites: for the input of a hash or a MAC, which is computed
 * before anything else happens. Nothing secret: it stays there until then. Larger inputs get an allocation of their own.
 */
export const passing = (...parts: readonly Uint8Array[]): Buffer => {
  let at = 0;
  for (const part of parts) {
    if (at + part.length > scratch.length) return concat(...parts);
    scratch.set(part, at);
    at += part.length;
  }
  return scratch.subarray(0, at);
};

/** u8 length ‖ UTF-8. RangeError beyond 255 bytes. */
export const str = (s: string): Buffer => {
  const length = Buffer.byteLength(s, 'utf8');
  if (length > 0xff) throw new RangeError('a string of the formats has at most 255 bytes');
  const out = Buffer.alloc(1 + length);
  out[0] = length;
  out.write(s, 1, 'utf8');
  return out;
};

const labels = new Map<string, Buffer>();

/** str("tallystick/v1/" ‖ x). Shared: callers do not write into it. */
export const label = (x: string): Buffer => {
  const known = labels.get(x);
  if (known !== undefined) return known;
  const made = str(`tallystick/v1/${x}`);
  labels.set(x, made);
  return made;
};

/** The value of each lower-case hex digit by its character code, −1 for every other character. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => '0123456789abcdef'.indexOf(String.fromCharCode(code)));
const HYPHEN = 45;

/** Writes the 16 raw bytes at `at`. RangeError for anything that is not a UUID's one text: hyphenated, lower-case. */
export const writeUuid = (uuid: Uuid, bytes: Buffer, at: number): void => {
  let right = uuid.length === 36;
  // By hand: several of these are in every hash and context, and this is eight times as fast as replace and decode.
  for (let i = 0; right && i < 36; ) {
    if (i === 8 || i === 13 || i === 18 || i === 23) right = uuid.charCodeAt(i++) === HYPHEN;
    else {
      const high = DIGITS[uuid.charCodeAt(i++)] ?? -1;
      const low = DIGITS[uuid.charCodeAt(i++)] ?? -1;
      right = high >= 0 && low >= 0;
      bytes[at++] = (high << 4) | low;
    }
  }
  if (!right) throw new RangeError('not a UUID');
};

/** The 16 raw bytes of each, one after another. RangeError as `writeUuid`. */
export const uuidBytes = (...uuids: readonly Uuid[]): Buffer => {
  const bytes = Buffer.alloc(16 * uuids.length);
  let at = 0;
  for (const uuid of uuids) {
    writeUuid(uuid, bytes, at);
    at += 16;
  }
  return bytes;
};

const HEX = Buffer.from('0123456789abcdef', 'latin1');
/** Where each byte's two digits stand in the text; overwritten by each call, so nothing may be awaited in between. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;
const text = Buffer.alloc(36, HYPHEN);

/** The one text of 16 bytes. RangeError for any other length. */
export const uuidText = (bytes: Uint8Array): Uuid => {
  if (bytes.length !== 16) throw new RangeError('a UUID has 16 bytes');
  // In one piece: a string put together from slices costs three times as much, and again when it becomes a key of a map.
  for (let i = 0; i < 16; i += 1) {
    const [byte, at] = [bytes[i] ?? 0, PLACES[i] ?? 0];
    text[at] = HEX[byte >> 4] ?? 0;
    text[at + 1] = HEX[byte & 15] ?? 0;
  }
  return text.toString('latin1', 0, 36);
};

/** In time that depends on the lengths only. */
export const constantTimeEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b);

/** Overwrites with zeros. JavaScript may have copied before; docs/explanation/threat-model.md says what this is worth. */
export const wipe = (...buffers: readonly Uint8Array[]): void => {
  for (const buffer of buffers) buffer.fill(0);
};
