/** The pseudo-random function and the hashes: HMAC-SHA256 (RFC 2104), SHA-256 (FIPS 180-4), and H with a 16-byte tag. */
import { createHmac, hash } from 'node:crypto';

/** PRF(k, m), 32 bytes. */
export const prf = (key: Uint8Array, message: Uint8Array): Buffer => createHmac('sha256', key).update(message).digest();

/** H(data), 32 bytes; one shot, twice as fast as a hash object for small inputs. */
export const sha256 = (data: Uint8Array): Buffer => hash('sha256', data, 'buffer');

const tags = new Map<string, Buffer>();

/** The 16 bytes "tallystick/" ‖ t, for the five ASCII characters `t`. Callers do not write into it. */
export const tagBytes = (t: string): Buffer => {
  const known = tags.get(t);
  if (known !== undefined) return known;
  const made = Buffer.from(`tallystick/${t}`, 'ascii');
  if (made.length !== 16) throw new RangeError('a tag has five ASCII characters');
  tags.set(t, made);
  return made;
};

/** T(t, data) = H("tallystick/" ‖ t ‖ data). */
export const taggedHash = (t: string, data: Uint8Array): Buffer => sha256(Buffer.concat([tagBytes(t), data]));
