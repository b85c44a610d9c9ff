/** Who the embedded server runs as: never root, and with no more than it needs to reach its files. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { nativeFolder } from '../../src/postgres/binaries.js';
import { describe } from '../support/describe.js';
import { ask, newFolder, start, startProcess } from './embedded-support.js';

const NOBODY = 65_534;
/** Bits of CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH. */
const [OVERRIDE, READ_SEARCH] = [1n << 1n, 1n << 2n];

const status = (pid: number, field: string): string =>
  new RegExp(`^${field}:[ \\t]*(\\S*)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
const capabilities = (pid: number): bigint[] =>
  ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map(set => BigInt(`0x${status(pid, set)}`));

/** The binaries as npm leaves them where install scripts do not run: without the links that the script makes. */
const copyOfNative = (into: string): string => {
  const copy = join(into, 'native');
  execFileSync('cp', ['-a', nativeFolder(), copy]);
  const links: { target: string }[] = JSON.parse(readFileSync(join(copy, 'pg-symlinks.json'), 'utf8'));
  for (const { target } of links) rmSync(join(copy, 'lib', basename(target)), { force: true });
  return copy;
};

const isRoot = process.getuid?.() === 0 && process.platform === 'linux';

describe('the embedded server of an ordinary user', test => {
  test('writes no core file', async () => {
    if (process.platform !== 'linux') return;
    const server = await start({ folder: newFolder() });
    const limits = readFileSync(`/proc/${server.postmasterPid}/limits`, 'utf8');
    assert.match(limits, /^Max core file size\s+0\s+0\s/m);
    await server.stop();
  });

  test('needs no link in node_modules and writes none', async () => {
    const folder = newFolder();
    const native = copyOfNative(folder);
    const server = await start({ folder, native });
    await ask(server.connection, 'select 1');
    await server.stop();
    const links: { target: string }[] = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'));
    for (const { target } of links)
      assert.is(statSync(join(native, 'lib', basename(target)), { throwIfNoEntry: false }), undefined);
  });
});

// As an ordinary user there is nobody to become.
if (isRoot)
  describe('the embedded server of root', test => {
    test('runs as an unprivileged user without any capability, though the data folder is closed', async () => {
      const folder = newFolder();
      chmodSync(folder, 0o700);
      const server = await start({ folder });
      const uid = Number(status(server.postmasterPid, 'Uid'));
      assert.ok(uid > 0);
      assert.is(status(server.postmasterPid, 'Groups'), '');
      assert.is(capabilities(server.postmasterPid)[2], 0n);
      assert.is(statSync(join(folder, 'postgres', 'data')).uid, uid);
      // Its group walks through and does not see what else lies there.
      const { mode, uid: owner, gid } = statSync(folder);
      assert.equal([mode & 0o777, owner, gid], [0o710, 0, Number(status(server.postmasterPid, 'Gid'))]);
      await server.stop();
    });

    test('reads and searches closed folders, and nothing else, under a closed home', async () => {
      const home = newFolder();
      chmodSync(home, 0o700);
      const folder = join(home, 'clone', '.tallystick');
      mkdirSync(folder, { recursive: true });
      const server = await start({ folder, native: copyOfNative(join(home, 'clone')) });
      assert.ok(Number(status(server.postmasterPid, 'Uid')) > 0);
      for (const set of capabilities(server.postmasterPid)) assert.is(set, READ_SEARCH);
      await ask(server.connection, 'create table kept as select 42 as answer');
      const denied = await ask(server.connection, `copy kept to '${home}/written'`).catch(error => error.code);
      assert.is(denied, '42501');
      await server.stop();
      const again = await start({ folder, native: join(home, 'clone', 'native') });
      assert.equal(await ask(again.connection, 'select answer from kept'), [{ answer: 42 }]);
      await again.stop();
      assert.is(statSync(home).mode & 0o777, 0o700);
    });

    test('may also run what only root may, where the clone itself is closed to others', async () => {
      const folder = newFolder();
      const native = copyOfNative(folder);
      execFileSync('chmod', ['-R', 'go-rwx', native]);
      const server = await start({ folder, native });
      for (const set of capabilities(server.postmasterPid)) assert.is(set, OVERRIDE);
      await server.stop();
    });

    test('goes on as whoever owns the data, after a start by that user', async () => {
      const folder = newFolder();
      chownSync(folder, NOBODY, NOBODY);
      const program = await startProcess(folder, { uid: NOBODY, gid: NOBODY });
      assert.is(Number(status(program.postmasterPid, 'Uid')), NOBODY);
      await ask(program.connection, 'create table kept as select 42 as answer');
      program.child.stdin?.write('stop\n');
      assert.is(await program.ended, 0);
      const server = await start({ folder });
      assert.is(Number(status(server.postmasterPid, 'Uid')), NOBODY);
      assert.equal(await ask(server.connection, 'select answer from kept'), [{ answer: 42 }]);
      await server.stop();
    });

    test('whose folder an ordinary user may not write is refused to that user in words', async () => {
      const folder = newFolder();
      const refused = await startProcess(folder, { uid: NOBODY, gid: NOBODY }).catch((error: Error) => error.message);
      assert.is(refused, `the data folder ${folder} cannot be written (EACCES): another user's, or read-only?`);
    });
  });
