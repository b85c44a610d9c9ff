/**
 * What "erased" means, tried out: with every backup from before, the shares, the password and this code, and with what is
 * left of the erasure keys, nothing that was destroyed opens, and everything that lives does. With a copy of the erasure
 * keys that somebody kept, the same attempt opens it: so this proof can fail.
 */
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import * as assert from 'uvu/assert';
import { decodeErasureKeyLine } from '../../src/crypto/erasure-lines.js';
import { newFolder, start } from '../postgres/embedded-support.js';
import { whenSuiteEnds } from '../support/cleanup.js';
import { type Json, type TestCluster, testCluster } from '../support/cluster.js';
import { makeTemplate } from '../support/database.js';
import { describe } from '../support/describe.js';
import { urlOf } from '../support/server.js';
import { until } from '../support/until.js';
import { carve, type Known, type Loot, lootOf, openEverything } from './support/attacker.js';
import { baseBackup, rawFiles } from './support/base-backup.js';

const MARKER = 'the-value-that-was-destroyed';
const NOTE = 'the-note-that-was-destroyed';

describe('what was destroyed, once its term has ended', test => {
  let cluster: TestCluster;
  /** Loots by when and how they were taken. */
  const loots = new Map<string, Loot>();
  const server = newFolder();
  const backup = newFolder();
  const kept = join(newFolder(), 'erasure-keys');
  let before: readonly Buffer[] = [];
  let superuser: pg.Client;

  const call = (method: string, path: string, body?: unknown) => cluster.node.call(method, path, body);
  const take = async (name: string): Promise<void> => void loots.set(name, await lootOf(await cluster.db.client()));
  const knowing = (file: string): Known => ({
    shares: cluster.keys.map(key => Buffer.from(key, 'hex')),
    password: cluster.admin.password,
    // "none" is tried as well: 32 zero bytes.
    erasureKeys: [
      Buffer.alloc(32),
      ...readFileSync(file, 'utf8')
        .split('\n')
        .flatMap(line => decodeErasureKeyLine(line)?.key ?? []),
    ],
  });
  const left = (): Known => knowing(join(cluster.node.folder, 'erasure-keys'));
  const loot = (name: string): Loot => there(loots.get(name));
  const texts = async (names: readonly string[], known: Known): Promise<string> =>
    JSON.stringify([...(await openEverything(names.map(loot), known)).values()]);
  const doomedRow = () => {
    const { keys } = loot('dump before');
    const gone = new Set(loot('dump after').keys.map(({ keyId }) => keyId));
    return there(keys.find(({ keyId, kind }) => kind === 1 && !gone.has(keyId)));
  };

  test.before(async () => {
    const { connection } = await start({ folder: server });
    const url = urlOf(connection);
    const template = await makeTemplate(url);
    process.env.TEST_SERVER_URL = url;
    process.env.TEST_TEMPLATE = template.name;
    const { host, port, user, password, database } = connection;
    superuser = new pg.Client({ host, port, user, password, database });
    await superuser.connect();
    whenSuiteEnds(() => superuser.end());
    cluster = await testCluster({ shares: 3, threshold: 2 });
    for (const [path, value] of [
      ['living/a', 'first'],
      ['living/a', 'second'],
      ['living/b', 'alone'],
      ['doomed', MARKER],
    ])
      assert.is((await call('POST', `secret/data/${path}`, { data: { value } })).status, 200);
    assert.is((await call('POST', 'secret/metadata/doomed', { custom_metadata: { note: NOTE } })).status, 204);
    assert.is((await call('POST', 'secret/metadata/living/b', { custom_metadata: { note: 'stays' } })).status, 204);

    await take('dump before');
    await baseBackup(superuser, server, backup);
    before = rawFiles(backup);
    copyFileSync(join(cluster.node.folder, 'erasure-keys'), kept);
    assert.is((await call('POST', 'secret/destroy/doomed', { versions: [1] })).status, 204);
    const scope = { mount: 'secret', path: 'doomed', basis: 'asked for' };
    const { plan_id } = (await call('POST', 'sys/ledger/erase/plan', scope)).body.data;
    assert.is((await call('POST', 'sys/ledger/erase/apply', { plan_id })).status, 200);
    await take('dump after');
    const settings = { backup_retention: '0s' };
    assert.is((await call('POST', 'sys/rotate/config', settings)).status, 204);
    assert.is((await call('POST', 'sys/rotate')).status, 204);
    await until('term 1 is destroyed', async () => {
      const { terms } = (await call('GET', 'sys/ledger/keys')).body.data;
      return terms[0].state === 'destroyed';
    });
    await take('live');
  });
  test.after(() => cluster.stop());

  test('is in the backups, wrapped: the copies are what an attacker would want', () => {
    const row = doomedRow();
    assert.ok(loot('dump before').keys.some(({ keyId }) => keyId === row.keyId));
    assert.ok(
      carve(before, row).some(({ wrapped }) => wrapped.equals(row.wrapped)),
      'the base backup holds the row',
    );
    assert.ok(
      carve(rawFiles(server), row).some(({ wrapped }) => wrapped.equals(row.wrapped)),
      "the live server's files hold the row still: a DELETE erases nothing",
    );
  });

  test('opens with the erasure keys that somebody kept, from a dump and from the raw files', async () => {
    assert.match(await texts(['dump before'], knowing(kept)), MARKER);
    assert.match(await texts(['dump before'], knowing(kept)), NOTE);
    const carved = { ...loot('dump after'), keys: carve(rawFiles(server), doomedRow()) };
    const opened = await openEverything([carved], knowing(kept));
    assert.match(JSON.stringify([...opened.values()]), MARKER);
  });

  test('opens with no backup, password, share and erasure key that is left', async () => {
    const everything = await texts([...loots.keys()], left());
    assert.not.match(everything, MARKER);
    assert.not.match(everything, NOTE);
    // Nothing at all opens in what was taken before the rotation: not even what lives.
    for (const name of ['dump before', 'dump after']) assert.is(await texts([name], left()), '[]');
  });

  test('opens with no row that is carved out of heap, dead rows and write-ahead log', async () => {
    const keys = [...carve(before, doomedRow()), ...carve(rawFiles(server), doomedRow())];
    const carved = { ...loot('dump before'), keys };
    assert.equal([...(await openEverything([carved, loot('live')], left())).values()].filter(isDoomed), []);
  });

  test('does not come back with the base backup and its log', async () => {
    const restored = await start({ folder: backup });
    const { host, port, user, password } = restored.connection;
    const client = new pg.Client({ host, port, user, password, database: cluster.db.connection.database });
    await client.connect();
    await client.query('set search_path to tallystick');
    loots.set('base backup', await lootOf(client));
    await client.end();
    assert.match(await texts(['base backup'], knowing(kept)), MARKER);
    assert.is(await texts(['base backup'], left()), '[]');
    assert.not.match(await texts([...loots.keys()], left()), MARKER);
  });

  test('took nothing along that lives', async () => {
    const living = await openEverything([loot('live')], left());
    const events = loot('live').bodies.filter(({ keyId }) => loot('live').keys.some(row => row.keyId === keyId));
    assert.is(living.size, events.length);
    assert.ok(events.length >= 6, 'values, custom metadata and identities');
    for (const value of ['first', 'second', 'alone', 'stays'])
      assert.match(JSON.stringify([...living.values()]), value);
    for (const [path, value] of [
      ['living/a?version=1', 'first'],
      ['living/a', 'second'],
      ['living/b', 'alone'],
    ])
      assert.is((await call('GET', `secret/data/${path}`)).body.data.data.value, value);
    assert.is((await call('GET', 'secret/data/doomed')).status, 404);
  });

  test('keeps its place in the ledger: hashes and tree go on', async () => {
    const { events } = (await call('GET', 'sys/ledger/events?path=secret/doomed')).body.data;
    assert.ok(events.some((event: Json) => event.type === 'secret.destroyed'));
  });
});

const there = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('it is not there');
  return value;
};

const isDoomed = (text: string): boolean => text.includes(MARKER) || text.includes(NOTE);
