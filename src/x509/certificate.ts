/**
 * A certificate, read once: OpenSSL keeps its bytes, checks its signature and holds its key; the fields that decide whether
 * it is believed are decoded here. What cannot be read whole is not a certificate.
 */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import * as asn1 from '@peculiar/asn1-x509';
import { decodeWhole, encoded } from './der.js';

export interface Names {
  readonly common: readonly string[];
  readonly units: readonly string[];
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

export interface Certificate {
  readonly der: Buffer;
  /** SHA-256 of it, hex. */
  readonly fingerprint: string;
  /** SHA-256 of its public key, hex. */
  readonly keyFingerprint: string;
  readonly x509: X509Certificate;
  readonly key: KeyObject;
  /** OID of the algorithm that signed it. */
  readonly signedWith: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly isCa: boolean;
  /** How many authorities may stand between this one and a leaf; null: any number. */
  readonly pathLength: number | null;
  /** Flags of `KeyUsage`; null: it says nothing. */
  readonly usage: number | null;
  /** OIDs; null: it says nothing. */
  readonly purposes: readonly string[] | null;
  readonly names: Names;
  /** Lower-case hex, without leading zeros but for zero itself. */
  readonly serial: string;
  /** DER of the names, hex: who signed it, and who it is. */
  readonly issuer: string;
  readonly subject: string;
  /** Hex; '' where it has none. */
  readonly subjectKeyId: string;
  readonly authorityKeyId: string;
  readonly extensions: readonly Extension[];
}

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Buffer;
}

export const Usage = {
  digitalSignature: asn1.KeyUsageFlags.digitalSignature,
  keyCertSign: asn1.KeyUsageFlags.keyCertSign,
  crlSign: asn1.KeyUsageFlags.cRLSign,
} as const;

export const Oid = {
  basicConstraints: asn1.id_ce_basicConstraints,
  keyUsage: asn1.id_ce_keyUsage,
  extendedKeyUsage: asn1.id_ce_extKeyUsage,
  subjectAltName: asn1.id_ce_subjectAltName,
  nameConstraints: asn1.id_ce_nameConstraints,
  clientAuth: asn1.id_kp_clientAuth,
  serverAuth: asn1.id_kp_serverAuth,
  anyPurpose: asn1.anyExtendedKeyUsage,
} as const;

const COMMON_NAME = '2.5.4.3';
const ORGANIZATIONAL_UNIT = '2.5.4.11';

/** Of DER. Null: not a certificate, or one that says a thing twice. */
export const readCertificate = (bytes: Buffer): Certificate | null => {
  try {
    return decoded(new X509Certificate(bytes));
  } catch {
    return null;
  }
};

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const hex = (bytes: ArrayBuffer | Buffer): string => Buffer.from(new Uint8Array(bytes)).toString('hex');

export const serialText = (bytes: ArrayBuffer): string => hex(bytes).replace(/^(?:00)+(?=..)/, '');

const decoded = (x509: X509Certificate): Certificate | null => {
  const der = x509.raw;
  const { tbsCertificate: tbs, signatureAlgorithm } = decodeWhole(der, asn1.Certificate);
  const extensions = [...(tbs.extensions ?? [])].map(({ extnID, critical, extnValue }) => ({
    oid: extnID,
    critical,
    value: Buffer.from(extnValue.buffer),
  }));
  if (new Set(extensions.map(({ oid }) => oid)).size !== extensions.length) return null;
  // Two fields name the algorithm: only one of them is signed.
  if (tbs.signature.algorithm !== signatureAlgorithm.algorithm) return null;
  const inside = <T>(oid: string, type: new () => T): T | null => {
    const found = extensions.find(extension => extension.oid === oid);
    return found === undefined ? null : decodeWhole(found.value, type);
  };
  const constraints = inside(Oid.basicConstraints, asn1.BasicConstraints);
  const purposes = inside(Oid.extendedKeyUsage, asn1.ExtendedKeyUsage);
  const authorityKey = inside(asn1.id_ce_authorityKeyIdentifier, asn1.AuthorityKeyIdentifier)?.keyIdentifier;
  return {
    ...{
      der,
      fingerprint: digest(der),
      keyFingerprint: digest(x509.publicKey.export({ type: 'spki', format: 'der' })),
      x509,
      key: x509.publicKey,
      signedWith: signatureAlgorithm.algorithm,
      extensions,
    },
    notBefore: tbs.validity.notBefore.getTime(),
    notAfter: tbs.validity.notAfter.getTime(),
    isCa: constraints?.cA ?? false,
    pathLength: constraints?.pathLenConstraint ?? null,
    usage: inside(Oid.keyUsage, asn1.KeyUsage)?.toNumber() ?? null,
    purposes: purposes === null ? null : [...purposes],
    names: namesOf(tbs.subject, inside(Oid.subjectAltName, asn1.SubjectAlternativeName)),
    serial: serialText(tbs.serialNumber),
    issuer: hex(encoded(tbs.issuer)),
    subject: hex(encoded(tbs.subject)),
    subjectKeyId: hex(inside(asn1.id_ce_subjectKeyIdentifier, asn1.SubjectKeyIdentifier)?.buffer ?? Buffer.alloc(0)),
    authorityKeyId: hex(authorityKey?.buffer ?? Buffer.alloc(0)),
  };
};

const namesOf = (subject: asn1.Name, alternative: asn1.SubjectAlternativeName | null): Names => {
  const said = (type: string): readonly string[] =>
    [...subject].flatMap(part => [...part].filter(entry => entry.type === type).map(entry => entry.value.toString()));
  const also = (name: (entry: asn1.GeneralName) => string | undefined): readonly string[] =>
    [...(alternative ?? [])].flatMap(entry => name(entry) ?? []);
  return {
    common: said(COMMON_NAME),
    units: said(ORGANIZATIONAL_UNIT),
    dns: also(entry => entry.dNSName),
    emails: also(entry => entry.rfc822Name),
    uris: also(entry => entry.uniformResourceIdentifier),
  };
};
