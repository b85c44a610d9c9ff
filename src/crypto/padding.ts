/**
 * Padding hides lengths (formats.md §2): u32 length ‖ x ‖ zeros. Small things go to multiples of 256 bytes, large ones to a
 * Padmé length, names to multiples of 32. On opening, everything after x must be zero.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { keyBuffer } from './bytes.js';

/**
 * The padded length of `n` bytes (length field included): a multiple of 256 up to 4,096, above it a Padmé length, which
 * tells at most O(log log n) bits of n and adds at most 12 % (Nikitin et al., PURBs, 2019, §4). `n` below 2^32.
 */
export const paddedLength = (n: number): number => {
  if (n <= 4096) return Math.max(256, Math.ceil(n / 256) * 256);
  const e = log2(n);
  const s = log2(e) + 1;
  const step = 2 ** (e - s);
  return Math.ceil(n / step) * step;
};

/** ⌊log2 n⌋ in integers: floating point has no say in a format. */
const log2 = (n: number): number => 31 - Math.clz32(n);

const withLength = (x: Buffer, length: number): Buffer => {
  const out = keyBuffer(length);
  out.writeUInt32BE(x.length, 0);
  x.copy(out, 4);
  return out;
};

/** For bodies, headers and credentials. A copy: the caller wipes `x` and, when it is sealed, the copy. */
export const pad = (x: Buffer): Buffer => withLength(x, paddedLength(x.length + 4));

/** The same of a text's UTF-8, written where it is padded. */
export const padText = (text: string): Buffer => {
  const length = Buffer.byteLength(text, 'utf8');
  const out = keyBuffer(paddedLength(length + 4));
  out.writeUInt32BE(length, 0);
  out.write(text, 4, 'utf8');
  return out;
};

/** What was padded (a view into `padded`), or null: another padded length than `pad` makes, or a byte that is not zero. */
export const unpad = (padded: Buffer): Buffer | null => stripped(padded, paddedLength);

/** For names. */
export const pad32 = (x: Buffer): Buffer => withLength(x, multipleOf32(x.length + 4));

/** As `unpad`, for `pad32`. */
export const unpad32 = (padded: Buffer): Buffer | null => stripped(padded, multipleOf32);

const multipleOf32 = (n: number): number => Math.ceil(n / 32) * 32;

const stripped = (padded: Buffer, lengthFor: (n: number) => number): Buffer | null => {
  if (padded.length < 4) return null;
  const length = padded.readUInt32BE(0);
  if (length + 4 > padded.length || lengthFor(length + 4) !== padded.length) return null;
  return allZero(padded, 4 + length) ? padded.subarray(4, 4 + length) : null;
};

/** Compared in blocks, since a loop over bytes is ten times as slow. After authentication, so time tells nothing. */
const ZEROS = Buffer.alloc(4096);

const allZero = (bytes: Buffer, from: number): boolean => {
  for (let at = from; at < bytes.length; at += ZEROS.length) {
    const end = Math.min(at + ZEROS.length, bytes.length);
    if (bytes.compare(ZEROS, 0, end - at, at, end) !== 0) return false;
  }
  return true;
};

const BLOCK = 4096;
/** A block's lines never exceed this once inflated; a larger one is not ours. */
const INFLATED_MAX = 64 * 1024 * 1024;

/** deflate-raw (RFC 1951) first, zeros after, to a multiple of 4,096: the compressed size must not answer guesses. */
export const padBlock = (lines: Buffer): Buffer => {
  const deflated = deflateRawSync(lines);
  const out = Buffer.alloc(Math.max(BLOCK, Math.ceil(deflated.length / BLOCK) * BLOCK));
  deflated.copy(out);
  return out;
};

/** Null unless it is a deflate stream, which says itself where it ends, and zeros in the fewest blocks of 4,096. */
export const unpadBlock = (padded: Buffer): Buffer | null => {
  if (padded.length === 0 || padded.length % BLOCK !== 0) return null;
  try {
    const { buffer, engine } = inflateWithInfo(padded);
    const shortest = Math.ceil(engine.bytesWritten / BLOCK) * BLOCK === padded.length;
    return shortest && allZero(padded, engine.bytesWritten) ? buffer : null;
  } catch {
    return null;
  }
};

const inflateWithInfo = (padded: Buffer): { buffer: Buffer; engine: { bytesWritten: number } } => {
  // With `info`, zlib answers the buffer and the engine, which knows how many bytes it took; the typings leave that out.
  const result: unknown = inflateRawSync(padded, { info: true, maxOutputLength: INFLATED_MAX });
  if (typeof result !== 'object' || result === null || !('buffer' in result) || !('engine' in result))
    throw new TypeError('zlib answered without info');
  const { buffer, engine } = result;
  if (!Buffer.isBuffer(buffer) || typeof engine !== 'object' || engine === null || !('bytesWritten' in engine))
    throw new TypeError('zlib answered without info');
  return { buffer, engine: { bytesWritten: Number(engine.bytesWritten) } };
};
