/** SPIFFE: what an id looks like, and what makes a certificate an X.509-SVID (X509-SVID §2–§5). */
import { type Certificate, Oid, Usage } from './certificate.js';
import type { Path } from './path.js';

const SCHEME = /^spiffe:/i;
const ID_BYTES_MAX = 2048;
const TRUST_DOMAIN_BYTES_MAX = 255;
const ID = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[A-Za-z0-9._-]+)*)$/;

export interface SpiffeId {
  readonly text: string;
  readonly trustDomain: string;
  /** With its leading slash; '' for the trust domain itself. */
  readonly path: string;
}

/** Null: not an id as SPIFFE-ID §2 writes them. */
export const parseSpiffeId = (text: string): SpiffeId | null => {
  const [, trustDomain = '', path = ''] = ID.exec(text) ?? [];
  if (trustDomain === '' || text.length > ID_BYTES_MAX || trustDomain.length > TRUST_DOMAIN_BYTES_MAX) return null;
  return /\/\.\.?(?:\/|$)/.test(path) ? null : { text, trustDomain, path };
};

export const claimsSpiffe = ({ names }: Certificate): boolean => names.uris.some(uri => SCHEME.test(uri));

/** The id of a leaf that keeps all rules of an SVID; null: it keeps not all of them. */
const leafId = (leaf: Certificate): SpiffeId | null => {
  const [uri, ...others] = leaf.names.uris;
  const { usage, purposes } = leaf;
  if (uri === undefined || others.length > 0 || leaf.isCa || usage === null) return null;
  if ((usage & Usage.digitalSignature) === 0 || (usage & (Usage.keyCertSign | Usage.crlSign)) !== 0) return null;
  if (purposes !== null && !(purposes.includes(Oid.clientAuth) && purposes.includes(Oid.serverAuth))) return null;
  const id = parseSpiffeId(uri);
  return id === null || id.path === '' ? null : id;
};

/** An authority of an SVID says that it signs, and an id of its own is that of the leaf's trust domain. */
const signsFor = (authority: Certificate, trustDomain: string): boolean =>
  authority.usage !== null &&
  (authority.usage & Usage.keyCertSign) !== 0 &&
  authority.names.uris.filter(uri => SCHEME.test(uri)).every(uri => uri === `spiffe://${trustDomain}`);

export const svidOf = ([leaf, ...authorities]: Path): SpiffeId | null => {
  const id = leafId(leaf);
  return id !== null && authorities.every(authority => signsFor(authority, id.trustDomain)) ? id : null;
};

/** The trust domain that a pattern of ids is about; null: it does not name one in full. */
export const patternTrustDomain = (pattern: string): string | null => {
  const [, trustDomain] = /^spiffe:\/\/([a-z0-9._-]{1,255})\/./.exec(pattern) ?? [];
  return trustDomain ?? null;
};

export const isSpiffePattern = (pattern: string): boolean => SCHEME.test(pattern);
