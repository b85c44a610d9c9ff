/** Several processes on one port: unsealed once, each as current as the other, replaced when one is killed, ended together. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Agent, fetch } from 'undici';
import * as assert from 'uvu/assert';
import type { Json } from '../support/cluster.js';
import { describe } from '../support/describe.js';

const program = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'src', 'cli', 'main.js');
const WORKERS = 2;
const READY_MS = 40_000;
const CALL_MS = 15_000;
/** Every request on a connection of its own. */
const unkept = new Agent({ pipelining: 0 });

let folder = '';
/** What the server wrote to its error output. */
let said = '';
let child: ChildProcess;
let address = '';
let token = '';
/** What opens it now. */
let shares: readonly string[] = [];

const until = async (what: string, happened: () => boolean): Promise<void> => {
  for (let waited = 0; !happened(); waited += 50) {
    assert.ok(waited < READY_MS, what);
    await sleep(50);
  }
};

/** Each call on a connection of its own, so that the workers take turns. */
const call = async (
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: Json }> => {
  const response = await fetch(`${address}/v1/${path}`, {
    method,
    headers: { 'x-vault-token': token, ...headers },
    dispatcher: unkept,
    signal: AbortSignal.timeout(CALL_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
};

/** Children of the keeper that are workers, by their command line. */
const workers = (): number[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        return Number(parent) === child.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('workers/main.js');
      } catch {
        return false;
      }
    })
    .map(Number);

describe('a server of several workers', test => {
  if (process.platform !== 'linux') return;

  test.before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tallystick-workers-'));
    child = spawn(process.execPath, [program, 'server', '--workers', String(WORKERS)], {
      env: {
        ...process.env,
        TALLYSTICK_DATA: folder,
        TALLYSTICK_LISTEN: '127.0.0.1:0',
        TALLYSTICK_ERASURE_KEY: `file:${join(folder, 'erasure-keys')}`,
        DATABASE_URL: '',
        TALLYSTICK_LOG: 'fatal',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.on('data', chunk => (said += String(chunk)));
    await until('it listens', () => /listens on (\S+)/.test(said) || child.exitCode !== null);
    address = /listens on (\S+)/.exec(said)?.[1] ?? '';
    assert.not.equal(address, '', said);
    const made = await call('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 });
    assert.is(made.status, 200);
    token = made.body.root_token;
    shares = made.body.keys;
    assert.is((await call('PUT', 'sys/unseal', { key: shares[0] })).body.sealed, false);
  });

  test.after(async () => {
    child.kill('SIGKILL');
    for (const pid of workers()) process.kill(pid, 'SIGKILL');
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test('is unsealed once for all of them, and a write on one is read on each', async () => {
    assert.is(workers().length, WORKERS);
    for (let version = 1; version <= 4; version += 1) {
      const written = await call('POST', 'secret/data/shared', { data: { version } });
      assert.is(written.body.data.version, version);
      for (let i = 0; i < 2 * WORKERS; i += 1)
        assert.is((await call('GET', 'secret/data/shared')).body.data.data.version, version);
    }
    assert.equal((await call('GET', 'secret/metadata/?list=true')).body.data.keys, ['shared']);
  });

  test('gives a wrapped answer to one of many, whichever they ask', async () => {
    const made = await call('GET', 'secret/data/shared', undefined, { 'x-vault-wrap-ttl': '60' });
    const wrapping = made.body.wrap_info.token;
    const replies = await Promise.all(
      Array.from({ length: 4 * WORKERS }, () => call('POST', 'sys/wrapping/unwrap', { token: wrapping })),
    );
    assert.equal(replies.map(({ status }) => status).sort(), [200, ...Array(4 * WORKERS - 1).fill(400)]);
  });

  test('revokes a token on all of them at once', async () => {
    const made = await call('POST', 'auth/token/create', { policies: ['default'] });
    const asked = () =>
      fetch(`${address}/v1/auth/token/lookup-self`, {
        headers: { 'x-vault-token': made.body.auth.client_token },
        dispatcher: unkept,
      });
    assert.is((await asked()).status, 200);
    await fetch(`${address}/v1/auth/token/revoke-self`, {
      method: 'POST',
      headers: { 'x-vault-token': made.body.auth.client_token },
    });
    for (let i = 0; i < 2 * WORKERS; i += 1) assert.is((await asked()).status, 403);
  });

  test('collects the shares of a rekey in one place, and every worker knows the new ones', async () => {
    const wanted = { secret_shares: 2, secret_threshold: 2 };
    const { nonce } = (await call('PUT', 'sys/rekey/init', wanted)).body;
    for (let i = 0; i < 2 * WORKERS; i += 1) assert.is((await call('GET', 'sys/rekey/init')).body.nonce, nonce);
    const done = (await call('PUT', 'sys/rekey/update', { key: shares[0], nonce })).body;
    shares = done.keys;
    assert.equal([done.complete, done.keys.length], [true, 2]);
    for (let i = 0; i < 2 * WORKERS; i += 1) {
      const { slots } = (await call('GET', 'sys/ledger/slots')).body.data;
      assert.equal(
        slots.map((slot: Json) => slot.secret_threshold),
        [2],
      );
    }
  });

  test('adds up the metrics of all of them', async () => {
    const { body } = await call('GET', 'sys/metrics');
    const counted = /tallystick_http_requests_total\{method="POST",route="kv\/data",status="200"\} (\d+)/.exec(body);
    assert.is(counted?.[1], '4');
  });

  test('are asked for metrics as often as anybody likes, and nothing is left of it', async () => {
    for (let n = 0; n < 12; n += 1) assert.is((await call('GET', 'sys/metrics')).status, 200);
    assert.not.match(said, /MaxListenersExceededWarning/);
  });

  test('rotates the root key under load: each worker is told the new one, and none pauses', async () => {
    const { nonce } = (await call('POST', 'sys/ledger/root-key', {})).body.data;
    const given = async (keys: readonly string[]): Promise<Json> => {
      let last: Json = null;
      for (const key of keys) last = (await call('POST', 'sys/ledger/root-key/update', { key, nonce })).body.data;
      return last;
    };
    const fresh = (await given(shares)).keys;
    let going = true;
    const answers: number[] = [];
    const load = Array.from({ length: 4 }, async (_, i) => {
      while (going) {
        answers.push((await call('POST', `secret/data/load/${i}`, { data: {} })).status);
        answers.push((await call('GET', 'secret/data/shared')).status);
      }
    });
    assert.is((await given(fresh)).root_generation, 2);
    await sleep(300);
    going = false;
    await Promise.all(load);
    assert.equal(
      answers.filter(status => status !== 200),
      [],
    );
    assert.ok(answers.length > 10);
    for (let i = 0; i < 3 * WORKERS; i += 1)
      assert.is((await call('POST', 'secret/data/after', { data: { i } })).body.data.version, i + 1);
  });

  test('goes on when one is killed, and replaces it unsealed', async () => {
    const [killed = 0] = workers();
    process.kill(killed, 'SIGKILL');
    await until('another takes its place', () => workers().length === WORKERS && !workers().includes(killed));
    const unsealed = async (): Promise<boolean> => {
      for (let i = 0; i < 3 * WORKERS; i += 1)
        // A request that the killed one held is lost; its client sees that by its own patience.
        if ((await call('GET', 'secret/data/shared').catch(() => null))?.status !== 200) return false;
      return true;
    };
    for (let tries = 0; !(await unsealed()); tries += 1) {
      assert.ok(tries < 100, 'the new one is unsealed');
      await sleep(100);
    }
  });

  test('seals all of them before it answers', async () => {
    assert.is((await call('PUT', 'sys/seal')).status, 204);
    for (let i = 0; i < 3 * WORKERS; i += 1) assert.is((await call('GET', 'secret/data/shared')).status, 503);
  });

  test('ends on a signal, and leaves none of them behind', async () => {
    const before = workers();
    child.kill('SIGTERM');
    await until('it ends', () => child.exitCode !== null);
    assert.is(child.exitCode, 0);
    const living = before.filter(pid => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    });
    assert.equal(living, []);
  });
});
