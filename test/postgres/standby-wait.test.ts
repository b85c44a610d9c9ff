/** Where commits wait for a synchronous standby, one whose wait was broken off is not acknowledged before the standby has it. */
import { randomUUID } from 'node:crypto';
import * as assert from 'uvu/assert';
import { E } from '../../src/fp.js';
import { settleUnknown } from '../../src/ledger/settle.js';
import { type Database, openDatabase } from '../../src/postgres/database.js';
import type { Embedded } from '../../src/postgres/embedded.js';
import { DatabaseError } from '../../src/postgres/errors.js';
import { anyRow, type Query, query, type Values } from '../../src/sql.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';
import { ask, newFolder, start } from './embedded-support.js';
import { APPEND, appendValues, GENESIS, HASH } from './rows.js';

const appended: Query<string> = query(null, ({ outcome }) => E.right(String(outcome)), APPEND);
const genesis = query(null, anyRow, GENESIS);
const write = query(null, anyRow, `select pg_logical_emit_message(true, 'test', '')`);

describe('a commit that waits for a standby', test => {
  const folder = newFolder();
  const eventId = randomUUID();
  let server: Embedded;
  let database: Database;

  const waits = async (pid: number): Promise<boolean> =>
    (await ask(server.connection, `select from pg_stat_activity where pid = ${pid} and wait_event = 'SyncRep'`))
      .length === 1;

  const standbys = async (change: string): Promise<void> => {
    await ask(server.connection, `alter system ${change}`);
    await ask(server.connection, 'select pg_reload_conf()');
  };

  test.before(async () => {
    server = await start({ folder });
    const own = { owner: server.connection, logins: null, schema: 'tallystick', dataFolder: folder, poolSize: 2 };
    database = await openDatabase(own);
    await database.writer.run(genesis, [HASH]);
    await standbys(`set synchronous_standby_names = 'nobody'`);
    // It is heard of after a while.
    const probe = await database.openPipeline();
    let over = true;
    await until('commits wait', async () => {
      if (over) {
        over = false;
        const again = (): void => {
          over = true;
        };
        probe.run(write).then(again, again);
      }
      return waits(probe.backendPid);
    });
    probe.destroy();
    await ask(server.connection, `select pg_terminate_backend(${probe.backendPid})`);
  });
  test.after(() => database.close());

  test('and is cancelled is not taken for one', async () => {
    const pipeline = await database.openPipeline();
    const stamp = Date.now() * 1000;
    const values = appendValues({ expectSize: 0, stamp, events: [{ streamId: eventId, streamVersion: 1, eventId }] });
    const answer = pipeline.run(appended, values as Values).then(
      outcome => outcome,
      (error: unknown) => error,
    );
    await until('it waits', () => waits(pipeline.backendPid));
    await ask(server.connection, `select pg_cancel_backend(${pipeline.backendPid})`);
    const error = await answer;
    assert.instance(error, DatabaseError, String(error));
    assert.ok(error instanceof DatabaseError && error.connectionLost && !pipeline.alive);
    pipeline.destroy();
  });

  test('is looked up only once the standby has it', async () => {
    const pipeline = await database.openPipeline();
    const looking = settleUnknown(pipeline, { events: [{ eventId }], head: { size: 1 } });
    let over = false;
    const done = (): void => {
      over = true;
    };
    looking.then(done, done);
    await until('it waits', async () => over || waits(pipeline.backendPid));
    assert.not(over);
    await standbys('reset synchronous_standby_names');
    const outcome = await looking;
    assert.equal(
      outcome?.events.map(({ position }) => position),
      [1],
    );
    await pipeline.close();
  });
});
