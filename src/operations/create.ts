/** All operations of a server, made of their parts: the one place that knows them all. */

import { type App, sessionOf } from './app.js';
import { authorise } from './authorise.js';
import type { MountView, Operations } from './contract.js';
import { listOperation } from './kv/list.js';
import { metadataOperation } from './kv/metadata.js';
import { readOperations } from './kv/read.js';
import { versionOperations } from './kv/versions.js';
import { writeOperation } from './kv/write.js';
import { eventsOperation } from './ledger/events.js';
import { headOperation } from './ledger/head.js';
import { permissionOperations } from './ledger/permissions.js';
import { restoreOperations } from './ledger/restore.js';
import { loginOperation } from './login.js';
import { type MetricsParts, metricsOperation } from './metrics.js';
import { operation } from './operation.js';
import { capabilitiesOperation } from './policies/capabilities.js';
import { policyOperations } from './policies/policies.js';
import type { ProjectionReads } from './projection-reads.js';
import { type ProjectionControl, projectionOperations } from './projections.js';
import { slotOperations } from './slots.js';
import { type InitCode, sysOperations } from './sys.js';
import { leaseOperations, lookupSelfOperation, tokenOperations } from './tokens/index.js';

export interface OperationParts {
  readonly initCode: InitCode;
  readonly projectionReads: ProjectionReads;
  readonly projectionControl: ProjectionControl;
  readonly metrics: MetricsParts;
}

export const createOperations = (app: App, parts: OperationParts): Operations => ({
  kv: {
    ...readOperations(app),
    write: writeOperation(app),
    ...versionOperations(app),
    writeMetadata: metadataOperation(app),
    list: listOperation(app, parts.projectionReads),
  },
  auth: { ...lookupSelfOperation(app), login: loginOperation(app) },
  tokens: tokenOperations(app),
  leases: leaseOperations(app),
  policies: { ...policyOperations(app), capabilities: capabilitiesOperation(app) },
  sys: { ...sysOperations(app, parts.initCode), ...slotOperations(app) },
  ledger: {
    head: headOperation(app),
    events: eventsOperation(app, parts.projectionReads),
    ...restoreOperations(app, parts.projectionReads),
    ...permissionOperations(app),
  },
  projections: projectionOperations(app, parts.projectionControl),
  mounts: () => mountViews(app),
  permitted: operation('asking for permission', async (context, { capability }) => {
    await authorise(app, sessionOf(app), context, { op: `${context.method} request`, capability });
    return null;
  }),
  metrics: metricsOperation(app, parts.metrics),
});

/** The mounts of the ledger, and the two login methods that every ledger has. */
const mountViews = (app: App): readonly MountView[] => {
  const { session } = app.nexus;
  if (session === null) return [];
  const stored = session.authority.mounts.all.flatMap(({ path, type, options, description }): MountView[] =>
    type === 'kv' || type === 'system' || type === 'cubbyhole'
      ? [{ path: path.slice(0, -1), type, options, description }]
      : [],
  );
  return [...stored, ...AUTH_MOUNTS];
};

const AUTH_MOUNTS: readonly MountView[] = [
  { path: 'auth/token', type: 'token', options: {}, description: 'token based credentials' },
  { path: 'auth/userpass', type: 'userpass', options: {}, description: 'names and passwords of administrators' },
];
