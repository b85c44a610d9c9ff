/**
 * Recovering from a backup and the newest key export: what fits gives a working server, in which nothing that was destroyed
 * is served; what does not is named, with an exit code of its own, and changes nothing.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ledgerOfExport } from '../../src/key-export/format.js';
import { exportOnce } from '../../src/key-export/keeper.js';
import { EXPORT_FILES } from '../../src/key-export/target.js';
import { type Ran, tally } from '../cli/support/tally.js';
import { startNode, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { type Dump, dumpLedger, restoreDump } from '../support/copy-ledger.js';
import type { TestDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

const LIST = EXPORT_FILES['erasure-list'];

describe('recovering a ledger', test => {
  let cluster: TestCluster;
  const root = mkdtempSync(join(tmpdir(), 'tallystick-recover-'));
  const dumps: Dump[] = [];
  const nodes = new Set<TestNode>();
  const stop = async (node: TestNode): Promise<void> => {
    nodes.delete(node);
    await node.stop();
  };
  let runs = 0;
  /** A backup of everything, which refusals leave as it is. */
  let whole: TestDatabase;

  const folder = (name: string): string => join(root, name);
  const write = (path: string, value: string) =>
    cluster.node.call('POST', `secret/data/${path}`, { data: { v: value } });
  const exportTo = async (name: string, of = cluster): Promise<void> => {
    const { session } = of.node.program.nexus;
    assert.ok(session);
    if (session !== null) await exportOnce(session, { kind: 'folder', path: folder(name) });
  };

  /** A machine with nothing but what an operator brings back: the erasure keys. */
  const freshMachine = (): string => {
    runs += 1;
    const data = folder(`machine-${runs}`);
    mkdirSync(data, { mode: 0o700 });
    copyFileSync(join(cluster.node.folder, 'erasure-keys'), join(data, 'erasure-keys'));
    return data;
  };
  const recover = (db: TestDatabase, from: string, data: string, ...more: string[]): Promise<Ran> =>
    tally(['operator', 'recover', '--from', folder(from), '--data', data, ...more], {
      home: root,
      env: { DATABASE_URL: db.url },
    });
  const keyStore = async (db: TestDatabase): Promise<readonly unknown[]> => {
    const client = await db.client();
    try {
      const { rows } = await client.query(
        `select (select count(*) from keys), (select count(*) from slots), (select max(generation) from keyring)`,
      );
      return Object.values(rows[0] ?? {});
    } finally {
      await client.end();
    }
  };
  const startOn = async (db: TestDatabase, data: string): Promise<TestNode> => {
    const node = await startNode(db, data, () => cluster.rootToken, {});
    nodes.add(node);
    return node;
  };
  const value = async (node: TestNode, path: string): Promise<unknown> => {
    const reply = await node.call('GET', `secret/data/${path}`);
    return reply.status === 200 ? reply.body.data.data.v : reply.status;
  };
  const restored = (index: number, without: readonly string[] = []): Promise<TestDatabase> => {
    const dump = dumps[index];
    if (dump === undefined) throw new Error('no such dump');
    return restoreDump(dump, without);
  };

  test.before(async () => {
    cluster = await testCluster();
    await write('doomed', 'x');
    await write('kept', 'early');
    await exportTo('first');
    dumps.push(await dumpLedger(cluster.db));
    await cluster.node.call('PUT', 'secret/destroy/doomed', { versions: [1] });
    await write('late', 'y');
    // The key store moves on as well: a term with an epoch of its own, and a slot.
    assert.is((await cluster.node.call('POST', 'sys/ledger/keys/rotate')).status, 200);
    await write('later', 'z');
    // In the background every key is wrapped again, which moves the key store once more.
    await until(
      'every key lies under the new term',
      () => typeof cluster.node.program.nexus.session?.authority.terms.get(1)?.rewrappedAt === 'number',
    );
    const password = 'six words that nobody guesses';
    const added = await cluster.node.call('POST', 'auth/userpass/users/bob', { password, policies: 'root' });
    assert.is(added.status, 204, added.text);
    await exportTo('second');
    const another = await testCluster();
    await exportTo('other', another);
    await another.stop();
    dumps.push(await dumpLedger(cluster.db));
    whole = await restored(1);
  });
  test.after(async () => {
    for (const node of nodes) await node.stop();
    await cluster.stop();
    rmSync(root, { recursive: true, force: true });
  });

  test('has an export of wrapped keys only, and never a destroyed one', async () => {
    const [first, second] = ['first', 'second'].map(name =>
      readFileSync(join(folder(name), EXPORT_FILES.keys), 'utf8'),
    );
    assert.not.match(`${first}${second}`, cluster.key);
    const { session } = cluster.node.program.nexus;
    for (const secret of [
      session?.custody.rootKey,
      ...(session?.custody.keyring.entries ?? []).map(({ bytes }) => bytes),
    ])
      for (const encoding of ['hex', 'base64'] as const)
        assert.not.match(`${first}${second}`, secret?.toString(encoding) ?? 'no key');
    assert.is(ledgerOfExport(Buffer.from(second ?? '').subarray(0, 500)), null, 'one that was cut short');
    const [destroyed = ''] = readFileSync(join(folder('second'), LIST), 'utf8').split('\n');
    const hex = destroyed.slice(16, 48);
    const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    assert.match(first ?? '', id);
    assert.not.match(second ?? '', id);
  });

  test('works on a fresh machine, from a backup without any keys', async () => {
    const [db, data] = [await restored(1, ['keys', 'slots', 'keyring']), freshMachine()];
    const ran = await recover(db, 'second', data);
    assert.is(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /recovered ledger [0-9a-f-]{36}: \d+ events, \d+ keys, 1 destroyed keys/);
    const node = await startOn(db, data);
    assert.is((await node.call('POST', 'sys/unseal', { key: cluster.key })).body.sealed, false);
    assert.equal([await value(node, 'kept'), await value(node, 'late')], ['early', 'y']);
    assert.is(await value(node, 'doomed'), 404);
    assert.is((await node.call('POST', 'secret/data/new', { data: { v: 1 } })).status, 200);
    await stop(node);
  });

  test('with a database older than the export is refused; accepted, it is on record, and what was destroyed stays so', async () => {
    const [db, data] = [await restored(0), freshMachine()];
    const before = await keyStore(db);
    const refused = await recover(db, 'second', data);
    assert.is(refused.code, 23);
    assert.match(refused.stderr, /the database is older than the export: it has \d+ events/);
    assert.equal(await keyStore(db), before);
    const accepted = await recover(db, 'second', data, '--accept-older-database');
    assert.is(accepted.code, 0, accepted.stderr);
    assert.match(accepted.stderr, /events are lost/);
    const node = await startOn(db, data);
    const behind = await node.call('POST', 'sys/unseal', { key: cluster.key });
    assert.match(behind.text, /behind what this node saw/);
    const unsealed = await node.call('POST', 'sys/unseal', { key: cluster.key, accept_rollback: true });
    assert.is(unsealed.body.sealed, false, unsealed.text);
    assert.equal([await value(node, 'kept'), await value(node, 'late')], ['early', 404]);
    assert.is(await value(node, 'doomed'), 410, 'the ledger there does not know of the destroy');
    const { events } = (await node.call('GET', 'sys/ledger/events?type=ledger.recovered')).body.data;
    assert.is(events.length, 1);
    // What is sealed from now on lies under the newest term and an epoch that nothing else has; a start finds all of it.
    assert.is((await node.call('POST', 'secret/data/kept', { data: { v: 'after' } })).status, 200);
    await node.call('POST', 'sys/rotate/config', { backup_retention: '0s' });
    const { terms } = (await node.call('GET', 'sys/ledger/keys')).body.data;
    assert.equal(
      terms.map((each: { term: number }) => each.term),
      [1, 2],
    );
    await node.program.nexus.seal();
    assert.is((await node.call('POST', 'sys/unseal', { key: cluster.key })).body.sealed, false);
    assert.is(await value(node, 'kept'), 'after');
    const names = (await node.call('GET', 'sys/ledger/events?type=epoch.opened')).body.data.events;
    assert.equal(
      names.map((each: { change: { epoch: number } }) => each.change.epoch),
      [1, 2],
    );
    await stop(node);
    // A backup that is put in afterwards, with its own key store, has nothing to do with that export any more.
    const again = await startOn(await restored(0), data);
    assert.match((await again.call('POST', 'sys/unseal', { key: cluster.key })).text, /behind what this node saw/);
    const goneBack = await again.call('POST', 'sys/unseal', { key: cluster.key, accept_rollback: true });
    assert.is(goneBack.body.sealed, false, goneBack.text);
    assert.is(await value(again, 'kept'), 'early');
    await stop(again);
  });

  const misfits: readonly (readonly [string, number, string, RegExp])[] = [
    ['an export older than the database', 24, 'first', /the export is older than the database: .* event \d+ has keys/],
    ['an export of another ledger', 22, 'other', /the export is of ledger [0-9a-f-]{36}, the database holds ledger/],
    ['no erasure list', 25, 'without-list', /knows of 1 destroyed keys, the erasure list has 0/],
    ['a damaged export', 21, 'damaged', /the export is damaged, or was not signed/],
  ];
  for (const [what, code, from, words] of misfits)
    test(`with ${what} is refused in words of its own, and changes nothing`, async () => {
      const keys = readFileSync(join(folder('second'), EXPORT_FILES.keys));
      for (const name of ['without-list', 'damaged']) mkdirSync(folder(name), { recursive: true });
      writeFileSync(join(folder('without-list'), EXPORT_FILES.keys), keys);
      const damaged = Buffer.from(keys);
      damaged[200] = damaged[200] === 65 ? 66 : 65;
      writeFileSync(join(folder('damaged'), EXPORT_FILES.keys), damaged);
      copyFileSync(join(folder('second'), LIST), join(folder('damaged'), LIST));
      const before = await keyStore(whole);
      const ran = await recover(whole, from, freshMachine());
      assert.is(ran.code, code, ran.stderr);
      assert.match(ran.stderr, words);
      assert.equal(await keyStore(whole), before);
    });

  test('needs a database with a ledger in it', async () => {
    const db = await restoreDump(new Map(), ['ledger', 'events', 'batches', 'blocks', 'keys', 'slots', 'keyring']);
    const ran = await recover(db, 'second', freshMachine());
    assert.equal([ran.code, /restore a backup of it first/.test(ran.stderr)], [20, true]);
  });
});
