/**
 * From a certificate to an authority that is trusted (RFC 5280 §6): every link signed, valid now, strong, allowed to stand
 * where it stands and to vouch for clients. What an authority demands and this does not evaluate refuses the path.
 */
import { type Certificate, Oid, Usage } from './certificate.js';
import { keyIsStrong, SIGNATURES } from './strength.js';

/** Certificates between the leaf and the trusted authority. */
const INTERMEDIATES_MAX = 6;
/**
 * Of what a client shows, so many chains are looked at, and so many signatures, of which a straight chain has one for each
 * link: look-alikes must not become work without end. Whether our own authorities signed it is asked more often.
 */
const CHAINS_MAX = 16;
const CHECKS_AMONG_SHOWN_MAX = 12;
const CHECKS_MAX = 64;

/** Leaf first, trusted authority last. */
export type Path = readonly [Certificate, ...Certificate[]];

const EVALUATED: ReadonlySet<string> = new Set([
  Oid.basicConstraints,
  Oid.keyUsage,
  Oid.extendedKeyUsage,
  Oid.subjectAltName,
]);

const isValidAt = ({ notBefore, notAfter }: Certificate, at: Date): boolean => notBefore <= at && at <= notAfter;

/** Name constraints are not evaluated, so an authority that is bound by them, critical or not, is not followed. */
const isUnderstood = ({ extensions }: Certificate): boolean =>
  extensions.every(({ oid, critical }) => oid !== Oid.nameConstraints && (!critical || EVALUATED.has(oid)));

const servesClients = ({ purposes }: Certificate): boolean =>
  purposes === null || purposes.includes(Oid.clientAuth) || purposes.includes(Oid.anyPurpose);

const may = ({ usage }: Certificate, flag: number): boolean => usage === null || (usage & flag) !== 0;

const standsAt = (certificate: Certificate, at: Date): boolean =>
  isValidAt(certificate, at) && keyIsStrong(certificate.key) && isUnderstood(certificate) && servesClients(certificate);

/** Fit to stand in a bundle: what is true of it now and always. When it is valid is asked at each login. */
export const mayBeTrusted = (certificate: Certificate): boolean =>
  keyIsStrong(certificate.key) && isUnderstood(certificate);

/** Fit to be presented by a client, whoever vouches for it. */
export const isClientLeaf = (certificate: Certificate, at: Date): boolean =>
  standsAt(certificate, at) && !certificate.isCa && may(certificate, Usage.digitalSignature);

/** `below`: the authorities between it and the leaf. */
const mayVouch = (certificate: Certificate, at: Date, below: number): boolean =>
  standsAt(certificate, at) &&
  certificate.isCa &&
  may(certificate, Usage.keyCertSign) &&
  (certificate.pathLength === null || below <= certificate.pathLength);

const isSignedBy = (certificate: Certificate, authority: Certificate): boolean => {
  try {
    return certificate.x509.verify(authority.key);
  } catch {
    return false;
  }
};

/** What a client showed: its leaf, and the chains that the rest makes of it. Found once, for all roles that it is held against. */
export class Shown {
  readonly #chains: Path[];
  readonly #signed = new Map<string, boolean>();
  #checksMax = CHECKS_AMONG_SHOWN_MAX;

  constructor(
    readonly leaf: Certificate,
    others: readonly Certificate[],
    readonly at: Date,
  ) {
    this.#chains = isClientLeaf(leaf, at) ? [[leaf]] : [];
    // The list grows while it is walked: shorter chains come first.
    for (const chain of this.#chains) {
      if (chain.length > INTERMEDIATES_MAX) break;
      for (const authority of others)
        if (this.#chains.length < CHAINS_MAX && !chain.includes(authority) && this.#vouches(authority, chain))
          this.#chains.push([...chain, authority]);
    }
    this.#checksMax = CHECKS_MAX;
  }

  /** Null: no chain ends at one of them. */
  pathTo(trusted: readonly Certificate[]): Path | null {
    for (const chain of this.#chains) {
      const anchor = trusted.find(authority => this.#vouches(authority, chain));
      if (anchor !== undefined) return [...chain, anchor];
    }
    return null;
  }

  #vouches(authority: Certificate, chain: Path): boolean {
    const last = chain.at(-1) ?? this.leaf;
    if (last.issuer !== authority.subject || !SIGNATURES.has(last.signedWith)) return false;
    if (!mayVouch(authority, this.at, chain.length - 1) || !last.x509.checkIssued(authority.x509)) return false;
    return this.#isSignedBy(last, authority);
  }

  /** Once for a key, however many certificates there are of it. */
  #isSignedBy(certificate: Certificate, authority: Certificate): boolean {
    const link = `${certificate.fingerprint} ${authority.keyFingerprint}`;
    const known = this.#signed.get(link);
    if (known !== undefined) return known;
    if (this.#signed.size >= this.#checksMax) return false;
    const found = isSignedBy(certificate, authority);
    this.#signed.set(link, found);
    return found;
  }
}
