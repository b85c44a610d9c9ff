/** `append()` and `settle()`: what a process that wrote last may do in one round trip, and what it is refused. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';
import { append, begin, clockOf, refusal } from './rows.js';

const count = async (client: pg.ClientBase, table: string): Promise<number> =>
  (await client.query(`select count(*) as n from ${table}`)).rows[0].n;

describe('the append function', test => {
  let database: TestDatabase;
  let client: pg.Client;

  test.before.each(async () => {
    database = await testDatabase();
    client = await database.client();
    await begin(client);
  });
  test.after.each(() => database.drop());

  test('inserts events, key rows and the batch, without a gap', async () => {
    const streamId = randomUUID();
    const stamp = await clockOf(client);
    const key = randomUUID();
    const first = await append(client, {
      ...{ expectSize: 0, stamp, newKeys: [key] },
      events: [1, 2, 3].map(streamVersion => ({ streamId, streamVersion })),
    });
    assert.is(first.outcome, 'ok');
    assert.is((await append(client, { expectSize: 3, stamp })).outcome, 'ok');
    const { rows } = await client.query('select position, recorded_at from events order by position');
    assert.equal(
      rows.map(row => row.position),
      [1, 2, 3, 4],
    );
    assert.is(rows[0].recorded_at, stamp);
    const heads = await client.query('select size, prev_size, last_at from ledger_head');
    assert.equal(heads.rows, [{ size: 4, prev_size: 3, last_at: stamp }]);
    assert.is(await count(client, 'keys'), 1);
    await append(client, { expectSize: 4, stamp, goneKeys: [key] });
    assert.is(await count(client, 'keys'), 0);
  });

  test('writes nothing and says size when somebody else appended meanwhile', async () => {
    const stamp = await clockOf(client);
    await append(client, { expectSize: 0, stamp });
    const answer = await append(client, { expectSize: 0, stamp, newKeys: [randomUUID()] });
    assert.is(answer.outcome, 'size');
    assert.is(answer.newest_size, 1);
    assert.is(await count(client, 'events'), 1);
    assert.is(await count(client, 'keys'), 0);
    assert.is(await count(client, 'batches'), 2);
  });

  test('says clock to a stamp before the newest, or far from the clock under the lock', async () => {
    const stamp = await clockOf(client);
    assert.is((await append(client, { expectSize: 0, stamp })).outcome, 'ok');
    assert.is((await append(client, { expectSize: 1, stamp: stamp - 1000 })).outcome, 'clock');
    assert.is((await append(client, { expectSize: 1, stamp: stamp + 5_000_000 })).outcome, 'clock');
    assert.is((await append(client, { expectSize: 1, stamp: stamp + 5_000_000, skewMs: 9000 })).outcome, 'ok');
    assert.is(await count(client, 'events'), 2);
  });

  test('refuses a new size that is not the old one and the events', async () => {
    const stamp = await clockOf(client);
    assert.is(await refusal(append(client, { expectSize: 0, stamp, newSize: 2 })), '22000');
    assert.is(await count(client, 'events'), 0);
  });

  test('undoes all of a batch of which one event is refused', async () => {
    const stamp = await clockOf(client);
    const eventId = randomUUID();
    await append(client, { expectSize: 0, stamp, events: [{ streamId: randomUUID(), streamVersion: 1, eventId }] });
    const events = [randomUUID(), eventId].map(id => ({ streamId: randomUUID(), streamVersion: 1, eventId: id }));
    const newKeys = [randomUUID()];
    assert.is(await refusal(append(client, { expectSize: 1, stamp, events, newKeys })), '23505');
    assert.is(await count(client, 'events'), 1);
    assert.is(await count(client, 'keys'), 0);
  });

  test('lets one of many that expect the same size through', async () => {
    const stamp = await clockOf(client);
    const clients = await Promise.all(Array.from({ length: 6 }, () => database.client()));
    const answers = await Promise.all(clients.map(each => append(each, { expectSize: 0, stamp })));
    assert.equal(answers.map(answer => answer.outcome).sort(), ['ok', 'size', 'size', 'size', 'size', 'size']);
    assert.ok(answers.every(answer => answer.outcome === 'ok' || answer.newest_size === 1));
  });
});

describe('a settled moment', test => {
  let database: TestDatabase;
  let client: pg.Client;

  test.before.each(async () => {
    database = await testDatabase();
    client = await database.client();
    await begin(client);
  });
  test.after.each(() => database.drop());

  const settle = async (momentUs: number, as = client) =>
    (await as.query('select settled_us, newest_size from settle($1)', [momentUs])).rows[0];

  test('holds all events that are stamped in or before it, and gets no more', async () => {
    const stamp = await clockOf(client);
    await append(client, { expectSize: 0, stamp });
    assert.equal(await settle(stamp), { settled_us: stamp, newest_size: 1 });
    assert.is((await append(client, { expectSize: 1, stamp })).outcome, 'clock');
    assert.is((await append(client, { expectSize: 1, stamp: stamp + 1000 })).outcome, 'ok');
  });

  test('is waited for until its millisecond has passed', async () => {
    const soon = (await clockOf(client)) + 200_000;
    await settle(soon + 999);
    assert.ok((await clockOf(client)) > soon);
  });

  test('never goes back, though readers settle at the same time and a transaction rolls back', async () => {
    const now = await clockOf(client);
    const clients = await Promise.all(Array.from({ length: 5 }, () => database.client()));
    const moments = [3, 1, 5, 2, 4].map(back => now - back * 1000);
    await Promise.all(moments.map((moment, i) => settle(moment, clients[i])));
    await client.query('begin');
    assert.is((await settle(now)).settled_us, now);
    await client.query('rollback');
    assert.is((await settle(now - 9000)).settled_us, now);
  });

  test('waits for an append in flight, and counts it', async () => {
    const other = await database.client();
    await other.query('begin');
    const stamp = await clockOf(other);
    await append(other, { expectSize: 0, stamp });
    const settled = settle(stamp);
    await new Promise(resolve => setTimeout(resolve, 50));
    await other.query('commit');
    assert.is((await settled).newest_size, 1);
  });

  test('in the future is refused at once', async () => {
    assert.is(await refusal(settle((await clockOf(client)) + 60_000_000)), '22023');
  });
});
