/** Keys and signatures that are strong enough to be believed; what is not on these lists is not. */
import type { KeyObject } from 'node:crypto';

const RSA_BITS_MIN = 2048;
/** Beyond it a signature check is work that a stranger gives us. */
const RSA_BITS_MAX = 8192;
/** So it is with an exponent that is as long as the modulus; 1 signs nothing. Everybody's is 65,537, or 3. */
const RSA_EXPONENT_MIN = 3n;
const RSA_EXPONENT_MAX = 2n ** 32n;
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** Signature algorithm by OID, and the hash that it signs; null: the algorithm has its own. */
export const SIGNATURES: ReadonlyMap<string, string | null> = new Map([
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.3.101.112', null],
  ['1.3.101.113', null],
]);

export const keyIsStrong = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean => {
  const { modulusLength: bits = 0, publicExponent: exponent = 0n } = asymmetricKeyDetails ?? {};
  switch (asymmetricKeyType) {
    case 'rsa':
      return (
        bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && exponent >= RSA_EXPONENT_MIN && exponent <= RSA_EXPONENT_MAX
      );
    case 'ec':
      return CURVES.has(asymmetricKeyDetails?.namedCurve ?? '');
    case 'ed25519':
    case 'ed448':
      return true;
    default:
      return false;
  }
};
