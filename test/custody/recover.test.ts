/**
 * Recovering from a backup and the newest key export: what fits gives a working server, in which nothing that was destroyed
 * is served; what does not is named, with an exit code of its own, and changes nothing.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

const workspace = mkdtempSync(join(tmpdir(), 'tallystick-recover-'));

const LIST = EXPORT_FILES['erasure-list'];

/** Longer than an export, and the rest that it takes after it, on a busy machine. */
const LONG_MS = 60_000;

const until = async (true_: () => boolean | Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + LONG_MS;
  while (!(await true_())) {
    assert.ok(Date.now() < deadline, `not so within ${LONG_MS / 1000} s`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
};

describe('the rolling export', test => {
  let cluster: TestCluster;
  const root = join(workspace, 'other');
  test.before(async () => {
    mkdirSync(root);
    cluster = await testCluster({ shares: 1, threshold: 1 }, { keyExport: `folder:${root}` });
  });
  test.after(() => cluster.stop());

  const keys = (): number =>
    readFileSync(join(root, EXPORT_FILES.keys), 'latin1')
      .split('\n')
      .filter(line => line.startsWith('key ')).length;

  test('follows each change, from whichever node, and keeps only the newest', async () => {
    await until(() => existsSync(join(root, EXPORT_FILES.keys)));
    const before = keys();
    const other = await cluster.newNode({ settings: { keyExport: `folder:${join(workspace, 'of-another-node')}` } });
    await other.call('POST', 'secret/data/a', { data: { v: 1 } });
    await until(() => keys() === before + 1);
    await other.call('PUT', 'secret/destroy/a', { versions: [1] });
    await until(() => keys() === before);
    assert.is(readFileSync(join(root, LIST), 'latin1').split('\n').length, 2);
  });

  test('goes to a program, which gets each part on its standard input', async () => {
    const program = join(root, 'keep.sh');
    writeFileSync(program, `#!/bin/sh\ncat > "${root}/got-$1"\n`, { mode: 0o700 });
    const { session } = cluster.node.program.nexus;
    assert.ok(session);
    if (session === null) return;
    await exportOnce(session, { kind: 'exec', program });
    assert.match(readFileSync(join(root, 'got-keys'), 'utf8'), /\nmanifest\ntallystick key export, version 1\n/);
    assert.match(readFileSync(join(root, 'got-erasure-list'), 'utf8'), /^[0-9a-f]{112}\n$/);
    writeFileSync(program, '#!/bin/sh\nexit 3\n', { mode: 0o700 });
    const failed = await exportOnce(session, { kind: 'exec', program }).then(
      () => null,
      (error: unknown) => error,
    );
    assert.instance(failed, Error);
  });

  test('is not made by a session that has ended, whose keys are overwritten', async () => {
    const { nexus } = cluster.node.program;
    const { session } = nexus;
    assert.ok(session);
    if (session === null) return;
    await nexus.seal();
    const before = readFileSync(join(root, EXPORT_FILES.keys));
    const made = await exportOnce(session, { kind: 'folder', path: root }).then(
      () => true,
      () => false,
    );
    assert.is(made, false);
    assert.equal(readFileSync(join(root, EXPORT_FILES.keys)), before);
    assert.is((await cluster.node.call('POST', 'sys/unseal', { key: cluster.key })).body.sealed, false);
  });

  test('that cannot be written is said in the server’s state, until it can', async () => {
    const degraded = async (): Promise<string> =>
      JSON.stringify((await cluster.node.call('GET', 'sys/seal-status')).body.degraded ?? []);
    // An export that is under way may make the folder again.
    for (let inTheWay = false; !inTheWay; ) {
      try {
        rmSync(root, { recursive: true, force: true });
        writeFileSync(root, 'not a folder', { flag: 'wx' });
        inTheWay = true;
      } catch {
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    }
    await cluster.node.call('POST', 'secret/data/b', { data: { v: 1 } });
    const saysSo = (wanted: boolean): Promise<void> =>
      until(async () => (await degraded()).includes('key export: it could not be written') === wanted);
    await saysSo(true);
    // It tries again by itself.
    rmSync(root);
    await saysSo(false);
    assert.ok(existsSync(join(root, EXPORT_FILES.keys)));
  });

  test('is made while the key store moves, by whichever node', async () => {
    const { session } = cluster.node.program.nexus;
    assert.ok(session);
    if (session === null) return;
    const other = await cluster.newNode();
    const path = join(workspace, 'moving');
    const mount = async (by: TestNode, name: string): Promise<void> => {
      const made = await by.call('POST', `sys/mounts/${name}`, { type: 'kv-v2' });
      assert.is(made.status, 204, made.text);
    };
    for (let i = 0; i < 10; i += 1)
      for (const [j, by] of [cluster.node, other].entries())
        await Promise.all([exportOnce(session, { kind: 'folder', path }), mount(by, `moving-${i}-${j}`)]);
    await other.stop();
  });

  test('comes after what the session before was writing, and no unseal waits for either', async () => {
    const program = join(root, 'slow.sh');
    const log = join(root, 'slow.log');
    const hold = join(root, 'hold');
    writeFileSync(
      program,
      `#!/bin/sh
echo "begin $1" >> "${log}"
cat > /dev/null
while [ -e "${hold}" ]; do sleep 0.02; done
echo "end $1" >> "${log}"
`,
      { mode: 0o700 },
    );
    const lines = (): readonly string[] => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : []);
    const ended = (): number => lines().filter(line => line === 'end keys').length;
    const other = await cluster.newNode({ settings: { keyExport: `exec:${program}` } });
    await until(() => ended() === 1);
    writeFileSync(hold, '');
    await other.call('POST', 'secret/data/slow', { data: { v: 1 } });
    await until(() => lines().at(-1) === 'begin erasure-list');
    assert.is((await other.call('PUT', 'sys/seal')).status, 204);
    assert.is((await other.call('POST', 'sys/unseal', { key: cluster.key })).body.sealed, false);
    // Many times as long as an export takes to begin.
    await new Promise(resolve => setTimeout(resolve, 500));
    rmSync(hold);
    await until(() => ended() === 2);
    for (const [i, line] of lines().entries()) assert.is(line.startsWith('begin '), i % 2 === 0, lines().join(', '));
    await other.stop();
  });

  test('is written once more when the server stops', async () => {
    const before = keys();
    await cluster.node.call('POST', 'secret/data/last', { data: { v: 1 } });
    await cluster.node.program.stop();
    assert.is(keys(), before + 1);
  });
});

describe('recovering a ledger', test => {
  let cluster: TestCluster;
  const root = workspace;
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
  const exportTo = async (name: string): Promise<void> => {
    const { session } = cluster.node.program.nexus;
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
    await until(() => typeof cluster.node.program.nexus.session?.authority.terms.get(1)?.rewrappedAt === 'number');
    const password = 'six words that nobody guesses';
    const added = await cluster.node.call('POST', 'auth/userpass/users/bob', { password, policies: 'root' });
    assert.is(added.status, 204, added.text);
    await exportTo('second');
    dumps.push(await dumpLedger(cluster.db));
    whole = await restored(1);
  });
  test.after(async () => {
    for (const node of nodes) await node.stop();
    await cluster.stop();
    rmSync(workspace, { recursive: true, force: true });
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
