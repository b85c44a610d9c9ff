/** From a place in the API to a mount and nodes: the path is checked before anything else is done with it. */
import type { Mount } from '../../authority/mounts.js';
import type { Capability } from '../../authority/permission.js';
import { segmentsOf } from '../../domain/secret/path.js';
import type { Failure } from '../../failure.js';
import { E, type Either } from '../../fp.js';
import type { NodePath } from '../../nexus/node-names.js';
import type { Session } from '../../nexus/session.js';
import { type App, Refused, refuse } from '../app.js';
import { type Asked, authorise, eitherWrite } from '../authorise.js';
import { orRefuse } from '../operation.js';
import type { Place, RequestContext } from '../request.js';
import { isVersion2 } from './mount-settings.js';

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

/** What is asked for a change before anybody looked whether there is something to change. */
export const eitherOf = (
  session: Session,
  context: RequestContext,
  { op, capability }: { readonly op: string; readonly capability: (exists: boolean) => Capability },
  place: Place,
): Asked => ({
  op,
  capability: capability(false) === 'create' ? eitherWrite(session, context) : capability(true),
  subject: subjectOf(place),
});

/** What is wrong with a place, or that its mount is gone, is said to whoever may ask for it, and to nobody else. */
export const placed = async <A>(
  app: App,
  session: Session,
  context: RequestContext,
  asked: () => Asked,
  find: () => A,
): Promise<A> => {
  try {
    return find();
  } catch (error) {
    if (error instanceof Refused) await authorise(app, session, context, asked());
    throw error;
  }
};

export const kvMount = (session: Session, path: string): Mount => {
  const mount = session.mount(path);
  return mount === null || !isKv(mount) ? refuse({ kind: 'no-mount', path }) : mount;
};

/** `generic` is version 1 by its older name. */
const KV_TYPES: ReadonlySet<string> = new Set(['kv', 'generic']);
export const isKv = ({ type }: Pick<Mount, 'type'>): boolean => KV_TYPES.has(type);

/** After lane 1 was folded: somebody may have disabled it meanwhile, moved it, or made it one of version 2. */
export const mountNow = ({ authority }: Session, mount: Mount): Either<Failure, Mount> => {
  const now = authority.mounts.still(mount);
  if (now === null) return E.left({ kind: 'no-mount', path: mount.path.slice(0, -1) });
  // In the other dialect the same path is another secret: the request is to be read again.
  return isVersion2(now) === isVersion2(mount) ? E.right(now) : E.left({ kind: 'busy', retryAfterSeconds: 1 });
};

export const stillMounted = (session: Session, mount: Mount): Mount => orRefuse(mountNow(session, mount));

/** Mount and path in full, as headers and audit records name it. */
export const subjectOf = ({ mount, path }: Place): string => `${mount}/${path}`;
