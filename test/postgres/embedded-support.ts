/** Folders, processes and questions for the tests of the embedded server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { ConnectionOptions } from '../../src/postgres/connection.js';
import { type Embedded, type EmbeddedOptions, startEmbedded } from '../../src/postgres/embedded.js';
import { lockFolder } from '../../src/postgres/folder-lock.js';
import { whenSuiteEnds } from '../support/cleanup.js';

/** Not named as the private folders of sockets are, which are removed. */
export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'embedded-'));
  whenSuiteEnds(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** Locked, started, stopped when the suite ends. */
export const start = async (options: EmbeddedOptions): Promise<Embedded> => {
  const lock = lockFolder(options.folder);
  try {
    const server = await startEmbedded(options);
    const stop = async (): Promise<void> => {
      await server.stop();
      lock.release();
    };
    whenSuiteEnds(stop);
    return { ...server, stop };
  } catch (error) {
    lock.release();
    throw error;
  }
};

export const ask = async (connection: ConnectionOptions, text: string): Promise<Record<string, unknown>[]> => {
  const { host, port, database, user, password } = connection;
  const client = new pg.Client({ host, port, database, user, password });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
};

export interface Started {
  readonly child: ChildProcess;
  readonly postmasterPid: number;
  readonly connection: ConnectionOptions;
  /** The exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

/** A program of its own (embedded-process.ts). Rejects with what it printed when it did not start. */
export const startProcess = async (folder: string, options: { uid?: number; gid?: number } = {}): Promise<Started> => {
  const program = fileURLToPath(new URL('embedded-process.js', import.meta.url));
  const child = spawn(process.execPath, [program, folder], { stdio: ['pipe', 'pipe', 'ignore'], ...options });
  whenSuiteEnds(() => void child.kill('SIGKILL'));
  const ended = new Promise<number | string>(resolve =>
    child.once('exit', (code, signal) => resolve(code ?? signal ?? '?')),
  );
  const line = await new Promise<string>(resolve => {
    let text = '';
    child.stdout.on('data', chunk => {
      text += String(chunk);
      if (text.includes('\n')) resolve(text.trim());
    });
    void ended.then(() => resolve(text.trim()));
  });
  if (!line.startsWith('{')) throw new Error(line);
  return { child, ended, ...JSON.parse(line) };
};

export const lives = (pid: number): boolean => {
  try {
    // A zombie is nobody, but is still there for `kill`.
    return process.platform === 'linux'
      ? !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
      : process.kill(pid, 0);
  } catch {
    return false;
  }
};

export const until = async (holds: () => boolean, withinMs = 10_000): Promise<boolean> => {
  for (let waited = 0; waited < withinMs; waited += 10) {
    if (holds()) return true;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  return holds();
};

export const logOf = (folder: string): string => readFileSync(join(folder, 'postgres', 'postgres.log'), 'utf8');
