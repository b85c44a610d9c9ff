/** Certificates and revocation lists made in the test, good ones and bad ones: whatever a case says wins over what is usual. */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as asn1 from '@peculiar/asn1-x509';

const DAY_MS = 86_400_000;
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const ECDSA_SHA1 = '1.2.840.10045.4.1';

export interface Authority {
  readonly name: string;
  readonly pem: string;
  readonly key: KeyObject;
}

export interface Issued extends Authority {
  readonly der: Buffer;
  readonly keyPem: string;
  readonly serial: string;
}

export interface CertificateCase {
  readonly name?: string;
  readonly units?: readonly string[];
  /** Absent: it signs itself. */
  readonly by?: Authority;
  readonly ca?: boolean;
  readonly pathLength?: number;
  /** null: says nothing. */
  readonly usage?: number | null;
  readonly purposes?: readonly string[] | null;
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  readonly emails?: readonly string[];
  readonly addresses?: readonly string[];
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly key?: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  readonly sha1?: boolean;
  /** False: it names neither its own key nor that of who signed it. */
  readonly keyIds?: boolean;
  readonly extensions?: readonly asn1.Extension[];
}

export const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

export const extension = (oid: string, critical: boolean, value: unknown): asn1.Extension =>
  new asn1.Extension({
    extnID: oid,
    critical,
    extnValue: new OctetString(value instanceof Uint8Array ? value : AsnConvert.serialize(value)),
  });

const nameOf = (common: string, units: readonly string[]): asn1.Name =>
  new asn1.Name(
    [...units.map(unit => ['2.5.4.11', unit] as const), ...(common === '' ? [] : [['2.5.4.3', common] as const])].map(
      ([type, text]) =>
        new asn1.RelativeDistinguishedName([
          new asn1.AttributeTypeAndValue({ type, value: new asn1.AttributeValue({ utf8String: text }) }),
        ]),
    ),
  );

const pemOf = (label: string, der: ArrayBuffer | Buffer): string => {
  const lines =
    Buffer.from(new Uint8Array(der))
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
};

const keyId = (key: KeyObject): OctetString =>
  new OctetString(key.export({ type: 'spki', format: 'der' }).subarray(-20));

const alternatives = ({
  uris = [],
  dns = [],
  emails = [],
  addresses = [],
}: CertificateCase): readonly asn1.GeneralName[] => [
  ...uris.map(text => new asn1.GeneralName({ uniformResourceIdentifier: text })),
  ...dns.map(text => new asn1.GeneralName({ dNSName: text })),
  ...emails.map(text => new asn1.GeneralName({ rfc822Name: text })),
  ...addresses.map(text => new asn1.GeneralName({ iPAddress: text })),
];

const usualUsage = (ca: boolean): number =>
  ca ? asn1.KeyUsageFlags.keyCertSign | asn1.KeyUsageFlags.cRLSign : asn1.KeyUsageFlags.digitalSignature;

const extensionsOf = (made: CertificateCase, publicKey: KeyObject, signer: KeyObject): asn1.Extensions => {
  const { ca = false, pathLength, usage = usualUsage(ca), purposes = null, keyIds = true } = made;
  const names = alternatives(made);
  return new asn1.Extensions([
    extension(
      asn1.id_ce_basicConstraints,
      true,
      new asn1.BasicConstraints({ cA: ca, ...(pathLength === undefined ? {} : { pathLenConstraint: pathLength }) }),
    ),
    ...(usage === null ? [] : [extension(asn1.id_ce_keyUsage, true, new asn1.KeyUsage(usage))]),
    ...(purposes === null ? [] : [extension(asn1.id_ce_extKeyUsage, false, new asn1.ExtendedKeyUsage([...purposes]))]),
    ...(names.length === 0
      ? []
      : [extension(asn1.id_ce_subjectAltName, false, new asn1.SubjectAlternativeName([...names]))]),
    ...(keyIds
      ? [
          extension(asn1.id_ce_subjectKeyIdentifier, false, new asn1.SubjectKeyIdentifier(keyId(publicKey).buffer)),
          extension(
            asn1.id_ce_authorityKeyIdentifier,
            false,
            new asn1.AuthorityKeyIdentifier({
              keyIdentifier: new asn1.KeyIdentifier(keyId(createPublicKey(signer)).buffer),
            }),
          ),
        ]
      : []),
    ...(made.extensions ?? []),
  ]);
};

