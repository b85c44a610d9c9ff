/** The key export that a server keeps up to date: after each change, in order, whatever else goes on; and what stops it is said. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exportOnce } from '../../src/key-export/keeper.js';
import { EXPORT_FILES } from '../../src/key-export/target.js';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

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
  const workspace = mkdtempSync(join(tmpdir(), 'tallystick-key-export-'));
  const root = join(workspace, 'kept');
  test.before(async () => {
    mkdirSync(root);
    cluster = await testCluster({ shares: 1, threshold: 1 }, { keyExport: `folder:${root}` });
  });
  test.after(async () => {
    await cluster.stop();
    rmSync(workspace, { recursive: true, force: true });
  });

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
