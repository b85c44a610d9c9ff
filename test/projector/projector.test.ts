/** Workers, rebuilds and verifications of the real projections, over a ledger that goes on and on nodes that come and go. */
import * as assert from 'uvu/assert';
import { projections } from '../../projections/index.js';
import { throughChildren } from '../../projections/secret-tree/children.js';
import type { Database } from '../../src/postgres/database.js';
import type { Projection } from '../../src/projector/projection.js';
import { Projector } from '../../src/projector/projector.js';
import { rebuild } from '../../src/projector/rebuild.js';
import { verify } from '../../src/projector/verify.js';
import { anyRow, query } from '../../src/sql.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';
import { MOUNT, nodeOf, RawLedger } from './raw-ledger.js';

const PATIENCE_MS = 10_000;
const PATHS = ['a', 'a/b', 'a/b/c', 'a/d', 'a/e/f/g', 'a/e/h', 'i', 'i/j'];

const oneOf = <T>(list: readonly T[]): T => {
  const found = list[Math.floor(Math.random() * list.length)];
  if (found === undefined) throw new Error('an empty list');
  return found;
};

describe('a projector', test => {
  let db: TestDatabase;
  let database: Database;
  let ledger: RawLedger;
  const running: Projector[] = [];

  test.before.each(async () => {
    db = await testDatabase();
    database = await db.open();
    ledger = await RawLedger.in(db);
  });
  test.after.each(async () => {
    await Promise.all(running.splice(0).map(each => each.stop()));
    await db.drop();
  });

  const start = (on = database): Projector => {
    const ports = { pool: on.projector, maintenance: on.maintenance, doorbell: null, projections, notice: () => {} };
    const projector = new Projector({ ...ports, fold: true });
    running.push(projector);
    return projector;
  };

  const folded = async (projector: Projector): Promise<void> => {
    await until('the tables are there', async () =>
      (await projector.status()).every(({ state }) => state !== 'absent'),
    );
    for (const name of projector.names)
      assert.ok(await projector.reader.caughtUp(name, ledger.size, PATIENCE_MS), `${name} is folded`);
  };

  const differences = async (projector: Projector, name = 'secret-tree'): Promise<number> =>
    (await projector.verify(name)).differences;

  test('forgets what it read of rows that a rebuild replaced, also where it stood', async () => {
    await ledger.append(['f/a']);
    await folded(start());
    await running.splice(0)[0]?.stop();
    await (await db.client()).query('delete from tree_children');
    // A worker that remembers nothing learns from the rows what is there.
    const projector = start();
    await ledger.append(['f/b']);
    await folded(projector);
    assert.ok((await differences(projector)) > 0);
    await projector.rebuild('secret-tree');
    assert.is(await differences(projector), 0);
    await ledger.append(['-f/b']);
    await folded(projector);
    assert.is(await differences(projector), 0);
  });

  /** Tables of nothing; `stretches` are those that were folded. */
  const counting = (stretches: number[], indexes: string, before: (from: number) => Promise<void>): Projection => ({
    ...{ name: 'counting', version: 1, tables: ['counting'], ddl: 'create table counting (position bigint)', indexes },
    newFold: () => ({
      stretchEvents: 1000,
      changes: async (_read, { from, to }) => {
        stretches.push(to - from);
        await before(from);
        return [];
      },
    }),
  });

  const grow = async (events: number): Promise<void> => {
    for (let i = 0; i < events; i += 100) await ledger.append(Array.from({ length: 100 }, (_, n) => `s/${i}/${n}`));
  };

  test('holds the worker up for few events, however long a rebuild made indexes', async () => {
    const stretches: number[] = [];
    const lock = 'do $$ begin perform pg_advisory_xact_lock(4242); end $$';
    const client = await db.client();
    await client.query('select pg_advisory_lock(4242)');
    const rebuilding = rebuild(
      database.maintenance,
      counting(stretches, lock, async () => {}),
    );
    const waiting = `select from pg_locks where locktype = 'advisory' and objid = 4242 and not granted`;
    await until('it makes indexes', async () => (await client.query(waiting)).rowCount === 1);
    await grow(5000);
    await client.query('select pg_advisory_unlock(4242)');
    assert.is((await rebuilding).events, 5000);
    assert.ok(Math.max(...stretches) <= 2000, String(stretches));
  });

  test('folds few events in the snapshot that a verification compares, however long it took to come there', async () => {
    const stretches: number[] = [];
    await grow(100);
    await rebuild(
      database.maintenance,
      counting([], '', async () => {}),
    );
    const moved = query(null, anyRow, `update projection set position = $1 where name = 'counting'`);
    const { position } = await verify(
      database.maintenance,
      counting(stretches, '', async from => {
        if (from > 0) return;
        await grow(5000);
        await database.projector.run(moved, [ledger.size]);
      }),
    );
    assert.is(position, 5100);
    assert.ok(Math.max(...stretches) <= 2000, String(stretches));
  });

  /** What is in a folder whose path ends in a slash, by the paths of what lives. */
  const inside = (folder: string, living: readonly string[]): readonly string[] => {
    const below = living.filter(path => path.startsWith(folder)).map(path => path.slice(folder.length));
    return [...new Set(below.map(rest => rest.replace(/\/.*/, '/')))].sort();
  };

  test('shows each folder as it was after each batch, however its secrets came and went within one', async () => {
    const projector = start();
    const then: { readonly position: number; readonly living: readonly string[] }[] = [];
    for (let i = 0; i < 40; i += 1) {
      const changes = Array.from({ length: 20 }, () => `${oneOf(['', '-'])}${oneOf(PATHS)}`);
      await ledger.append(changes.filter((change, n) => change !== changes[n - 1]));
      then.push({ position: ledger.size, living: ledger.living });
      // Sometimes one batch at a time, sometimes several.
      if (Math.random() < 0.5) await folded(projector);
    }
    await folded(projector);
    for (const { position, living } of then)
      for (const folder of ['', 'a/', 'a/b/', 'a/e/', 'a/e/f/', 'i/']) {
        const found: string[] = [];
        const parent = folder === '' ? MOUNT : nodeOf(folder.slice(0, -1));
        await throughChildren(database.projector, parent, position, children => {
          for (const { kind, box } of children) found.push(`${box}${kind === 'folder' ? '/' : ''}`);
        });
        assert.equal(found.sort(), inside(folder, living), `${folder} as of ${position}`);
      }
    assert.is(await differences(projector), 0);
  });

  test('stops in front of an event that it cannot fold, says which, and holds up nothing else', async () => {
    await ledger.append(['a', 'b', 'c']);
    await ledger.append(['d', 'hidden', 'e'], 'hidden');
    const projector = start();
    const tree = async () => (await projector.status()).find(({ name }) => name === 'secret-tree');
    await until('it stops', async () => (await tree())?.state === 'stopped');
    const { position, stoppedAt, reason } = (await tree()) ?? {};
    assert.equal([position, stoppedAt, reason], [4, 5, 'a secret that no event named']);
    for (const name of ['secrets', 'audit-index'])
      assert.ok(await projector.reader.caughtUp(name, ledger.size, PATIENCE_MS), name);
    const living = query(null, anyRow, 'select from tree_children where to_pos is null');
    assert.is((await projector.upTo('secret-tree', 4, runner => runner.run(living))).length, 4);
    for (const read of [projector.upTo, projector.reader.withTail.bind(projector.reader)])
      assert.is(
        await read
          .call(projector, 'secret-tree', 6, runner => runner.run(living))
          .then(
            () => 'it answers',
            (error: Error) => error.name,
          ),
        'Behind',
      );
    const failed = await projector.rebuild('secret-tree').catch((error: Error) => error.message);
    assert.is(failed, 'a secret that no event named');
    assert.is((await tree())?.state, 'stopped');
    assert.is((await projector.upTo('secret-tree', 4, runner => runner.run(living))).length, 4);
  });

  test('comes to the same rows whatever happens: two nodes, broken connections, rebuilds and verifications at any time', async () => {
    const nodes = [start(), start(await db.open())];
    for (const node of nodes) await folded(node);
    let going = true;
    const breaking = (async () => {
      const client = await db.client();
      const kill = `select pg_terminate_backend(pid) from pg_stat_activity
                     where datname = current_database() and application_name in ('tallystick projector', 'tallystick rebuild')
                     order by random() limit 1`;
      while (going) {
        await client.query(kill);
        await new Promise(resolve => setTimeout(resolve, 30));
      }
    })();
    const maintaining = nodes.map(async node => {
      while (going) {
        const name = oneOf(node.names);
        // Whatever is broken off is given up; what is answered is true.
        if (Math.random() < 0.5) await node.rebuild(name).catch(() => undefined);
        else assert.is(await differences(node, name).catch(() => 0), 0, name);
      }
    });
    for (let i = 0; i < 150; i += 1) {
      const changes = Array.from({ length: 1 + Math.floor(Math.random() * 12) }, () =>
        Math.random() < 0.5 && ledger.living.length > 0 ? `-${oneOf(ledger.living)}` : oneOf(PATHS),
      );
      // A secret that is removed twice in one batch is removed once.
      await ledger.append([...new Set(changes)]);
      const node = oneOf(nodes);
      node.wake();
      const read = node.reader.withTail('secret-tree', ledger.size, runner =>
        runner.run(query(null, anyRow, 'select from tree_children where kind = 1 and to_pos is null')),
      );
      const rows = await read.catch(() => null);
      if (rows !== null) assert.is(rows.length, ledger.living.length);
    }
    going = false;
    await Promise.all([breaking, ...maintaining]);
    for (const node of nodes) {
      await folded(node);
      for (const name of node.names) assert.is(await differences(node, name), 0, name);
    }
  });
});
