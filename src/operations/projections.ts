/** Projections from outside: how far they are, rebuilt beside the live rows, compared with what the ledger gives. */
import { type App, refuse, sessionOf } from './app.js';
import { authorise } from './authorise.js';
import type { ProjectionOperations, ProjectionStatus } from './contract.js';
import { operation } from './operation.js';

/** What a projector offers to operations. */
export interface ProjectionControl {
  readonly names: readonly string[];
  status(head: number): Promise<readonly ProjectionStatus[]>;
  rebuild(name: string): Promise<{ readonly events: number; readonly seconds: number }>;
  verify(name: string): Promise<{ readonly rows: number; readonly differences: number; readonly position: number }>;
}

export const projectionOperations = (app: App, control: ProjectionControl): ProjectionOperations => ({
  status: operation('asking projections', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'projection.status', capability: 'read' });
    await session.catchUp();
    return control.status(session.known.head.size);
  }),

  rebuild: operation('rebuilding a projection', async (context, { name }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'projection.rebuild', capability: 'update' });
    return { name, ...(await control.rebuild(known(control, name))) };
  }),

  verify: operation('verifying projections', async (context, { name }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'projection.verify', capability: 'update' });
    const names = name === null ? control.names : [known(control, name)];
    const results = [];
    for (const each of names) results.push({ name: each, ...(await control.verify(each)) });
    return results;
  }),
});

const known = (control: ProjectionControl, name: string): string =>
  control.names.includes(name)
    ? name
    : refuse({ kind: 'invalid', message: `there is no such projection; there are ${control.names.join(', ')}` });
