/** Child processes of a benchmark run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as t from 'io-ts';

const here = dirname(fileURLToPath(import.meta.url));
const PROGRAM = join(here, '..', '..', 'src', 'cli', 'main.js');
const DevFile = t.type({ address: t.string, token: t.string });
const Made = t.type({ keys: t.array(t.string), root_token: t.string });
const Load = t.type({
  rate: t.number,
  p50: t.number,
  p99: t.number,
  failed: t.number,
  requests: t.number,
  /** µs of the process that made the load. */
  cpu: t.number,
});
export type Load = t.TypeOf<typeof Load>;

const output = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', chunk => (text += String(chunk)));
    child.once('error', reject);
    child.once('exit', () => resolve(text));
  });

export const load = async (
  address: string,
  token: string,
  kind: string,
  connections: number,
  seconds: number,
): Promise<Load> => {
  const args = [join(here, 'load.js'), address, token, kind, String(connections), String(seconds), '1000'];
  const text = await output(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  const parsed: unknown = JSON.parse(text);
  if (!Load.is(parsed)) throw new Error('the load answered something else');
  if (parsed.failed > 0) throw new Error(`${parsed.failed} requests of ${kind} failed`);
  return parsed;
};

export interface Server {
  readonly address: string;
  readonly token: string;
  readonly pid: number;
  readonly folder: string;
  /** ms from spawn to ready */
  readonly readyMs: number;
  stop(): Promise<void>;
}

export const startDevServer = async (folder: string): Promise<Server> => {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [PROGRAM, 'dev'], {
    env: { ...process.env, TALLYSTICK_DATA: folder, TALLYSTICK_LISTEN: '127.0.0.1:0', DATABASE_URL: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', chunk => (said += String(chunk)));
  while (!said.includes('is ready on')) {
    if (child.exitCode !== null) throw new Error(`the server ended: ${said}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  const readyMs = performance.now() - startedAt;
  const file = join(folder, 'dev.json');
  const parsed: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
  if (!DevFile.is(parsed)) throw new Error('dev.json is not there');
  return {
    ...parsed,
    pid: child.pid ?? 0,
    folder,
    readyMs,
    stop: async () => {
      child.kill('SIGTERM');
      await new Promise(resolve => child.once('exit', resolve));
    },
  };
};

/** `tally server` with so many workers on an embedded PostgreSQL of its own, initialised and unsealed. */
export const startServer = async (folder: string, workers: number): Promise<Server> => {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [PROGRAM, 'server'], {
    env: {
      ...process.env,
      ...{ TALLYSTICK_DATA: folder, TALLYSTICK_LISTEN: '127.0.0.1:0', DATABASE_URL: '', TALLYSTICK_LOG: 'error' },
      ...{ TALLYSTICK_WORKERS: String(workers), TALLYSTICK_ERASURE_KEY: 'none' },
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', chunk => (said += String(chunk)));
  const address = (): string | undefined => /listens on (\S+)/.exec(said)?.[1];
  while (address() === undefined) {
    if (child.exitCode !== null) throw new Error(`the server ended: ${said}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  const post = async (path: string, fields: object): Promise<unknown> =>
    (await fetch(`${address()}/v1/${path}`, { method: 'POST', body: JSON.stringify(fields) })).json();
  const made: unknown = await post('sys/init', { secret_shares: 1, secret_threshold: 1 });
  if (!Made.is(made)) throw new Error('the server was not initialised');
  await post('sys/unseal', { key: made.keys[0] });
  return {
    address: address() ?? '',
    token: made.root_token,
    pid: child.pid ?? 0,
    folder,
    readyMs: performance.now() - startedAt,
    stop: async () => {
      child.kill('SIGTERM');
      await new Promise(resolve => child.once('exit', resolve));
    },
  };
};

export interface Empty {
  readonly address: string;
  /** The same with the door for LIST on its sockets. */
  readonly doorAddress: string;
  stop(): void;
}

export const startEmptyServer = async (connection: object): Promise<Empty> => {
  const child = spawn(process.execPath, [join(here, 'empty-server.js'), JSON.stringify(connection)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ports = await new Promise<string>(resolve => child.stdout.once('data', chunk => resolve(String(chunk).trim())));
  const [address = '', doorAddress = ''] = ports.split(' ').map(port => `http://127.0.0.1:${port}`);
  return { address, doorAddress, stop: () => void child.kill('SIGKILL') };
};

/** MB resident, from the kernel. */
export const residentMb = (pid: number): number => {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb ?? 0) / 1024;
};
