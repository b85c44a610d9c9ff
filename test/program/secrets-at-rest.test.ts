/**
 * What a server process leaves of its secrets where others could look: environment, arguments, log, data folder, tables and
 * a core file. Planted: an administrator's password, a pepper, the shares that init gave, a wrong share, a wrong password.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../src/package-root.js';
import { whenSuiteEnds } from '../support/cleanup.js';
import type { Json } from '../support/cluster.js';
import { testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';

const main = join(packageRoot, 'dist', 'src', 'cli', 'main.js');
const folder = mkdtempSync(join(tmpdir(), 'tallystick-rest-'));
const [data, cores] = [join(folder, 'data'), join(folder, 'cores')];
const pepper = randomBytes(32);
const PASSWORD = 'zq7rest lantern copper violin';
const WRONG = 'zq7rest wrong lantern copper';

/** A secret in the shapes in which it could lie about: its bytes, hex, base64. */
const shapesOf = (secret: Buffer): readonly Buffer[] => [
  secret,
  Buffer.from(secret.toString('hex')),
  Buffer.from(secret.toString('base64').replace(/=+$/, '')),
];

const holds = (where: Buffer, secret: Buffer): boolean => shapesOf(secret).some(shape => where.includes(shape));

/** In a folder of its own, where it may leave a core file of any size. */
const start = (script: readonly string[], env: NodeJS.ProcessEnv): ChildProcess => {
  const child = spawn('/bin/sh', ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', process.execPath, ...script], {
    ...{ cwd: cores, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  whenSuiteEnds(() => void child.kill('SIGKILL'));
  return child;
};

const coresNow = (): readonly string[] => readdirSync(cores).filter(name => name.startsWith('core'));

/** Ends the process as a crash would; its core file, null where this machine keeps none. */
const coreOf = async (child: ChildProcess): Promise<Buffer | null> => {
  const before = coresNow();
  child.kill('SIGABRT');
  await new Promise(resolve => child.once('exit', resolve));
  const name = coresNow().find(each => !before.includes(each));
  return name === undefined ? null : readFileSync(join(cores, name));
};

describe('the secrets of a server', test => {
  let [log, address] = ['', ''];
  let server: ChildProcess;
  const secrets: Buffer[] = [pepper, Buffer.from(PASSWORD), Buffer.from(WRONG)];

  const post = async (path: string, fields: object): Promise<Json> =>
    (await fetch(`${address}/v1/${path}`, { method: 'POST', body: JSON.stringify(fields) })).json();

  test.before(async () => {
    for (const each of [data, cores]) mkdirSync(each, { mode: 0o700 });
    writeFileSync(join(folder, 'pepper'), pepper, { mode: 0o600 });
    const database = await testDatabase();
    server = start([main, 'server'], {
      ...{
        DATABASE_URL: database.url,
        TALLYSTICK_DATA: data,
        TALLYSTICK_LISTEN: '127.0.0.1:0',
        TALLYSTICK_LOG: 'trace',
      },
      ...{ TALLYSTICK_PEPPER_FILE: join(folder, 'pepper'), TALLYSTICK_ERASURE_KEY: 'none' },
    });
    for (const stream of [server.stdout, server.stderr]) stream?.on('data', chunk => (log += String(chunk)));
    for (; address === ''; address = /listens on (\S+)/.exec(log)?.[1] ?? '') {
      assert.is(server.exitCode, null, log);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    const made = await post('sys/init', {
      ...{ secret_shares: 3, secret_threshold: 2, admin_name: 'ada', admin_password: PASSWORD },
    });
    for (const key of made.keys) secrets.push(Buffer.from(key, 'hex'));
    const wrong = randomBytes(33);
    secrets.push(wrong);
    await post('sys/unseal', { key: wrong.toString('hex') });
    await post('sys/unseal', { reset: true });
    for (const key of made.keys.slice(0, 2)) await post('sys/unseal', { key });
    const status: Json = await (await fetch(`${address}/v1/sys/seal-status`)).json();
    assert.is(status.sealed, false, log);
    assert.ok((await post('auth/userpass/login/ada', { password: PASSWORD })).auth.client_token.startsWith('hvs.'));
    await post('auth/userpass/login/ada', { password: WRONG });
    await post('sys/rekey/init', { secret_shares: 3, secret_threshold: 2 });
    whenSuiteEnds(() => rmSync(folder, { recursive: true, force: true }));
  });

  test('are in no argument, environment, log line, file of the data folder', () => {
    const places: [string, Buffer][] = [['log', Buffer.from(log)]];
    if (process.platform === 'linux')
      for (const name of ['environ', 'cmdline']) places.push([name, readFileSync(`/proc/${server.pid}/${name}`)]);
    for (const file of readdirSync(data, { recursive: true, encoding: 'utf8' }))
      if (statSync(join(data, file)).isFile()) places.push([file, readFileSync(join(data, file))]);
    assert.ok(places.length > 4 && log.includes('listens on'));
    for (const [name, bytes] of places)
      secrets.forEach((secret, i) => {
        assert.not(holds(bytes, secret), `secret ${i} in ${name}`);
      });
  });

  test('are in no core file, where another program’s would be', async () => {
    const script = join(folder, 'careless.mjs');
    writeFileSync(
      script,
      `import { readFileSync } from 'node:fs'; globalThis.kept = readFileSync(${JSON.stringify(join(folder, 'pepper'))});
       console.log('ready'); setInterval(() => {}, 1000);`,
    );
    const careless = start([script], {});
    await new Promise(resolve => careless.stdout?.once('data', resolve));
    const control = await coreOf(careless);
    // A machine that pipes core files elsewhere, or allows none, shows nothing here.
    if (control === null) return;
    assert.ok(holds(control, pepper), 'the search finds what is there');
    const core = await coreOf(server);
    if (core !== null) for (const secret of secrets) assert.not(holds(core, secret));
  });
});
