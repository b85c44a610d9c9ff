/**
 * The server that may still run on a data folder: one whose parent was killed goes on. It is recognised by its working
 * directory and not by its number alone, which another process may have got meanwhile.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

/** Beside the data, or, where that path is too long, a private temporary folder whose name begins so. */
export const SOCKET_FOLDER = 'socket';
export const SOCKET_PREFIX = 'tallystick-';

const STEP_MS = 20;
const QUIT_AFTER_MS = 10_000;
const KILL_AFTER_MS = 15_000;

/**
 * Returns when no process works on the folder any more. The caller holds the folder's lock, so whoever is found was left
 * behind. A postmaster.pid that names somebody else's process, or that a crash left empty, would stop the new server for
 * ever, and so would its socket's lock, which names the same process: they are removed.
 */
export const stopOrphan = async (data: string): Promise<void> => {
  const file = readPidFile(data);
  // A number below zero is of a person who repairs the data by hand: PostgreSQL refuses, and says so.
  if (file === null || file.pid < 0) return;
  // Of a living server only the postmaster is told: it ends its children, and flushes.
  if (serversIn(data, file.pid).includes(file.pid)) send(file.pid, 'SIGINT');
  for (let waited = 0; ; waited += STEP_MS) {
    const left = serversIn(data, file.pid);
    if (left.length === 0) break;
    if (waited === QUIT_AFTER_MS) for (const pid of left) send(pid, 'SIGQUIT');
    if (waited >= KILL_AFTER_MS) for (const pid of left) send(pid, 'SIGKILL');
    await new Promise(resolve => setTimeout(resolve, STEP_MS));
  }
  // A private folder for the socket is left behind with the server. The file is the server's: no other path is believed.
  const socket = resolve(file.socket);
  if (dirname(socket) === tmpdir() && basename(socket).startsWith(SOCKET_PREFIX)) remove(socket);
  if (file.pid === 0 || send(file.pid, 0)) {
    remove(join(data, 'postmaster.pid'));
    remove(join(dirname(data), SOCKET_FOLDER));
  }
};

const remove = (path: string): void => rmSync(path, { recursive: true, force: true });

interface PidFile {
  /** 0: it names nobody. */
  readonly pid: number;
  readonly socket: string;
}

/** Lines: pid, data folder, start, port, socket folder … (miscadmin.h) */
const readPidFile = (data: string): PidFile | null => {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return { pid: Number.isInteger(pid) ? pid : 0, socket: lines[4] ?? '' };
  } catch {
    return null;
  }
};

/** PostgreSQL's processes on the folder: postmaster and children. Without /proc only `pid` can be judged. */
const serversIn = (data: string, pid: number): number[] => {
  let folder: string;
  try {
    folder = realpathSync(data);
  } catch {
    return [];
  }
  if (process.platform !== 'linux') return commandOf(pid).includes(data) ? [pid] : [];
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => isServerIn(name, folder))
    .map(Number);
};

/** A person's shell may stand in the folder as well. */
const isServerIn = (pid: string, folder: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'postgres\n' && readlinkSync(`/proc/${pid}/cwd`) === folder;
  } catch {
    // Gone, or another user's.
    return false;
  }
};

const commandOf = (pid: number): string => {
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
};

/** False: there is no such process, or it is not ours to signal. */
const send = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
};
