/**
 * Where a token's own store lies: in the mount `cubbyhole/`, under the hex of the token's id, which no request can name.
 * Nothing here is a version that comes back: one is kept, and its key goes with it (events.md §2).
 */
import type { Mount } from '../../authority/mounts.js';
import type { Token } from '../../authority/tokens.js';
import { type Uuid, uuidText } from '../../crypto/bytes.js';
import type { MountSettings } from '../../domain/secret/decide.js';
import { segmentsOf } from '../../domain/secret/path.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse } from '../app.js';
import { authorise } from '../authorise.js';
import type { Located } from '../kv/place.js';
import type { RequestContext } from '../request.js';
import { findToken } from '../tokens/find.js';
import { paidBy } from '../tokens/spend.js';

export const CUBBYHOLE = 'cubbyhole';

export const SETTINGS: MountSettings = {
  ...{ maxVersions: 1, casRequired: false, metadataCasRequired: false, deleteVersionAfter: -1 },
};

export const cubbyholeMount = (session: Session): Mount =>
  session.mount(CUBBYHOLE) ?? refuse({ kind: 'no-mount', path: CUBBYHOLE });

/** The first segment, from the token's id and back; null: not one that was made so. */
export const segmentOf = (token: Uuid): string => token.replaceAll('-', '');
export const tokenOfSegment = (segment: string): Uuid | null =>
  /^[0-9a-f]{32}$/.test(segment) ? uuidText(Buffer.from(segment, 'hex')) : null;

export const locateIn = (session: Session, token: Uuid, path: string): Located => {
  const mount = cubbyholeMount(session);
  const segments = segmentsOf(path);
  if (path === '' || segments._tag === 'Left')
    return refuse({
      kind: 'invalid',
      message: segments._tag === 'Left' && path !== '' ? segments.left : 'missing path',
    });
  return { mount, path: session.names.resolve(mount, [segmentOf(token), ...segments.right]) };
};

/** As headers name it: whose it is says the token's id. */
export const subjectIn = (token: Uuid, path: string): string =>
  `${CUBBYHOLE}/${segmentOf(token)}/${path.replace(/\/$/, '')}`;

/** The caller's token, before anybody asked what it may do; refuses those that have no store. */
export const holderOf = async (app: App, session: Session, context: RequestContext, op: string): Promise<Token> => {
  const find = (): Token | null =>
    paidBy(context) ?? (context.token === null ? null : findToken(session, context.token, session.now()));
  let token = find();
  if (token === null) {
    await session.reader.refresh();
    token = find();
  }
  const found = token ?? (await authorise(app, session, context, { op, capability: 'read' })).token;
  return found.type === 'service'
    ? found
    : refuse({ kind: 'invalid', message: "cubbyhole operations are only supported by 'service' type tokens" });
};
