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
/** Found before the server's own: waits until it is let go, and has the server close the connection right after its answer. */
const CLOSES = `create function pg_is_in_recovery() returns boolean language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(4242), set_config('idle_session_timeout', '1', false);
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
    await client.query('select pg_advisory_lock(4242)');
    const settings = { ...settingsOf(db.schema, 'writer'), searchPath: [db.schema, 'pg_catalog'] };
    const pool = openPool({ connection: db.connection, settings, max: 1, systemIdentifier: null });
    const answer = pool.run(select).then(
      () => null,
      (error: unknown) => error,
    );
    const waiting = `select from pg_locks where locktype = 'advisory' and objid = 4242 and not granted`;
    await until('it is looked at', async () => (await client.query(waiting)).rowCount === 1);
    const unlocked = client.query('select pg_advisory_unlock(4242)');
    // Answer and farewell arrive together.
    for (const end = performance.now() + 500; performance.now() < end; );
    await unlocked;
    const error = await answer;
    assert.instance(error, DatabaseError);
    assert.ok(error instanceof DatabaseError && error.connectionLost);
    await client.query('drop function tallystick.pg_is_in_recovery');
    await pool.run(select);
    await pool.close();
  });
});
