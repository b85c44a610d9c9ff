/** The node as cluster tools ask about it (vault-wire.md §7.4). */
import { type App, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import { operation } from '../operation.js';
import type { NodeOperations } from './contract.js';

export const nodeOperations = (app: App): NodeOperations => ({
  members: operation('asking for nodes', async context => {
    await authorise(app, sessionOf(app), context, { op: 'sys.members', capability: 'read' });
    return [{ name: app.nodeId }];
  }),

  stepDown: operation('stepping down', async context => {
    await authorise(app, sessionOf(app), context, { op: 'sys.step-down', capability: 'update' });
    return null;
  }),
});
