/** Traps of PostgreSQL and of `pg` that the append path is built around (docs/reference/postgresql.md), pinned as they are. */
import { randomUUID } from 'node:crypto';
import * as assert from 'uvu/assert';
import { DatabaseError } from '../../src/postgres/errors.js';
import { anyRow, query } from '../../src/sql.js';
import { testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';
import { append, begin, clockOf } from './rows.js';

const LOCK = `pg_advisory_xact_lock(1414745932, hashtext(current_schema()))`;

describe('the append lock', test => {
  /** One client holds the lock and has appended; another reads behind it, by `text`, once per statement. */
  const readBehindLock = async (isolation: string, statements: readonly string[]) => {
    const database = await testDatabase();
    const [holder, reader] = [await database.client(), await database.client()];
    await begin(holder);
    await holder.query('begin');
    await holder.query(`select ${LOCK}`);
    await append(holder, { expectSize: 0, stamp: await clockOf(holder) });
    await reader.query(`begin isolation level ${isolation}`);
    const first = reader.query(statements[0] ?? '');
    await new Promise(resolve => setTimeout(resolve, 100));
    await holder.query('commit');
    const results = [await first];
    for (const text of statements.slice(1)) results.push(await reader.query(text));
    await reader.query('rollback');
    await database.drop();
    return results;
  };

  const NEWEST = '(select max(size) from batches)';

  test('taken and read in one statement shows what was before the wait', async () => {
    const [only] = await readBehindLock('read committed', [`select ${NEWEST} as size from (select ${LOCK}) as taken`]);
    assert.is(only?.rows[0].size, 0);
  });

  test('taken in one statement and read in the next shows what was appended meanwhile', async () => {
    const [, second] = await readBehindLock('read committed', [`select ${LOCK}`, `select ${NEWEST} as size`]);
    assert.is(second?.rows[0].size, 1);
  });

  test('does not help a transaction whose snapshot is older, such as a repeatable read', async () => {
    const [, second] = await readBehindLock('repeatable read', [`select ${LOCK}`, `select ${NEWEST} as size`]);
    assert.is(second?.rows[0].size, 0);
  });

  test('is waited for by a clock that is read in the same statement: it may be older than the wait', async () => {
    const [first, second] = await readBehindLock('read committed', [
      `select clock_timestamp() as clock, ${LOCK}`,
      'select clock_timestamp() as clock',
    ]);
    assert.ok(second?.rows[0].clock - first?.rows[0].clock > 50_000);
  });
});

describe('a pipelined batch', test => {
  const insertBlock = query('test_block', anyRow, 'insert into blocks values ($1, now(), $2)');

  test('with a failing statement ends in a COMMIT that succeeds and says ROLLBACK', async () => {
    const database = await (await testDatabase()).open();
    const pipeline = await database.openPipeline();
    const body = Buffer.from('x');
    const answers = await Promise.allSettled([
      pipeline.command('begin'),
      pipeline.run(insertBlock, [1, body]),
      pipeline.run(query(null, anyRow, 'select 1 / 0')),
      pipeline.run(insertBlock, [2, body]),
      pipeline.command('commit'),
    ]);
    assert.equal(
      answers.map(answer => answer.status),
      ['fulfilled', 'fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    const [, , divided, later, commit] = answers;
    assert.is(divided?.status === 'rejected' && divided.reason.sqlstate, '22012');
    assert.is(later?.status === 'rejected' && later.reason.sqlstate, '25P02');
    assert.is(commit?.status === 'fulfilled' && commit.value, 'ROLLBACK');
    // The connection goes on, with the named statement that failed to be parsed in between.
    const again = await Promise.all([
      pipeline.command('begin'),
      pipeline.run(insertBlock, [3, body]),
      pipeline.command('commit'),
    ]);
    assert.is(again[2], 'COMMIT');
    await pipeline.close();
  });

  test('rejects all that is in flight when its connection is destroyed, and is not alive any more', async () => {
    const database = await (await testDatabase()).open();
    const pipeline = await database.openPipeline();
    const waiting = [1, 2].map(() => pipeline.run(query(null, anyRow, 'select pg_sleep(5)')));
    pipeline.destroy();
    for (const answer of await Promise.allSettled(waiting)) {
      assert.is(answer.status, 'rejected');
      assert.ok(answer.status === 'rejected' && answer.reason instanceof DatabaseError && answer.reason.connectionLost);
    }
    assert.not(pipeline.alive);
    assert.is(
      await pipeline.command('select 1').then(
        () => null,
        (error: DatabaseError) => error.connectionLost,
      ),
      true,
    );
  });

  test('hears that its backend was killed', async () => {
    const testing = await testDatabase();
    const pipeline = await (await testing.open()).openPipeline();
    const waiting = pipeline.run(query(null, anyRow, 'select pg_sleep(5)')).catch((error: DatabaseError) => error);
    await (await testing.client()).query('select pg_terminate_backend($1)', [pipeline.backendPid]);
    const error = await waiting;
    assert.ok(error instanceof DatabaseError && error.connectionLost);
    assert.not(pipeline.alive);
  });
});

describe('a transaction of the pool', test => {
  const oneThird = query(null, anyRow, 'select 1 / 0');

  test('whose work swallows an error rejects: the server rolled it back', async () => {
    const { writer } = await (await testDatabase()).open();
    const insert = query(null, anyRow, 'insert into snapshots values ($1, 1, 1, $2)');
    const swallowing = writer.transaction(async tx => {
      await tx.run(insert, [1, Buffer.from(randomUUID())]);
      await tx.run(oneThird).catch(() => undefined);
    });
    assert.is(
      await swallowing.then(
        () => null,
        (error: DatabaseError) => error.sqlstate,
      ),
      '40000',
    );
    assert.is((await writer.run(query(null, anyRow, 'select from snapshots'))).length, 0);
  });
});
