/** Public keys that an administrator wrote down, in PEM: as such, or inside a certificate. */
import { createPublicKey, type KeyObject } from 'node:crypto';

const PUBLIC = /^\s*-----BEGIN (?:PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE)-----/;

/** A string: what is wrong with it. The PEM of a private key is refused, not reduced to its public half. */
export const readPublicKey = (pem: string): KeyObject | string => {
  if (!PUBLIC.test(pem) || pem.includes('PRIVATE') || pem.split('-----BEGIN').length !== 2)
    return 'a validation key is one public key or certificate in PEM';
  try {
    const key = createPublicKey(pem);
    if ((key.asymmetricKeyDetails?.modulusLength ?? 2048) < 2048) return 'an RSA key has 2,048 bits at least';
    return key;
  } catch {
    return 'a validation key cannot be read';
  }
};
