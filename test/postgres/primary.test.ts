/** Only the primary that was checked at the start is spoken to: a standby would answer reads that are stale. */
import { chownSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Database, openDatabase } from '../../src/postgres/database.js';
import type { Embedded } from '../../src/postgres/embedded.js';
import type { DatabaseError } from '../../src/postgres/errors.js';
import { openPipeline } from '../../src/postgres/pipeline.js';
import { openPool } from '../../src/postgres/pool.js';
import { settingsOf } from '../../src/postgres/session-settings.js';
import { anyRow, query } from '../../src/sql.js';
import { testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';
import { newFolder, start } from './embedded-support.js';

const select = query(null, anyRow, 'select 1');

const stateOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: DatabaseError) => error.sqlstate ?? error.message,
  );

describe('a standby', test => {
  const folder = newFolder();
  const signal = join(folder, 'postgres', 'data', 'standby.signal');
  let server: Embedded;
  let database: Database;

  const options = () => ({
    ...{ owner: server.connection, logins: null, schema: 'tallystick', dataFolder: folder, poolSize: 2 },
  });

  test.before(async () => {
    server = await start({ folder });
    database = await openDatabase(options());
    await server.stop();
    const { uid, gid } = statSync(join(folder, 'postgres', 'data'));
    writeFileSync(signal, '');
    chownSync(signal, uid, gid);
    server = await start({ folder });
  });
  test.after(() => database.close());

  test('is refused at the start', async () => {
    const why = await openDatabase(options()).catch((error: Error) => error.message);
    assert.is(why, 'this database is a standby (read-only): connect to the primary');
  });

  test('is refused to the connections of a program that was started on the primary', async () => {
    assert.is(await stateOf(database.writer.run(select)), '25006');
    assert.is(await stateOf(database.auditor.transaction(tx => tx.run(select))), '25006');
    assert.is(await stateOf(database.openPipeline()), '25006');
  });

  test('serves as soon as it is the primary', async () => {
    await server.stop();
    rmSync(signal);
    server = await start({ folder });
    await database.writer.run(select);
    await (await database.openPipeline()).close();
    await server.stop();
  });
});

describe('another cluster than at the start', test => {
  test('is refused, pooled and pipelined', async () => {
    const { connection } = await testDatabase();
    const settings = settingsOf('tallystick', 'writer');
    const pool = openPool({ connection, settings, max: 1, systemIdentifier: '1234567890' });
    assert.is(await stateOf(pool.run(select)), '25006');
    await pool.close();
    assert.is(await stateOf(openPipeline(connection, settings, '1234567890')), '25006');
  });

  test('cannot be told where the login may not ask which it is: any primary is taken then', async () => {
    const database = await testDatabase();
    await (await database.client()).query('revoke execute on function pg_control_system() from public');
    const opened = await database.open();
    assert.is(opened.systemIdentifier, null);
    await opened.writer.run(select);
    await (await opened.openPipeline()).close();
  });
});
