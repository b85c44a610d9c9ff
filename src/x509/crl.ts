/**
 * Lists of revoked certificates (RFC 5280 §5). A list is taken in when an authority that is trusted signed it, and whole:
 * one that speaks for a part only (delta lists, distribution points) is refused. What it names stays revoked until it is
 * replaced, also after its next update was due.
 */
import { verify } from 'node:crypto';
import * as asn1 from '@peculiar/asn1-x509';
import { type Certificate, serialText, Usage } from './certificate.js';
import { decodeWhole, encoded } from './der.js';
import { SIGNATURES } from './strength.js';

export interface Crl {
  /** DER of the issuer's name, hex. */
  readonly issuer: string;
  readonly serials: ReadonlySet<string>;
  readonly signedBy: (authority: Certificate) => boolean;
}

const CRL_BYTES_MAX = 128 * 1024;

/** PEM, or base64 of the DER. A string: what is wrong with it. */
export const readCrl = (text: string): Crl | string => {
  const inner = /^\s*-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----\s*$/.exec(text)?.[1] ?? text;
  const der = Buffer.from(inner, 'base64');
  if (der.length > CRL_BYTES_MAX) return 'a revocation list has 128 KiB at most';
  try {
    return decoded(decodeWhole(der, asn1.CertificateList));
  } catch {
    return 'failed to parse CRL: give one in PEM, or its DER in base64';
  }
};

const decoded = ({
  tbsCertList,
  tbsCertListRaw,
  signatureAlgorithm,
  signature,
}: asn1.CertificateList): Crl | string => {
  const entries = tbsCertList.revokedCertificates ?? [];
  const said = [...(tbsCertList.crlExtensions ?? []), ...entries.flatMap(entry => entry.crlEntryExtensions ?? [])];
  if (said.some(({ critical }) => critical))
    return 'this revocation list speaks for a part of what its authority issued: give a complete one';
  const signed = tbsCertListRaw === undefined ? null : Buffer.from(tbsCertListRaw);
  const issuer = encoded(tbsCertList.issuer).toString('hex');
  const hash = SIGNATURES.get(signatureAlgorithm.algorithm);
  return {
    issuer,
    serials: new Set(entries.map(({ userCertificate }) => serialText(userCertificate))),
    signedBy: authority => {
      if (hash === undefined || signed === null || authority.subject !== issuer) return false;
      if (authority.usage !== null && (authority.usage & Usage.crlSign) === 0) return false;
      try {
        return verify(hash, signed, authority.key, Buffer.from(signature));
      } catch {
        return false;
      }
    },
  };
};

export const isRevokedBy = (lists: readonly Crl[], path: readonly Certificate[]): boolean =>
  path.some(({ issuer, serial }) => lists.some(list => list.issuer === issuer && list.serials.has(serial)));
