/** The operations of erasure, made of their parts. */
import type { App } from '../app.js';
import type { ProjectionReads } from '../projection-reads.js';
import { certificateOperation } from './certificate.js';
import type { ErasureOperations } from './contract.js';
import { eraseOperations } from './erase.js';
import { holdOperations } from './holds.js';
import { listErasuresOperation } from './list.js';
import { retentionOperations } from './retention.js';

export const erasureOperations = (app: App, projections: ProjectionReads): ErasureOperations => ({
  ...eraseOperations(app, projections),
  ...holdOperations(app),
  ...retentionOperations(app),
  certificate: certificateOperation(app),
  list: listErasuresOperation(app, projections),
});
