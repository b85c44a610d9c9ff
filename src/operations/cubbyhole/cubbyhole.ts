/** A token's own store: read, written, emptied, listed by nobody else, and gone with the token (vault-wire.md §6). */
import { erasing, replacing } from '../../domain/secret/sequence.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseFolded } from '../authorise.js';
import { namesIn } from '../kv/list.js';
import { openValue } from '../kv/values.js';
import { operation } from '../operation.js';
import type { ProjectionReads } from '../projection-reads.js';
import { isWrapping, RESPONSE } from '../wrapping/token.js';
import { readResponse } from '../wrapping/unwrap.js';
import { changeOwn } from './change.js';
import type { CubbyholeOperations } from './contract.js';
import { cubbyholeMount, holderOf, locateIn, segmentOf } from './place.js';
import { readStored } from './steps.js';

const VALUE_BYTES_MAX = 1024 * 1024;

export const cubbyholeOperations = (app: App, projections: ProjectionReads): CubbyholeOperations => ({
  read: operation('reading a cubbyhole', async (context, { path }) => {
    const session = sessionOf(app);
    const op = 'cubbyhole.read';
    const holder = await holderOf(app, session, context, op);
    // How clients unwrapped before there was a route for it: single use, like it.
    if (isWrapping(holder) && path.replace(/\/$/, '') === RESPONSE) return readResponse(app, session, context, holder);
    const { node } = locateIn(session, holder.id, path).path;
    const { state, written, keys, position } = await readStored(session, node);
    authoriseFolded(app, session, context, { op, capability: 'read' });
    if (written === null || state.head?.removed !== false) return refuse({ kind: 'absent' });
    return { position, value: openValue(session, written, { keys }).toString('utf8') };
  }),

  write: operation('writing to a cubbyhole', async (context, { path, data }) => {
    const plaintext = Buffer.from(data, 'utf8');
    if (plaintext.length > VALUE_BYTES_MAX)
      refuse({ kind: 'too-large', message: 'a secret may hold at most 1 MiB of JSON' });
    const { position } = await changeOwn(app, context, path, {
      op: 'cubbyhole.write',
      capability: exists => (exists ? 'update' : 'create'),
      ...{ steps: replacing, plaintext },
    });
    return { position: position ?? refuse({ kind: 'busy', retryAfterSeconds: 1 }) };
  }),

  remove: operation('emptying a cubbyhole', (context, { path }) =>
    changeOwn(app, context, path, { op: 'cubbyhole.delete', capability: () => 'delete', steps: erasing }),
  ),

  list: operation('listing a cubbyhole', async (context, { path, page }) => {
    const session = sessionOf(app);
    const op = 'cubbyhole.list';
    const holder = await holderOf(app, session, context, op);
    await authorise(app, session, context, { op, capability: 'list' });
    const folder = path.replace(/\/$/, '');
    const mount = cubbyholeMount(session);
    const own = session.names.resolve(mount, [segmentOf(holder.id)]).node;
    const parent = folder === '' ? own : locateIn(session, holder.id, folder).path.node;
    return namesIn(session, projections, { mount, parent, page });
  }),
});
