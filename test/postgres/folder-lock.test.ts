/** One program for each data folder, and no lock that outlives its holder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { FolderInUse, lockFolder } from '../../src/postgres/folder-lock.js';
import { whenSuiteEnds } from '../support/cleanup.js';
import { describe } from '../support/describe.js';
import { newFolder, until } from './embedded-support.js';

const program = fileURLToPath(new URL('lock-process.js', import.meta.url));

/** Each prints a line; the answer comes when all have. */
const race = async (folder: string, count: number): Promise<{ child: ChildProcess; line: string }[]> => {
  const at = Date.now() + 300 * count;
  return Promise.all(
    Array.from({ length: count }, async () => {
      const child = spawn(process.execPath, [program, folder, String(at)], { stdio: ['ignore', 'pipe', 'inherit'] });
      whenSuiteEnds(() => void child.kill('SIGKILL'));
      const line = await new Promise<string>(resolve =>
        child.stdout.once('data', data => resolve(String(data).trim())),
      );
      return { child, line };
    }),
  );
};

describe('the lock of a data folder', test => {
  test('makes the folder for its owner alone, and is gone when it is released', () => {
    const folder = join(newFolder(), 'new', 'folder');
    const lock = lockFolder(folder);
    assert.is(statSync(folder).mode & 0o777, 0o700);
    assert.equal(readdirSync(folder), ['lock']);
    lock.release();
    assert.equal(readdirSync(folder), []);
    lockFolder(folder).release();
  });

  test('is refused to a second one, and the holder is named', () => {
    const folder = newFolder();
    const lock = lockFolder(folder);
    try {
      lockFolder(folder);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, FolderInUse);
      assert.match(String(error), `is in use by process ${process.pid}`);
    }
    assert.equal(readdirSync(folder), ['lock']);
    lock.release();
  });

  test('is gone with a holder that was killed', async () => {
    const folder = newFolder();
    const [first] = await race(folder, 1);
    assert.is(first?.line, 'got it');
    assert.throws(() => lockFolder(folder), /is in use by process/);
    first?.child.kill('SIGKILL');
    await until(() => first?.child.signalCode !== null);
    lockFolder(folder).release();
  });

  test('does not take another process of the same number for its holder', () => {
    const folder = newFolder();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'lock'), `${process.pid} 1\n`);
    const lock = lockFolder(folder);
    assert.not.match(readFileSync(join(folder, 'lock'), 'utf8'), / 1\n/);
    lock.release();
  });

  test('that a power cut left empty is no lock, nor is a takeover that nobody finished', () => {
    const folder = newFolder();
    for (const content of ['', 'garbage', '999999999 5\n']) {
      writeFileSync(join(folder, 'lock'), content);
      writeFileSync(join(folder, 'lock.takeover'), '999999999 5\n');
      lockFolder(folder).release();
      assert.not(existsSync(join(folder, 'lock.takeover')));
    }
  });

  test('is not released by one whose lock was taken over', () => {
    const folder = newFolder();
    const lock = lockFolder(folder);
    writeFileSync(join(folder, 'lock'), 'somebody else');
    lock.release();
    assert.is(readFileSync(join(folder, 'lock'), 'utf8'), 'somebody else');
  });

  for (const stale of [false, true])
    test(`is got by one of many that come at once${stale ? ' upon a stale one' : ''}`, async () => {
      for (let round = 0; round < 3; round += 1) {
        const folder = newFolder();
        if (stale) writeFileSync(join(folder, 'lock'), '999999999 5\n');
        const racers = await race(folder, 5);
        const winners = racers.filter(({ line }) => line === 'got it');
        assert.is(winners.length, 1, racers.map(({ line }) => line).join('\n'));
        const holder = Number(readFileSync(join(folder, 'lock'), 'utf8').split(' ')[0]);
        assert.is(holder, winners[0]?.child.pid);
        for (const { child } of racers) child.kill('SIGKILL');
      }
    });
});
