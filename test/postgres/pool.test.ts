/** A pool whose server closes connections at bad moments: an error for who asked, and no end of the program. */
import * as assert from 'uvu/assert';
import { DatabaseError } from '../../src/postgres/errors.js';
import { openPool } from '../../src/postgres/pool.js';
import { settingsOf } from '../../src/postgres/session-settings.js';
import { anyRow, query } from '../../src/sql.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

const select = query(null, anyRow, 'select 1');
/** Found before the server's own: takes a while, and has the server close the connection right after its answer. */
const CLOSES = `create function pg_is_in_recovery() returns boolean language plpgsql as $$
begin
  perform pg_sleep(0.3), set_config('idle_session_timeout', '1', false);
  return false;
end $$`;

describe('a connection', test => {
  let db: TestDatabase;
  test.before(async () => {
    db = await testDatabase();
  });

  test('that is closed in the moment in which it was found good is an error, and not the end', async () => {
    const client = await db.client();
    await client.query(CLOSES);
    const settings = { ...settingsOf(db.schema, 'writer'), searchPath: [db.schema, 'pg_catalog'] };
    const pool = openPool({ connection: db.connection, settings, max: 1, systemIdentifier: null });
    const answer = pool.run(select).then(
      () => null,
      (error: unknown) => error,
    );
    const asked = `select from pg_stat_activity where application_name = 'tallystick writer' and query ~ 'pg_is_in_recovery' and state = 'active'`;
    await until('it is looked at', async () => (await client.query(asked)).rowCount === 1);
    // Answer and farewell arrive together.
    for (const end = performance.now() + 600; performance.now() < end; );
    const error = await answer;
    assert.instance(error, DatabaseError);
    assert.ok(error instanceof DatabaseError && error.connectionLost);
    await client.query('drop function tallystick.pg_is_in_recovery');
    await pool.run(select);
    await pool.close();
  });
});
