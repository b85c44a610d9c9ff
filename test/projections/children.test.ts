/** A folder is read in parts, and all of it: what is there, what was there then, and what ends in between. */
import * as assert from 'uvu/assert';
import { throughChildren } from '../../projections/secret-tree/children.js';
import { tableSql } from '../../projections/table-sql.js';
import type { Pool } from '../../src/postgres/pool.js';
import { anyRow, query, type Runner } from '../../src/sql.js';
import { testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';

const PARENT = 'ffffffff-0000-4000-8000-000000000000';
/** Nodes are 1 to 9,000: odd ones end at 20,000 and the node's number, even ones are there. */
const NODES = 9000;

const fill = [
  `insert into tree_names select lpad(to_hex(n), 32, '0')::uuid, '${PARENT}', n, '\\x00' from generate_series(1, ${NODES}) n`,
  `insert into tree_children
   select '${PARENT}', lpad(to_hex(n), 32, '0')::uuid, 1, n, case when n % 2 = 1 then 20000 + n end
     from generate_series(1, ${NODES}) n`,
  // A key that is a folder as well; the two in one place, at the end of a part.
  `insert into tree_children select '${PARENT}', lpad(to_hex(4000), 32, '0')::uuid, 2, 4000, null`,
];

const number = (node: string): number => Number.parseInt(node.replaceAll('-', ''), 16);

describe('the children of a folder', test => {
  let pool: Pool;

  test.before(async () => {
    pool = (await (await testDatabase()).open()).projector;
    const { ddl, indexes } = tableSql('secret-tree');
    for (const text of [ddl, indexes, ...fill]) await pool.run(query(null, anyRow, text));
  });

  const read = async (position: number, runner: Runner = pool): Promise<number[]> => {
    const found: number[] = [];
    await throughChildren(runner, PARENT, position, children => {
      for (const { node, kind } of children) found.push(kind === 'folder' ? -number(node) : number(node));
    });
    return found.sort((a, b) => a - b);
  };

  const upTo = (last: number, wanted: (n: number) => boolean): number[] =>
    Array.from({ length: last }, (_, i) => i + 1).filter(wanted);

  test('are those that are there now, each once', async () => {
    assert.equal(await read(40_000), [-4000, ...upTo(NODES, n => n % 2 === 0)]);
  });

  test('are those that were there then, whether or not they are now', async () => {
    assert.equal(await read(20_000), [-4000, ...upTo(NODES, () => true)]);
    assert.equal(await read(5000), [-4000, ...upTo(5000, () => true)]);
    assert.equal(await read(24_001), [-4000, ...upTo(NODES, n => n % 2 === 0 || n > 4001)]);
  });

  test('are none where there is nothing', async () => {
    assert.equal(await read(0), []);
  });

  test('hold what ends while they are read', async () => {
    let [parts, most] = [0, 0];
    const moving: Runner = {
      run: async (asked, values) => {
        const rows = await pool.run(asked, values);
        [parts, most] = [parts + 1, Math.max(most, rows.length)];
        if (parts === 1)
          await pool.run(
            query(null, anyRow, `update tree_children set to_pos = 30000 * kind + from_pos where to_pos is null`),
          );
        return rows;
      },
    };
    assert.equal([...new Set(await read(25_000, moving))], [-4000, ...upTo(NODES, n => n % 2 === 0 || n > 5000)]);
    assert.ok(parts > 1 && most <= 4000, `${parts} parts of at most ${most} rows`);
  });
});
