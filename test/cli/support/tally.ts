/**
 * Runs the built command as users do: a process of its own, with an empty home, an empty folder and nothing of this
 * process's environment but the way to node.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

export interface Home {
  readonly folder: string;
  readonly remove: () => Promise<void>;
}

export const newHome = async (): Promise<Home> => {
  const folder = await mkdtemp(join(tmpdir(), 'tally-cli-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
};

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface How {
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** A shell's line around the command, which is `"$@"` there. */
  readonly shell?: string;
}

export const startTally = (args: readonly string[], how: How): ChildProcessWithoutNullStreams =>
  spawn('bash', ['-c', how.shell ?? 'exec "$@"', 'bash', process.execPath, MAIN, ...args], {
    cwd: how.home,
    env: { PATH: process.env.PATH ?? '', HOME: how.home, ...how.env },
  });

export const tally = (args: readonly string[], how: How): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = startTally(args, how);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // A command that does not read its input closes it early; that is its right.
    child.stdin.on('error', () => {});
    child.on('error', reject);
    child.on('close', code => resolve({ code, stdout, stderr }));
    child.stdin.end(how.input ?? '');
  });
