/**
 * DER, decoded whole: what is read must be all that was written. A decoder that passes over what it does not expect would
 * make a list of revoked certificates empty, so each value is encoded again and compared.
 */
import { AsnConvert } from '@peculiar/asn1-schema';

export const encoded = (value: unknown): Buffer => Buffer.from(new Uint8Array(AsnConvert.serialize(value)));

/** Throws where `bytes` are not exactly one value of that type. */
export const decodeWhole = <T>(bytes: Buffer, type: new () => T): T => {
  const value = AsnConvert.parse(bytes, type);
  if (!encoded(value).equals(bytes)) throw new RangeError('this holds more than its fields, or is not DER');
  return value;
};
