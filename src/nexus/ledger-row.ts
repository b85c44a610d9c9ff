/**
 * Which ledger lies in this database: its id L, needed before any box can be opened. The row is not secret and not
 * believed by itself: every box and every hash binds L, and a node pins the first one that it unsealed.
 */
import { uuidBytes, uuidText } from '../crypto/bytes.js';
import { E } from '../fp.js';
import { type Query, query, type Runner } from '../sql.js';
import { LedgerRefused } from './believe.js';
import { readIfThere, writeWhole } from './durable-file.js';

const ledgerId: Query<string> = query(
  'ledger_id',
  ({ ledger_id }) => (typeof ledger_id === 'string' ? E.right(ledger_id) : E.left('a ledger row')),
  'select ledger_id from ledger',
);

/** L. Throws `LedgerRefused` when the database holds another ledger than the one this node belongs to. */
export const ledgerRow = async (runner: Runner, pinPath: string): Promise<Buffer> => {
  const [stored] = await runner.run(ledgerId);
  if (stored === undefined) throw new LedgerRefused('the database has events but no ledger id');
  const pinned = (await readIfThere(pinPath))?.trim() ?? null;
  if (pinned !== null && pinned !== stored)
    throw new LedgerRefused(
      `this node belongs to ledger ${pinned}, the database holds ledger ${stored}: connect the right database, or use another data folder`,
    );
  return uuidBytes(stored);
};

/** After the first unseal that believed everything. */
export const pinLedger = async (pinPath: string, ledger: Buffer): Promise<void> => {
  const pin = `${uuidText(ledger)}\n`;
  if ((await readIfThere(pinPath)) !== pin) await writeWhole(pinPath, pin);
};
