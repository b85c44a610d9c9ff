/** Where a node keeps what must not be in the database. All of it lies in the data folder unless a setting says otherwise. */
import { join } from 'node:path';

export interface NodeFiles {
  readonly folder: string;
  /** The ledger this node belongs to: a substituted database is refused. */
  readonly ledgerId: string;
  /** Null: another process of this node keeps it. */
  readonly anchor: string | null;
  /** E[term], a line for each. */
  readonly erasureKeys: string;
  /** What was destroyed, to be applied after any restore. */
  readonly erasureList: string;
  /** Up to which event the ledger was looked through for it. */
  readonly erasureListSeen: string;
  /** What `operator recover` says of a key store that is newer than its ledger. */
  readonly recovered: string;
  readonly spool: string;
  /** 32 bytes that open the dev slot. */
  readonly devKey: string;
}

export const nodeFiles = (folder: string): NodeFiles => ({
  folder,
  ledgerId: join(folder, 'ledger-id'),
  anchor: join(folder, 'anchor.json'),
  erasureKeys: join(folder, 'erasure-keys'),
  erasureList: join(folder, 'erasure-list'),
  erasureListSeen: join(folder, 'erasure-list-seen'),
  recovered: join(folder, 'recovered-key-store'),
  spool: join(folder, 'spool.ndjson'),
  devKey: join(folder, 'dev.key'),
});
