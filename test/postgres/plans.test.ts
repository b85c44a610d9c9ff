/** Plans that are made while a ledger is young and kept while it grows: every hot statement goes by an index. */
import * as assert from 'uvu/assert';
import { moved, pointReads } from '../../src/ledger/point-statements.js';
import { query } from '../../src/sql.js';
import { testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';

describe('a statement that is prepared on an empty ledger', test => {
  for (const [name, text, types] of [
    ['what moved', moved.text, 'bigint, bigint'],
    ['point reads', pointReads.text, 'uuid[]'],
  ] as const)
    test(`is planned by index, not as a scan of a few rows: ${name}`, async () => {
      const database = await (await testDatabase()).open();
      const plan = await database.writer.session(async session => {
        const run = (sql: string) =>
          session.run(query(null, raw => ({ _tag: 'Right', right: String(raw['QUERY PLAN'] ?? '') }), sql));
        await run("set plan_cache_mode = 'force_generic_plan'");
        await run(`prepare hot (${types}) as ${text}`);
        return run(`explain execute hot (${types === 'uuid[]' ? "'{}'" : '0, 0'})`);
      });
      assert.not.match(plan.join('\n'), /Seq Scan on (?:events|batches|keys)/);
      assert.match(plan.join('\n'), /Index.* Scan/);
    });
});
