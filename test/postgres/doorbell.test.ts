/** The doorbell: rings are merged, and a listener or ringer that lost its backend comes back by itself and catches up. */
import type pg from 'pg';
import * as assert from 'uvu/assert';
import type { Doorbell } from '../../src/postgres/doorbell.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';

const WITHIN_MS = 5000;

const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let waited = 0; !(await holds()); waited += 10) {
    if (waited > WITHIN_MS) throw new Error(`not within ${WITHIN_MS} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
};

const later = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

describe('the doorbell', test => {
  let database: TestDatabase;
  let client: pg.Client;
  let doorbell: Doorbell;
  let heard = 0;
  const errors: unknown[] = [];

  test.before.each(async () => {
    database = await testDatabase();
    client = await database.client();
    doorbell = (await database.open()).openDoorbell(cause => errors.push(cause));
    heard = 0;
    errors.length = 0;
  });
  test.after.each(async () => {
    await doorbell.close();
    await database.drop();
  });

  const LISTENING = `select pid from pg_stat_activity where datname = current_database() and query ilike 'listen %'`;
  const listening = async (): Promise<number[]> => (await client.query(LISTENING)).rows.map(row => row.pid);

  const subscribed = async (): Promise<void> => {
    doorbell.subscribe(() => {
      heard += 1;
    });
    await until('it listens', async () => (await listening()).length === 1);
    await later(50);
  };

  const killAll = async (): Promise<void> => {
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'tallystick auditor'`,
    );
  };

  test('calls every subscriber once it listens: what was rung before is caught up', async () => {
    await subscribed();
    assert.ok(heard >= 1);
  });

  test('listens once for all who subscribe, also for two at one time', async () => {
    let there = 0;
    doorbell.subscribe(() => {
      there += 1;
    });
    await subscribed();
    const [before] = await listening();
    await later(300);
    assert.equal(await listening(), [before]);
    [heard, there] = [0, 0];
    doorbell.ring();
    await until('both heard', () => heard === 1 && there === 1);
    assert.equal(errors, []);
  });

  test('is heard in this process and in others, until one unsubscribes', async () => {
    await subscribed();
    const other = (await database.open()).openDoorbell(cause => errors.push(cause));
    let there = 0;
    const leave = other.subscribe(() => {
      there += 1;
    });
    await until('both listen', async () => (await listening()).length === 2);
    await later(50);
    heard = 0;
    there = 0;
    doorbell.ring();
    await until('both heard', () => heard === 1 && there === 1);
    leave();
    doorbell.ring();
    await until('one heard', () => heard === 2);
    await later(50);
    assert.is(there, 1);
    await other.close();
    assert.equal(errors, []);
  });

  test('merges rings of a few milliseconds into one', async () => {
    await subscribed();
    heard = 0;
    for (let i = 0; i < 500; i += 1) doorbell.ring();
    await until('heard', () => heard > 0);
    await later(100);
    assert.is(heard, 1);
  });

  test('carries no payload, and is not disturbed by one of a stranger', async () => {
    await subscribed();
    heard = 0;
    await client.query(`select pg_notify('tallystick', 'not json {')`);
    await until('heard', () => heard === 1);
    assert.equal(errors, []);
  });

  test('listens again after its backend was killed, again and again, and says so each time', async () => {
    await subscribed();
    for (let round = 0; round < 3; round += 1) {
      const [before] = await listening();
      heard = 0;
      await killAll();
      await until('told after the reconnect', () => heard > 0);
      await until('one new listener', async () => {
        const now = await listening();
        return now.length === 1 && now[0] !== before;
      });
      heard = 0;
      doorbell.ring();
      await until('rings again', async () => {
        // The first ring after the kill may be the one that is lost: those who wait poll as well.
        if (heard === 0) doorbell.ring();
        return heard > 0;
      });
    }
    await later(300);
    assert.is((await listening()).length, 1, 'no second listener was left behind');
  });

  test('comes back when nobody could connect for a while', async () => {
    await subscribed();
    const name = database.connection.database;
    const server = await database.client({ ...database.connection, database: 'postgres' });
    await server.query(`alter database ${name} with allow_connections false`);
    await killAll();
    await later(1500);
    assert.is((await listening()).length, 0);
    heard = 0;
    await server.query(`alter database ${name} with allow_connections true`);
    await until('told after the reconnect', () => heard > 0);
    await until('it listens', async () => (await listening()).length === 1);
    heard = 0;
    doorbell.ring();
    await until('heard', () => heard > 0);
    await later(1500);
    assert.is((await listening()).length, 1, 'no second listener was left behind');
  });

  test('that was opened while nobody could connect listens as soon as one can', async () => {
    const name = database.connection.database;
    const server = await database.client({ ...database.connection, database: 'postgres' });
    await server.query(`alter database ${name} with allow_connections false`);
    doorbell.subscribe(() => {
      heard += 1;
    });
    doorbell.ring();
    await until('an error is told', () => errors.length >= 2);
    await later(700);
    await server.query(`alter database ${name} with allow_connections true`);
    await until('it listens', async () => (await listening()).length === 1);
    heard = 0;
    doorbell.ring();
    await until('heard', () => heard > 0);
    await later(1500);
    assert.is((await listening()).length, 1, 'no second listener was left behind');
  });

  test('lets go of its connections when it is closed, also while it cannot connect', async () => {
    await subscribed();
    doorbell.ring();
    await until('heard', () => heard > 0);
    const name = database.connection.database;
    const server = await database.client({ ...database.connection, database: 'postgres' });
    await server.query(`alter database ${name} with allow_connections false`);
    await killAll();
    await later(200);
    await doorbell.close();
    await server.query(`alter database ${name} with allow_connections true`);
    await later(1500);
    const { rows } = await client.query(
      `select pid from pg_stat_activity where datname = current_database() and application_name = 'tallystick auditor'`,
    );
    assert.equal(rows, []);
  });
});
