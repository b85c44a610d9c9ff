/** Certificates in PEM, one or a bundle. Anything between them is a person's note, but never a private key. */
import { type Certificate, readCertificate } from './certificate.js';

const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

const BUNDLE_MAX = 64;
const BUNDLE_CHARACTERS_MAX = 128 * 1024;

/** A string: what is wrong with it. */
export const readBundle = (pem: string): readonly Certificate[] | string => {
  if (pem.length > BUNDLE_CHARACTERS_MAX) return 'a bundle has 128 KiB at most';
  if (pem.includes('PRIVATE KEY')) return 'a bundle holds certificates only: what was sent holds a private key';
  const blocks = [...pem.matchAll(BLOCK)];
  if (blocks.length === 0) return 'failed to parse certificate: give one or more certificates in PEM';
  if (blocks.length > BUNDLE_MAX) return `a bundle has ${BUNDLE_MAX} certificates at most`;
  const certificates = blocks.map(([, base64 = '']) => readCertificate(Buffer.from(base64, 'base64')));
  const read = certificates.filter(certificate => certificate !== null);
  return read.length === certificates.length ? read : 'failed to parse certificate: one of them cannot be read';
};
