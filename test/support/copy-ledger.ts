/** A dump of a ledger, restored into a database of its own: every table of the ledger, row by row, through JSON. */
import { type TestDatabase, testDatabase } from './database.js';

const TABLES = ['ledger', 'events', 'batches', 'blocks', 'keys', 'slots', 'keyring'] as const;

export type Dump = ReadonlyMap<string, string>;

export const dumpLedger = async (db: TestDatabase): Promise<Dump> => {
  const client = await db.client();
  try {
    await client.query('begin isolation level repeatable read');
    const dump = new Map<string, string>();
    for (const table of TABLES) {
      const { rows } = await client.query(`select coalesce(json_agg(t), '[]')::text as rows from ${table} t`);
      dump.set(table, rows[0]?.rows);
    }
    return dump;
  } finally {
    await client.end();
  }
};

/** `without`: tables that stay empty. */
export const restoreDump = async (dump: Dump, without: readonly string[] = []): Promise<TestDatabase> => {
  const db = await testDatabase();
  const client = await db.client();
  try {
    for (const table of TABLES)
      if (!without.includes(table))
        await client.query(`insert into ${table} select * from json_populate_recordset(null::${table}, $1)`, [
          dump.get(table),
        ]);
  } finally {
    await client.end();
  }
  return db;
};
