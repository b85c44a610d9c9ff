/** `tally dev`: its first start and its end, also where one of them was cut short. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readConfig } from '../../src/config.js';
import { startDev } from '../../src/dev.js';
import { packageRoot } from '../../src/package-root.js';
import { createLogger, type Program } from '../../src/program.js';
import { whenSuiteEnds } from '../support/cleanup.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-dev-'));
  whenSuiteEnds(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

describe('tally dev', test => {
  let database: TestDatabase;
  test.before(async () => {
    database = await testDatabase();
  });

  const start = (folder: string, heard: string[] = []): Promise<Program> => {
    const config = readConfig({ data: folder, listen: '127.0.0.1:0', log: 'silent', databaseUrl: database.url }, {});
    if (config._tag === 'Left') throw new Error(config.left);
    return startDev(config.right, createLogger(config.right), text => heard.push(text));
  };

  test('makes no ledger whose root token is nowhere, and tells of commands that work', async () => {
    const folder = newFolder();
    const kept = join(folder, 'dev.json');
    // Where its draft would be written: a disk that is full, or a crash, in that very moment.
    mkdirSync(`${kept}.${process.pid}.new`);
    let failed = false;
    await start(folder).catch(() => {
      failed = true;
    });
    assert.ok(failed);
    rmdirSync(`${kept}.${process.pid}.new`);

    const heard: string[] = [];
    const program = await start(folder, heard);
    try {
      const { address, token } = JSON.parse(readFileSync(kept, 'utf8'));
      const self = await fetch(`${address}/v1/auth/token/lookup-self`, { headers: { 'x-vault-token': token } });
      assert.is(self.status, 200);
    } finally {
      await program.stop();
    }
    // A value is never read from a terminal by `-`; it is asked for.
    assert.match(heard.join('\n'), 'tally put secret/app password=?');

    writeFileSync(kept, '{"address": ');
    const damaged = await start(folder).catch((error: unknown) => error);
    assert.match(
      damaged instanceof Error ? damaged.message : '',
      /dev\.json with the root token is missing or damaged/,
    );
  });

  test('ends when its port is in use, with nothing left running', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    whenSuiteEnds(() => void other.close());
    const bound = other.address();
    const folder = newFolder();
    const child = spawn(process.execPath, [join(packageRoot, 'dist', 'src', 'cli', 'main.js'), 'dev'], {
      env: {
        ...{ PATH: process.env.PATH, HOME: folder, TALLYSTICK_DATA: folder, DATABASE_URL: database.url },
        TALLYSTICK_LISTEN: `127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`,
      },
      stdio: 'ignore',
    });
    whenSuiteEnds(() => void child.kill('SIGKILL'));
    let code: number | null = null;
    child.once('exit', ended => {
      code = ended;
    });
    await until('the program ends', () => code !== null);
    assert.is(code, 3);
    assert.not.ok(existsSync(join(folder, 'lock')));
  });

  test('drains when it is told to end while it still starts', async () => {
    const folder = newFolder();
    const child = spawn(process.execPath, [join(packageRoot, 'dist', 'src', 'cli', 'main.js'), 'dev'], {
      env: { PATH: process.env.PATH, HOME: folder, TALLYSTICK_DATA: folder, TALLYSTICK_LISTEN: '127.0.0.1:0' },
      stdio: 'ignore',
    });
    whenSuiteEnds(() => void child.kill('SIGKILL'));
    const running = join(folder, 'postgres', 'data', 'postmaster.pid');
    await until('PostgreSQL starts', () => existsSync(running), 60_000);
    child.kill('SIGTERM');
    const code = await new Promise(resolve => child.once('exit', resolve));
    assert.is(code, 0);
    assert.not.ok(existsSync(running));
    assert.not.ok(existsSync(join(folder, 'lock')));
  });
});
