/**
 * The form in which PostgreSQL stores a SCRAM-SHA-256 password (RFC 5802, RFC 7677). Made here, a password never travels in a
 * statement, so no log or statistics view of the server can hold it.
 */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { randomBytes } from '../crypto/random.js';

/** PostgreSQL's default. Our passwords are 192 random bits: the count adds nothing to guess. */
const ITERATIONS = 4096;

/** `password` must be ASCII: SASLprep is the identity on it. */
export const scramVerifier = (password: string, salt: Buffer = randomBytes(16)): string => {
  if (!/^[\x21-\x7e]+$/.test(password)) throw new RangeError('a database password must be printable ASCII');
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256');
  const keyed = (label: string): Buffer => createHmac('sha256', salted).update(label).digest();
  const stored = createHash('sha256').update(keyed('Client Key')).digest();
  const parts = [stored, keyed('Server Key')].map(key => key.toString('base64'));
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${parts.join(':')}`;
};
