/** The head of the ledger as of now. */
import { type App, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import { operation } from '../operation.js';
import type { LedgerOperations } from './contract.js';

/** µs since 1970 as RFC 3339, milliseconds. */
export const rfc3339 = (us: number): string => new Date(us / 1000).toISOString();

export const headOperation = (app: App): LedgerOperations['head'] =>
  operation('reading the head', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'ledger.head', capability: 'read' });
    await session.catchUp();
    const { head } = session.known;
    return {
      position: head.size,
      root: head.root.toString('hex'),
      recorded_at: rfc3339(head.lastRecordedAt),
      ledger_id: session.custody.ledgerId,
      authority_count: head.authorityCount,
      epoch: head.epoch,
    };
  });
