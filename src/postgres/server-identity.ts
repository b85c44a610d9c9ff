/**
 * Who the embedded server runs as. PostgreSQL refuses root, so a root start drops to an unprivileged user; and where that
 * user cannot walk to the data folder (a clone under root's closed home), the one capability to read and search folders is
 * left to it, through setpriv.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnusableDatabase } from './connection-url.js';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** True: the folders are out of its reach without the capability. */
  readonly needsReach: boolean;
}

/** Null when this process is not root: the server runs as the same user. */
export const serverIdentity = async (...folders: readonly string[]): Promise<Identity | null> => {
  if (process.getuid?.() !== 0) return null;
  const user = unprivileged();
  const needsReach = folders.some(folder => !canReach(folder, user));
  if (needsReach && !hasSetpriv())
    throw new UnusableDatabase(
      `PostgreSQL does not run as root, and the user it would run as cannot enter ${folders[0] ?? 'the data folder'}: run as an ordinary user, or set TALLYSTICK_DATA and the clone to folders that others may enter`,
    );
  return { ...user, needsReach };
};

const unprivileged = (): { uid: number; gid: number } => {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find(line => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined && Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  return { uid: 65_534, gid: 65_534 };
};

/** Whether every folder on the way may be searched by that user. */
const canReach = (folder: string, { uid, gid }: { uid: number; gid: number }): boolean => {
  for (let at = folder; ; at = dirname(at)) {
    const found = statSync(at);
    const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
    // The data folder itself will belong to that user.
    if (at !== folder && (found.mode & bit) === 0) return false;
    if (at === dirname(at)) return true;
  }
};

const hasSetpriv = (): boolean => {
  try {
    return execFileSync('setpriv', ['--help'], { encoding: 'utf8' }).includes('ambient-caps');
  } catch {
    return false;
  }
};

/** Starts a program of the server's as `identity`, with the libraries in `libraries`, in a process group of its own. */
export const launcher =
  (identity: Identity | null, libraries: string) =>
  (program: string, args: readonly string[], cwd: string, output: number | 'pipe'): ChildProcess => {
    const reach = identity?.needsReach ? ['+dac_read_search'] : [];
    const capabilities = ['-all', ...reach].join(',');
    const wrapped: [string, readonly string[]] =
      identity?.needsReach === true
        ? [
            'setpriv',
            [
              `--reuid=${identity.uid}`,
              `--regid=${identity.gid}`,
              '--clear-groups',
              `--inh-caps=${capabilities}`,
              `--ambient-caps=${capabilities}`,
              `--bounding-set=${capabilities}`,
              program,
              ...args,
            ],
          ]
        : [program, args];
    return spawn(wrapped[0], wrapped[1], {
      cwd,
      // A Ctrl-C in the terminal is for our program, which then stops the server in order.
      detached: true,
      stdio: ['ignore', output, output],
      env: {
        PATH: process.env.PATH ?? '/usr/bin:/bin',
        LD_LIBRARY_PATH: libraries,
        DYLD_LIBRARY_PATH: libraries,
        LC_ALL: 'C',
      },
      ...(identity === null || identity.needsReach ? {} : { uid: identity.uid, gid: identity.gid }),
    });
  };
