/** The only place that draws randomness. A pool saves system calls; each slice is wiped from it as it leaves. */
import { randomFillSync } from 'node:crypto';
import { keyBuffer, type Uuid, uuidText } from './bytes.js';

const pool = Buffer.alloc(16_384);
let used = pool.length;

/** `n` fresh bytes of the operating system's generator (`keyBuffer`). */
export const randomBytes = (n: number): Buffer => {
  const out = keyBuffer(n);
  if (n > 1024) return randomFillSync(out);
  if (used + n > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  pool.copy(out, 0, used, used + n);
  pool.fill(0, used, used + n);
  used += n;
  return out;
};

/** RFC 9562 §5.4 */
export const randomUuid4 = (): Uuid => {
  const bytes = randomBytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(bytes);
};

/** RFC 9562 §5.7: 48 bits of ms since 1970, then random. */
export const randomUuid7 = (nowMs: number): Uuid => {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Math.floor(nowMs), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(bytes);
};

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 248 = 4 · 62: above it the first letters of the alphabet would come up more often. */
const UNBIASED_BELOW = 248;

/** `length` characters, each 5.95 bits: bytes that would favour some are rejected. */
export const randomBase62 = (length: number): string => {
  let text = '';
  while (text.length < length) {
    const bytes = randomBytes(length - text.length);
    for (const byte of bytes) if (byte < UNBIASED_BELOW) text += BASE62[byte % 62];
    bytes.fill(0);
  }
  return text;
};
