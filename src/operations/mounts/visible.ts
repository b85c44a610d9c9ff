/** Which mounts a caller can see who may not list them, and which rules are theirs (vault-wire.md §8.5). */
import type { Grant } from '../../policies/acl.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authenticate, authorise } from '../authorise.js';
import { operation } from '../operation.js';
import type { VisibleOperations } from './contract.js';
import { mountsOf } from './mounts.js';

/** Of a caller's own rules in one answer. */
const GRANTS_MAX = 10_000;

export const visibleOperations = (app: App): VisibleOperations => ({
  mountAt: operation('asking for a mount', async (context, { path }) => {
    const session = sessionOf(app);
    const token = await authenticate(app, session, context, 'mount.look');
    const mount = mountsOf(session).find(each => `${path}/`.startsWith(`${each.path}/`));
    if (mount === undefined) return null;
    return session.authority.permissionOf(token).reaches(mount.path) ? mount : null;
  }),

  mounts: operation('asking for mounts', async context => {
    const session = sessionOf(app);
    if (context.token === null) {
      await session.reader.refresh();
      const shown = mountsOf(session).filter(({ config }) => config.listing_visibility === 'unauth');
      return { known: false, mounts: shown };
    }
    const permission = session.authority.permissionOf(await authenticate(app, session, context, 'mount.look'));
    return { known: true, mounts: mountsOf(session).filter(({ path }) => permission.reaches(path)) };
  }),

  grants: operation('asking for one’s own rules', async context => {
    const session = sessionOf(app);
    const { token } = await authorise(app, session, context, { op: 'policy.own', capability: 'read' });
    const permission = session.authority.permissionOf(token);
    if (permission.isRoot) return null;
    const grants: Grant[] = [];
    for (const grant of permission.grants()) {
      if (grants.length === GRANTS_MAX)
        refuse({ kind: 'invalid', message: `these policies have more than ${GRANTS_MAX} rules: read them one by one` });
      grants.push(grant);
    }
    return grants;
  }),
});
