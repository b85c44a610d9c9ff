/** All operations of a server, made of their parts: the one place that knows them all. */

import type { FetchJson } from '../outbound/fetch-json.js';
import { type App, sessionOf } from './app.js';
import { authenticate, authorise, eitherWrite } from './authorise.js';
import type { Operations } from './contract.js';
import { cubbyholeOperations } from './cubbyhole/cubbyhole.js';
import { administratorOperations } from './custody/administrators.js';
import { custodyOperations } from './custody/create.js';
import { epochOperations } from './epochs/operations.js';
import { erasureOperations } from './erasure/create.js';
import { configOperations } from './kv/config.js';
import { listOperation } from './kv/list.js';
import { metadataOperations } from './kv/metadata.js';
import { patchOperation } from './kv/patch.js';
import { readOperations } from './kv/read.js';
import { versionOperations } from './kv/versions.js';
import { writeOperation } from './kv/write.js';
import { eventsOperation } from './ledger/events.js';
import { headOperation } from './ledger/head.js';
import { permissionOperations } from './ledger/permissions.js';
import { restoreOperations } from './ledger/restore.js';
import { loginOperation } from './login.js';
import { appRoleOperations } from './logins/approle/index.js';
import { certOperations } from './logins/cert/index.js';
import { jwtOperations } from './logins/jwt/index.js';
import { userpassOperations } from './logins/userpass/index.js';
import { type MetricsParts, metricsOperation } from './metrics.js';
import { mountOperations, mountsOf } from './mounts/mounts.js';
import { moveOperations } from './mounts/move.js';
import { visibleOperations } from './mounts/visible.js';
import { operation } from './operation.js';
import { capabilitiesOperation } from './policies/capabilities.js';
import { policyOperations } from './policies/policies.js';
import type { ProjectionReads } from './projection-reads.js';
import { type ProjectionControl, projectionOperations } from './projections.js';
import { quotaOperations } from './quotas/quotas.js';
import { type InitCode, sysOperations } from './sys.js';
import { auditOperations } from './system/audit.js';
import { corsOperations } from './system/cors.js';
import { nodeOperations } from './system/node.js';
import { keysOperations } from './terms/operations.js';
import { leaseOperations, lookupSelfOperation, tokenOperations } from './tokens/index.js';
import { wrappingOperations } from './wrapping/index.js';

export interface OperationParts {
  readonly initCode: InitCode;
  readonly projectionReads: ProjectionReads;
  readonly projectionControl: ProjectionControl;
  readonly metrics: MetricsParts;
  /** Requests a second that one address may make without a token; 0 = any number. */
  readonly openRate: number;
  /** Rekeying and a new root token ask for shares alone. */
  readonly openRekey: boolean;
  readonly fetchJson: FetchJson;
}

export const createOperations = (app: App, parts: OperationParts): Operations => ({
  kv: {
    ...readOperations(app),
    write: writeOperation(app),
    ...versionOperations(app),
    ...metadataOperations(app),
    ...configOperations(app),
    patch: patchOperation(app),
    list: listOperation(app, parts.projectionReads),
  },
  cubbyhole: cubbyholeOperations(app, parts.projectionReads),
  wrapping: wrappingOperations(app),
  auth: { ...lookupSelfOperation(app), login: loginOperation(app) },
  tokens: tokenOperations(app),
  cert: certOperations(app),
  jwt: jwtOperations(app, parts.fetchJson),
  leases: leaseOperations(app),
  approle: appRoleOperations(app),
  userpass: userpassOperations(app),
  policies: { ...policyOperations(app), capabilities: capabilitiesOperation(app) },
  keys: keysOperations(app),
  epochs: epochOperations(app),
  sys: { ...sysOperations(app, parts.initCode), ...administratorOperations(app) },
  custody: custodyOperations(app, parts.openRekey),
  ledger: {
    head: headOperation(app),
    events: eventsOperation(app, parts.projectionReads),
    ...restoreOperations(app, parts.projectionReads),
    ...permissionOperations(app),
  },
  erasure: erasureOperations(app, parts.projectionReads),
  projections: projectionOperations(app, parts.projectionControl),
  sealed: () => app.nexus.session === null,
  mounts: () => (app.nexus.session === null ? [] : mountsOf(app.nexus.session)),
  mountsNow: async () => {
    const { session } = app.nexus;
    // A database that is away is said by whatever is asked next.
    await session?.reader.refresh().catch(() => undefined);
    return session === null ? [] : mountsOf(session);
  },
  mount: { ...mountOperations(app), ...moveOperations(app) },
  visible: visibleOperations(app),
  node: nodeOperations(app),
  audit: auditOperations(app),
  cors: corsOperations(app),
  quotas: quotaOperations(app, parts.openRate),
  known: operation('asking who somebody is', async context => {
    await authenticate(app, sessionOf(app), context, 'sys.help');
    return null;
  }),
  permitted: operation('asking for permission', async (context, { capability: asked }) => {
    const session = sessionOf(app);
    const capability = asked === 'write' ? eitherWrite(session, context) : asked;
    await authorise(app, session, context, { op: `${context.method} request`, capability });
    return null;
  }),
  metrics: metricsOperation(app, parts.metrics),
});
