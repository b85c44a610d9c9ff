/** What of the tokens' own stores lies in the database and beside it: key rows, events, the erasure list. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestCluster } from '../../support/cluster.js';

export interface Store {
  /** Key rows of secrets. */
  keys(): Promise<number>;
  /** Waits until there are so many; fails after a bound. */
  untilKeys(count: number): Promise<void>;
  /** Types of the events of the stream that has one at `position`, in order. */
  typesOf(position: number): Promise<readonly string[]>;
  /** Types of the events of that commit, in order. */
  batchOf(position: number): Promise<readonly string[]>;
  /** Lines of the first node's erasure list. */
  erased(): number;
  /** Every row of the ledger's tables as text, bytes as what they are. */
  dump(): Promise<string>;
}

const SWEPT_MS_MAX = 20_000;

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
    untilKeys: async count => {
      for (const until = Date.now() + SWEPT_MS_MAX; ; await new Promise(resolve => setTimeout(resolve, 50))) {
        const found = await keys();
        if (found === count) return;
        if (Date.now() > until) throw new Error(`${found} key rows are there, not ${count}`);
      }
    },
    typesOf: position => types('stream_id = (select stream_id from events where position = $1)', position),
    batchOf: position =>
      types(
        `position > (select prev_size from batches where size >= $1 order by size limit 1)
           and position <= (select min(size) from batches where size >= $1)`,
        position,
      ),
    erased: () => readFileSync(join(cluster.node.folder, 'erasure-list'), 'utf8').trim().split('\n').length,
    dump: async () => {
      const texts: string[] = [];
      for (const table of ['events', 'keys', 'blocks', 'batches', 'slots', 'keyring'])
        for (const row of (await client.query(`select * from ${table}`)).rows)
          for (const value of Object.values(row))
            texts.push(Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value));
      return texts.join('\n');
    },
  };
};
