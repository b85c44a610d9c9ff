/**
 * A rotation of terms under load, killed with -9 at each step that lane 1 records and in the midst of wrapping keys again.
 * The server is held at a step from the database's side, by a trigger that sleeps, so that the kill comes exactly there.
 * Started again without a hand it goes on and ends; nothing that was acknowledged is lost, and everything is readable.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import * as assert from 'uvu/assert';
import type { Json } from '../support/cluster.js';
import { until } from '../support/until.js';
import {
  type Acknowledged,
  call,
  checkAcknowledged,
  checkLedger,
  ended,
  type Running,
  sleep,
  start,
  writer,
} from './server.js';

/** Where it is held: before a row comes into `events`, or before a key row is changed. */
const HOLDS = {
  'before the preparation is recorded': `before insert on events for each row when (new.type = 'term.prepared')`,
  'between prepared and activated': `before insert on events for each row when (new.type = 'term.activated')`,
  'in the midst of wrapping again': `before update on keys for each row when (nextval('held') > 40)`,
  'before it is recorded that all is wrapped again': `before insert on events for each row when (new.type = 'keystore.changed')`,
  'before the end of the term': `before insert on events for each row when (new.type = 'keystore.changed')`,
  'between ended and destroyed': `before insert on events for each row when (new.type = 'term.destroyed')`,
} as const;

export type Step = keyof typeof HOLDS;
export const STEPS = Object.keys(HOLDS) as readonly Step[];

const KEYS = 120;

/** The embedded server's superuser, as long as that server runs. */
export const superuser = async (folder: string): Promise<pg.Client> => {
  const home = join(folder, 'postgres');
  const [, , , port, socket] = readFileSync(join(home, 'data', 'postmaster.pid'), 'utf8').split('\n');
  const password = readFileSync(join(folder, 'postgres-password'), 'utf8').trim();
  const client = new pg.Client({
    ...{ host: socket ?? '', port: Number(port), user: 'tallystick', password, database: 'tallystick' },
  });
  client.on('error', () => {});
  await client.connect();
  await client.query('set search_path to tallystick');
  return client;
};

const hold = (folder: string, step: Step): Promise<void> => holdAt(folder, HOLDS[step]);

/** `trigger`: when, in the words of SQL. */
export const holdAt = async (folder: string, trigger: string): Promise<void> => {
  const client = await superuser(folder);
  await client.query(`create or replace function hold() returns trigger language plpgsql as
                      $$ begin perform pg_sleep(8); return new; end $$`);
  await client.query('drop sequence if exists held');
  await client.query('create sequence held');
  await client.query('grant all on sequence held to public');
  await client.query(`create or replace trigger hold ${trigger} execute function hold()`);
  await client.end();
};

export const isHeld = async (client: pg.Client): Promise<boolean> =>
  (await client.query(`select from pg_stat_activity where wait_event = 'PgSleep'`)).rowCount !== 0;

export const letGo = async (folder: string): Promise<void> => {
  const client = await superuser(folder);
  for (const table of ['events', 'keys']) await client.query(`drop trigger if exists hold on ${table}`);
  await client.end();
};

const keysOf = async (server: Running): Promise<Json> => {
  const answer: Json = await (await call(server, 'GET', 'sys/ledger/keys')).json();
  return answer.data;
};

const stateOfFirst = async (server: Running): Promise<string> => (await keysOf(server)).terms[0].state;

export const killAt = async (steps: readonly Step[]): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-rotation-'));
  const acknowledged: Acknowledged = new Map();
  let server = await start(folder);
  try {
    await call(server, 'POST', 'sys/rotate/config', { enabled: false, backup_retention: '0s' });
    const first = Array.from({ length: KEYS }, (_, i) => i);
    await Promise.all(first.map(i => call(server, 'POST', `secret/data/first/${i}`, { data: { i } })));
    for (const step of steps) {
      await hold(folder, step);
      const watch = await superuser(folder);
      let going = true;
      const writers = Array.from({ length: 4 }, (_, i) => writer(server, `w${i}`, acknowledged, () => going));
      try {
        if ((await keysOf(server)).term === 1) void call(server, 'POST', 'sys/rotate').catch(() => undefined);
        await until(step, () => isHeld(watch), 30_000);
      } finally {
        server.child.kill('SIGKILL');
        going = false;
        await Promise.all([ended(server.child), ...writers]);
      }
      await watch.end().catch(() => undefined);
      server = await start(folder);
      await letGo(folder);
      await checkAcknowledged(server, acknowledged);
      for (const i of first) {
        const answer = await call(server, 'GET', `secret/data/first/${i}`);
        assert.is(answer.status, 200, `first/${i} after a kill ${step}`);
      }
    }
    if ((await keysOf(server)).term === 1) await call(server, 'POST', 'sys/rotate');
    await until('the rotation ends', async () => (await stateOfFirst(server)) === 'destroyed', 60_000);
    const { terms, term, waiting_for } = await keysOf(server);
    assert.is(term, 2, 'there was one rotation, whoever went on with it');
    assert.equal([terms.length, terms[0].rows, waiting_for], [2, 0, []]);
    await checkAcknowledged(server, acknowledged);
    await checkLedger(server);
    const [line = ''] = readFileSync(join(folder, 'erasure-keys'), 'utf8').split('\n');
    assert.match(line, / 1 -+$/, "the first term's erasure key is overwritten");
  } finally {
    server.child.kill('SIGTERM');
    await Promise.race([ended(server.child), sleep(15_000)]);
    rmSync(folder, { recursive: true, force: true });
  }
};
