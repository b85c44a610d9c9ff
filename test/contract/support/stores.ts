/** What of the tokens' own stores lies in the database and beside it: key rows, events, the erasure list. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestCluster, TestNode } from '../../support/cluster.js';

export interface Store {
  /** Key rows of secrets. */
  keys(): Promise<number>;
  /** Types of the events of the stream that has one at `position`, in order. */
  typesOf(position: number): Promise<readonly string[]>;
  /** Types of the events of that commit, in order. */
  batchOf(position: number): Promise<readonly string[]>;
  /** Keys on the nodes' erasure lists: every node lists what any of them destroyed, some sooner than others. */
  erased(...others: readonly TestNode[]): number;
  /** Every row of every table as text, bytes as what they are. */
  dump(): Promise<string>;
}

const UNTIL_MS_MAX = 20_000;

/** Waits until it is so many; fails after a bound. */
export const untilIs = async (count: number, find: () => Promise<number> | number): Promise<void> => {
  for (const until = Date.now() + UNTIL_MS_MAX; ; await new Promise(resolve => setTimeout(resolve, 50))) {
    const found = await find();
    if (found === count) return;
    if (Date.now() > until) throw new Error(`${found}, not ${count}`);
  }
};

export const storeRows = async (cluster: TestCluster): Promise<Store> => {
  const client = await cluster.db.client();
  const types = async (where: string, position: number): Promise<readonly string[]> =>
    (await client.query(`select type from events where ${where} order by position`, [position])).rows.map(
      ({ type }) => type,
    );
  const keys = async (): Promise<number> =>
    Number((await client.query('select count(*) as n from keys where kind = 1')).rows[0].n);
  return {
    keys,
    typesOf: position => types('stream_id = (select stream_id from events where position = $1)', position),
    batchOf: position =>
      types(
        `position > (select prev_size from batches where size >= $1 order by size limit 1)
           and position <= (select min(size) from batches where size >= $1)`,
        position,
      ),
    erased: (...others) => {
      const lines = [cluster.node, ...others].flatMap(({ folder }) => {
        const list = join(folder, 'erasure-list');
        return existsSync(list) ? readFileSync(list, 'utf8').trim().split('\n') : [];
      });
      // Hex of a position of eight bytes, then the key's id.
      return new Set(lines.map(line => line.slice(16, 48))).size;
    },
    dump: async () => {
      const texts: string[] = [];
      const { rows: tables } = await client.query(
        `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname like '${cluster.db.schema}%'`,
      );
      for (const { name } of tables)
        for (const row of (await client.query(`select * from ${name}`)).rows)
          for (const value of Object.values(row))
            texts.push(Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value));
      return texts.join('\n');
    },
  };
};
