/** From a place in the API to a mount and nodes: the path is checked before anything else is done with it. */
import type { Mount } from '../../authority/mounts.js';
import { segmentsOf } from '../../domain/secret/path.js';
import type { NodePath } from '../../nexus/node-names.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';
import type { Place } from '../contract.js';

export interface Located {
  readonly mount: Mount;
  readonly path: NodePath;
}

/** Refuses a path that breaks a rule (400) and a mount that is not there (404). */
export const locate = (session: Session, place: Place): Located => {
  const mount = kvMount(session, place.mount);
  const segments = segmentsOf(place.path);
  if (segments._tag === 'Left') return refuse({ kind: 'invalid', message: segments.left });
  return { mount, path: session.names.resolve(mount, segments.right) };
};

export const kvMount = (session: Session, path: string): Mount => {
  const mount = session.mount(path);
  return mount === null || !isKv(mount) ? refuse({ kind: 'no-mount', path }) : mount;
};

/** `generic` is version 1 by its older name. */
const KV_TYPES: ReadonlySet<string> = new Set(['kv', 'generic']);
export const isKv = ({ type }: Pick<Mount, 'type'>): boolean => KV_TYPES.has(type);

/** After lane 1 was folded: somebody may have disabled it meanwhile. */
export const stillMounted = (session: Session, { id, path }: Mount): Mount =>
  session.authority.mounts.byId(id) ?? refuse({ kind: 'no-mount', path });

/** Mount and path in full, as headers and audit records name it. */
export const subjectOf = ({ mount, path }: Place): string => `${mount}/${path}`;
