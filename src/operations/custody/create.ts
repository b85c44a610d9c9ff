/** Everything about who opens the ledger, as one part of the operations. */
import type { App } from '../app.js';
import { backupOperations } from './backup.js';
import type { CustodyOperations } from './contract.js';
import { generateRootOperations } from './generate-root.js';
import { rekeyOperations } from './rekey.js';
import { rootRotationOperations } from './rotate-root.js';
import { slotOperations } from './slots.js';

export const custodyOperations = (app: App, openRekey: boolean): CustodyOperations => ({
  ...slotOperations(app),
  ...rekeyOperations(app, openRekey),
  ...backupOperations(app),
  ...generateRootOperations(app, openRekey),
  ...rootRotationOperations(app),
});
