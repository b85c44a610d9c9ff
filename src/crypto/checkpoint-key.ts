/** The ledger's checkpoint key: Ed25519 (RFC 8032), whose seed lies in the keyring and whose public half the ledger records. */
import { createPrivateKey, createPublicKey } from 'node:crypto';

/** RFC 8410: the fixed start of an Ed25519 private key in PKCS #8; the 32-byte seed follows. */
const PKCS8_START = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The public key of a 32-byte seed, 32 bytes as lower-case hex. RangeError for a seed of another length. */
export const checkpointKeyOf = (seed: Buffer): string => {
  if (seed.length !== 32) throw new RangeError('the seed of an Ed25519 key has 32 bytes');
  const der = Buffer.alloc(PKCS8_START.length + seed.length);
  PKCS8_START.copy(der);
  seed.copy(der, PKCS8_START.length);
  const publicKey = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  der.fill(0);
  // RFC 8410: the key is the last 32 bytes of its SubjectPublicKeyInfo.
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
};
