/** Whose certificate a connection showed, as the roles of a mount see it now. Also asked at the head, so it waits for nothing. */
import type { Role } from '../../../authority/logins.js';
import type { Mount } from '../../../authority/mounts.js';
import type { Session } from '../../../nexus/session.js';
import { type Certificate, readCertificate } from '../../../x509/certificate.js';
import { matchClient } from '../../../x509/client.js';
import { Shown } from '../../../x509/path.js';
import type { SpiffeId } from '../../../x509/svid.js';
import type { RequestContext } from '../../request.js';
import { recordOf } from '../records.js';
import { crlOf, crlSettings } from './revoked.js';
import { trustOf } from './settings.js';

export interface KnownClient {
  readonly role: Role;
  readonly leaf: Certificate;
  readonly svid: SpiffeId | null;
}

/** The dialect's words. */
const NO_TLS = 'tls connection not found';
const NO_CERTIFICATE = 'no client certificate found';
const NO_ROLE = 'no certificate was matched by this request';
const NO_CHAIN = 'invalid certificate or no client certificate supplied';
const NO_MATCH = 'no chain matching all constraints could be found for this login certificate';

/** A connection's certificates are read once, however often it logs in and renews. */
const read = new WeakMap<readonly Buffer[], readonly (Certificate | null)[]>();

const certificatesOf = (presented: readonly Buffer[]): readonly (Certificate | null)[] => {
  const certificates = read.get(presented) ?? presented.map(readCertificate);
  read.set(presented, certificates);
  return certificates;
};

const shownBy = (context: RequestContext, at: Date): Shown | string => {
  const presented = context.clientCertificates();
  if (presented === null) return NO_TLS;
  const [leaf, ...others] = certificatesOf(presented);
  if (leaf === undefined) return NO_CERTIFICATE;
  return leaf === null
    ? NO_CHAIN
    : new Shown(
        leaf,
        others.filter(certificate => certificate !== null),
        at,
      );
};

/** The roles that are asked: the one named, or all, by name. */
const candidates = (session: Session, mount: Mount, name: string | null): readonly Role[] => {
  if (name === null)
    return [...session.authority.roles.of(mount.id)].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const role = recordOf(session, 'role', mount, name);
  return role === null ? [] : [role];
};

/** A string: why it is nobody's here. */
export const clientOf = (
  session: Session,
  context: RequestContext,
  mount: Mount,
  name: string | null,
  at: Date,
): KnownClient | string => {
  const shown = shownBy(context, at);
  if (typeof shown === 'string') return shown;
  const roles = candidates(session, mount, name);
  if (roles.length === 0) return NO_ROLE;
  const revoked = crlSettings(session, mount).map(crlOf);
  let why = NO_CHAIN;
  for (const role of roles) {
    const match = matchClient(shown, trustOf(role), revoked);
    if (match.kind === 'matched') return { role, leaf: shown.leaf, svid: match.svid };
    if (match.kind === 'refused') why = NO_MATCH;
  }
  return why;
};

/**
 * What the holder is known by, whatever key and certificate they have today: the SPIFFE id, else the common name, else
 * the key itself. A common name that looks like an id is no id.
 */
export const aliasOf = ({ leaf, svid }: KnownClient): string => {
  if (svid !== null) return svid.text;
  const [common = ''] = leaf.names.common;
  return common === '' || /^(?:spiffe|key):/i.test(common) || common.length > 512
    ? `key:${leaf.keyFingerprint}`
    : common;
};
