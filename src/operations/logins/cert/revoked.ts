/** Revocation lists of a cert mount: each under a name, believed because an authority of one of the mount's roles signed it. */
import type { Mount } from '../../../authority/mounts.js';
import type { Settings } from '../../../authority/settings.js';
import { IntegrityError } from '../../../ledger/integrity.js';
import type { Session } from '../../../nexus/session.js';
import { type Crl, readCrl } from '../../../x509/crl.js';
import { mountSettingsBelow } from '../mount-config.js';
import { trustOf } from './settings.js';

export const CRLS = 'crl/';
export const CRLS_MAX = 100;

const known = new WeakMap<Settings, Crl>();

export const crlOf = (settings: Settings): Crl => {
  const found = known.get(settings);
  if (found !== undefined) return found;
  const crl = typeof settings.crl === 'string' ? readCrl(settings.crl) : '';
  if (typeof crl === 'string') throw new IntegrityError('a revocation list');
  known.set(settings, crl);
  return crl;
};

export const crlSettings = (session: Session, mount: Mount): readonly Settings[] =>
  mountSettingsBelow(session, mount, CRLS).map(([, settings]) => settings);

export const isSignedByTrusted = (session: Session, mount: Mount, crl: Crl): boolean => {
  const authorities = [...session.authority.roles.of(mount.id)].flatMap(role => trustOf(role).authorities);
  return [...new Map(authorities.map(authority => [authority.fingerprint, authority])).values()].some(crl.signedBy);
};
