/** A dev server in a process of its own that can be killed, callers that keep on, and what must be true afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as t from 'io-ts';
import * as assert from 'uvu/assert';

const program = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'src', 'cli', 'main.js');
const DevFile = t.type({ address: t.string, token: t.string });
const READY_MS = 30_000;

export const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

export interface Running {
  readonly child: ChildProcess;
  readonly address: string;
  readonly token: string;
  readonly postmaster: number;
}

export const start = async (folder: string): Promise<Running> => {
  const devFile = join(folder, 'dev.json');
  const before = existsSync(devFile) ? readFileSync(devFile, 'utf8') : '';
  const child = spawn(process.execPath, [program, 'dev'], {
    env: {
      ...process.env,
      TALLYSTICK_DATA: folder,
      TALLYSTICK_LISTEN: '127.0.0.1:0',
      DATABASE_URL: '',
      TALLYSTICK_LOG: 'error',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', chunk => (said += String(chunk)));
  for (let waited = 0; waited < READY_MS; waited += 50) {
    assert.is(child.exitCode, null, `the server ended while starting: ${said}`);
    if (said.includes('is ready on') && existsSync(devFile)) {
      const text = readFileSync(devFile, 'utf8');
      const parsed: unknown = JSON.parse(text);
      if (DevFile.is(parsed) && (text !== before || said.includes(parsed.address))) {
        const pid = Number(readFileSync(join(folder, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
        return { child, address: parsed.address, token: parsed.token, postmaster: pid };
      }
    }
    await sleep(50);
  }
  throw new Error(`the server did not become ready: ${said}`);
};

export const call = (server: Running, method: string, path: string, body?: object): Promise<Response> =>
  fetch(`${server.address}/v1/${path}`, {
    method,
    headers: { 'x-vault-token': server.token },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });

/** What a writer was told: value by version, as acknowledged. */
export type Acknowledged = Map<string, { version: number; value: number }[]>;

/** Writes to its own secrets until it is stopped; what fails is not counted, and not known to have failed either. */
export const writer = async (
  server: Running,
  name: string,
  acknowledged: Acknowledged,
  going: () => boolean,
): Promise<void> => {
  for (let value = Date.now() * 1000; going(); value += 1) {
    try {
      const response = await call(server, 'POST', `secret/data/crash/${name}`, { data: { value } });
      if (response.status !== 200) continue;
      const { data } = (await response.json()) as { data: { version: number } };
      acknowledged.set(name, [...(acknowledged.get(name) ?? []), { version: data.version, value }]);
      const read = await call(server, 'GET', `secret/data/crash/${name}`);
      if (read.status !== 200) continue;
      const seen = (await read.json()) as { data: { metadata: { version: number } } };
      if (seen.data.metadata.version !== data.version) stale.push(`${name} ${data.version}`);
    } catch {
      if (!going()) return;
      await sleep(5);
    }
  }
};

/** Reads that did not see the write before them, by their own writer. */
const stale: string[] = [];

export const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise(resolve => child.once('exit', () => resolve()));

/** Everything that was acknowledged is there, in the version that was told. */
export const checkAcknowledged = async (server: Running, acknowledged: Acknowledged): Promise<void> => {
  assert.equal(stale, [], 'each read saw the write before it');
  for (const [name, writes] of acknowledged) {
    // Older versions are pruned: those that the key still keeps are looked at, and the newest above all.
    for (const { version, value } of writes.slice(-5)) {
      const response = await call(server, 'GET', `secret/data/crash/${name}?version=${version}`);
      if (response.status === 404 && version !== writes.at(-1)?.version) continue;
      assert.is(response.status, 200, `${name} version ${version}`);
      const { data } = (await response.json()) as { data: { data: { value: number } } };
      assert.is(data.data.value, value, `${name} version ${version}`);
    }
  }
};

export const checkLedger = async (server: Running): Promise<number> => {
  let after = '0';
  let expected = 1;
  for (;;) {
    const response = await call(server, 'GET', `sys/ledger/events?outcome=ok&after=${after}&limit=1000`);
    assert.is(response.status, 200);
    const { data } = (await response.json()) as {
      data: { events: { position: number; index: number; type: string }[]; next: string | null };
    };
    for (const { position } of data.events) {
      assert.ok(position >= expected - 1, 'positions are in order');
      expected = position + 1;
    }
    if (data.next === null) break;
    after = data.next;
  }
  const verified = await call(server, 'POST', 'sys/ledger/projections/verify', {});
  const { data } = (await verified.json()) as { data: { differences: number; projections: { position: number }[] } };
  assert.is(verified.status, 200);
  assert.is(data.differences, 0, 'projections equal replay');
  return expected - 1;
};
