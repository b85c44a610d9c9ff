/** Filters of the audit trail, on what was opened: an index only narrows down what is looked at. */
import type { Uuid } from '../../crypto/bytes.js';
import { segmentsOf } from '../../domain/secret/path.js';
import type { Session } from '../../nexus/session.js';
import { isVersion2 } from '../kv/mount-settings.js';
import { isKv } from '../kv/place.js';
import type { AuditRecord, EventsQuery } from './contract.js';

const API_WORDS = new Set(['data', 'metadata', 'delete', 'undelete', 'destroy']);

/** `secret/data/team/db`, as the API names it, and `secret/team/db` are the same secret: the latter is what is recorded. */
export const normalPrefix = (session: Session, prefix: string | null): string | null => {
  if (prefix === null || prefix === '') return null;
  const { mounts } = session.authority;
  const versioned = [...mounts.all.filter(isVersion2).map(({ path }) => path), ...mounts.formerPaths];
  const path = versioned.find(known => prefix.startsWith(known));
  if (path === undefined) return prefix;
  const [first, ...rest] = prefix.slice(path.length).split('/');
  return first !== undefined && API_WORDS.has(first) && rest.length > 0 ? path + rest.join('/') : prefix;
};

/**
 * The node that a prefix inside a mount of secrets names: what the audit index can look under. Null: all has to be looked at,
 * also where another mount was before.
 */
export const kvPrefix = (session: Session, prefix: string | null): Uuid | null => {
  if (prefix === null) return null;
  const { mounts } = session.authority;
  for (const former of mounts.formerPaths)
    if (`${prefix}/`.startsWith(former) || former.startsWith(`${prefix.replace(/\/$/, '')}/`)) return null;
  const mount = mounts.all.find(known => isKv(known) && `${prefix}/`.startsWith(known.path));
  if (mount === undefined) return null;
  const inside = prefix.slice(mount.path.length);
  if (inside === '' || inside === '/') return mount.id;
  const segments = segmentsOf(inside);
  return segments._tag === 'Left' ? null : session.names.resolve(mount, segments.right).node;
};

export const matches = (session: Session, record: AuditRecord, query: EventsQuery): boolean =>
  (query.outcome === null || record.outcome === query.outcome) &&
  (query.type === null || record.type === query.type) &&
  (query.pathPrefix === null || isUnder(record.path, query.pathPrefix)) &&
  (query.actor === null || isActor(session, record, query.actor));

const isUnder = (path: string | null, prefix: string): boolean => {
  if (path === null) return false;
  const folder = prefix.endsWith('/') ? prefix : `${prefix}/`;
  return path === prefix || `${path}/` === folder || path.startsWith(folder);
};

const isActor = (session: Session, record: AuditRecord, wanted: string): boolean =>
  record.actor !== null && session.entityNames.find(wanted).includes(record.actor.id);
