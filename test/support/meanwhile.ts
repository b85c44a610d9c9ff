/** Puts something between two statements of a work under way, wherever it next looks at a table: no clock decides what comes first. */
import type { TestDatabase } from './database.js';

/** What `work` comes to, if `meanwhile` is done where it first looks at `table`. The table is locked for everybody until then. */
export const withMeanwhile = async <T>(
  db: TestDatabase,
  table: string,
  work: () => Promise<T>,
  meanwhile: () => Promise<void>,
): Promise<T> => {
  const client = await db.client();
  try {
    await client.query('begin');
    await client.query(`lock table ${table} in access exclusive mode`);
    let over = false;
    const working = work().finally(() => {
      over = true;
    });
    // Whatever comes of it is the caller's to see, also when `meanwhile` fails first.
    working.catch(() => undefined);
    const waiting = `select from pg_locks where relation = '${table}'::regclass and not granted`;
    while ((await client.query(waiting)).rows.length === 0) {
      if (over) throw new Error(`it was over without a look at ${table}: ${JSON.stringify(await working)}`);
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    await meanwhile();
    await client.query('commit');
    return await working;
  } finally {
    await client.end();
  }
};
