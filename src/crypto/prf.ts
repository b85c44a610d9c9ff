/** The pseudo-random function and the hashes: HMAC-SHA256 (RFC 2104), SHA-256 (FIPS 180-4), and H with a 16-byte tag. */
import { createHash, createHmac, hash } from 'node:crypto';
import { passing } from './bytes.js';

/** PRF(k, m), 32 bytes. */
export const prf = (key: Uint8Array, message: Uint8Array): Buffer => createHmac('sha256', key).update(message).digest();

/** H(data), 32 bytes; one shot, twice as fast as a hash object for small inputs. */
export const sha256 = (data: Uint8Array): Buffer => hash('sha256', data, 'buffer');

const tags = new Map<string, Buffer>();

/** The 16 bytes "tallystick/" ‖ t, for the five ASCII characters `t`. Shared: callers do not write into it. */
export const tagBytes = (t: string): Buffer => {
  const known = tags.get(t);
  if (known !== undefined) return known;
  const made = Buffer.from(`tallystick/${t}`, 'utf8');
  if (made.length !== 16 || t.length !== 5) throw new RangeError('a tag has five ASCII characters');
  tags.set(t, made);
  return made;
};

/** Up to here a copy and one call are cheaper than a hash object; above, a body of 1 MiB is not copied. */
const ONE_SHOT_MAX = 2048;

/** T(t, data) = H("tallystick/" ‖ t ‖ data). `data` is nothing secret. */
export const taggedHash = (t: string, data: Uint8Array): Buffer =>
  data.length <= ONE_SHOT_MAX
    ? sha256(passing(tagBytes(t), data))
    : createHash('sha256').update(tagBytes(t)).update(data).digest();
