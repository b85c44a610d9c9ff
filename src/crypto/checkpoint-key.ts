/** The ledger's checkpoint key: Ed25519 (RFC 8032), whose seed lies in the keyring and whose public half the ledger records. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** RFC 8410: the fixed start of an Ed25519 private key in PKCS #8; the 32-byte seed follows. */
const PKCS8_START = Buffer.from('302e020100300506032b657004220420', 'hex');

/** RFC 8410: the fixed start of its public key as SubjectPublicKeyInfo; the 32 bytes follow. */
const SPKI_START = Buffer.from('302a300506032b6570032100', 'hex');

const privateKeyOf = (seed: Buffer): KeyObject => {
  if (seed.length !== 32) throw new RangeError('the seed of an Ed25519 key has 32 bytes');
  const der = Buffer.alloc(PKCS8_START.length + seed.length);
  PKCS8_START.copy(der);
  seed.copy(der, PKCS8_START.length);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return key;
};

/** The public key of a 32-byte seed, 32 bytes as lower-case hex. RangeError for a seed of another length. */
export const checkpointKeyOf = (seed: Buffer): string =>
  createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');

/** 64 bytes; the same for the same message. */
export const signWithSeed = (seed: Buffer, message: Buffer): Buffer => sign(null, message, privateKeyOf(seed));

/** `publicKey` 32 bytes. Never throws. */
export const verifySignature = (publicKey: Buffer, message: Buffer, signature: Buffer): boolean => {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const key = createPublicKey({ key: Buffer.concat([SPKI_START, publicKey]), format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
};