export const issue = (made: CertificateCase = {}): Issued => {
  const { name = 'leaf', units = [], by, sha1 = false, key = newKey() } = made;
  const signer = by?.key ?? key.privateKey;
  const serial = Buffer.concat([Buffer.of(0x40), randomBytes(15)]);
  const algorithm = new asn1.AlgorithmIdentifier({ algorithm: sha1 ? ECDSA_SHA1 : ECDSA_SHA256 });
  const tbs = new asn1.TBSCertificate({
    version: asn1.Version.v3,
    serialNumber: arrayOf(serial),
    signature: algorithm,
    issuer: by === undefined ? nameOf(name, units) : nameOf(by.name, []),
    validity: new asn1.Validity({
      notBefore: new Date(made.fromMs ?? Date.now() - DAY_MS),
      notAfter: new Date(made.toMs ?? Date.now() + DAY_MS),
    }),
    subject: nameOf(name, units),
    subjectPublicKeyInfo: AsnConvert.parse(
      key.publicKey.export({ type: 'spki', format: 'der' }),
      asn1.SubjectPublicKeyInfo,
    ),
    extensions: extensionsOf(made, key.publicKey, signer),
  });
  const signed = Buffer.from(AsnConvert.serialize(tbs));
  const der = Buffer.from(
    AsnConvert.serialize(
      new asn1.Certificate({
        tbsCertificate: tbs,
        signatureAlgorithm: algorithm,
        signatureValue: arrayOf(sign(sha1 ? 'sha1' : 'sha256', signed, signer)),
      }),
    ),
  );
  return {
    ...{ name, der, key: key.privateKey, pem: pemOf('CERTIFICATE', der), serial: serial.toString('hex') },
    keyPem: String(key.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
};

const arrayOf = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;

export interface ListCase {
  readonly extensions?: asn1.Extension[];
  /** False: it does not say when the next one comes. */
  readonly next?: boolean;
}

export const revocationList = (
  by: Authority,
  serials: readonly string[],
  { extensions = [], next = true }: ListCase = {},
): string => {
  const algorithm = new asn1.AlgorithmIdentifier({ algorithm: ECDSA_SHA256 });
  const tbs = new asn1.TBSCertList({
    version: asn1.Version.v2,
    signature: algorithm,
    issuer: nameOf(by.name, []),
    thisUpdate: new asn1.Time(new Date()),
    ...(next ? { nextUpdate: new asn1.Time(new Date(Date.now() + DAY_MS)) } : {}),
    ...(serials.length === 0
      ? {}
      : {
          revokedCertificates: serials.map(
            serial =>
              new asn1.RevokedCertificate({
                userCertificate: arrayOf(Buffer.from(serial, 'hex')),
                revocationDate: new asn1.Time(new Date()),
              }),
          ),
        }),
    ...(extensions.length === 0 ? {} : { crlExtensions: extensions }),
  });
  const signature = arrayOf(sign('sha256', Buffer.from(AsnConvert.serialize(tbs)), by.key));
  return pemOf(
    'X509 CRL',
    AsnConvert.serialize(new asn1.CertificateList({ tbsCertList: tbs, signatureAlgorithm: algorithm, signature })),
  );
};

/** An authority, and what it usually issues to a workload. */
export const trustDomain = (name: string, made: CertificateCase = {}) => {
  const authority = issue({ name: `${name} authority`, ca: true, uris: [`spiffe://${name}`], ...made });
  return {
    authority,
    svid: (path: string, more: CertificateCase = {}): Issued =>
      issue({ name: '', by: authority, uris: [`spiffe://${name}${path}`], ...more }),
  };
};
