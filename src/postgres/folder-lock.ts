/**
 * One program for each data folder. The lock file names the process and when it started, so that a lock left behind by
 * `kill -9` is seen to be stale even if the process number was given to somebody else.
 */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
}

export interface FolderLock {
  release(): void;
}

/** Something that differs between two processes of the same number; null when there is no such process. */
const startOf = (pid: number): string | null => {
  try {
    // Field 22 of /proc/PID/stat: start time in clock ticks since boot. The name before it may hold blanks.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return process.platform === 'linux' ? null : startByPs(pid);
  }
};

const startByPs = (pid: number): string | null => {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
};

const holderOf = (path: string): number | null => {
  try {
    const [pid, start] = readFileSync(path, 'utf8').trim().split(' ');
    const number = Number(pid);
    return Number.isInteger(number) && start !== undefined && startOf(number)?.replaceAll(' ', '_') === start
      ? number
      : null;
  } catch {
    return null;
  }
};

/** Throws `FolderInUse` while another living process holds the folder. Makes the folder (0700) if it is missing. */
export const lockFolder = (folder: string): FolderLock => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'lock');
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, `${process.pid} ${(startOf(process.pid) ?? '0').replaceAll(' ', '_')}\n`, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        // A link appears with its content, or not at all: nobody reads a half-written lock.
        linkSync(mine, path);
        return { release: () => rmSync(path, { force: true }) };
      } catch {
        const holder = holderOf(path);
        if (holder !== null)
          throw new FolderInUse(
            `the data folder ${folder} is in use by process ${holder}: stop that one first, or choose another folder with TALLYSTICK_DATA`,
          );
        // Stale: moved aside, so that of two starters only one removes it.
        try {
          renameSync(path, `${mine}.stale`);
        } catch {
          // The other starter was faster.
        }
        rmSync(`${mine}.stale`, { force: true });
      }
    }
    throw new FolderInUse(`the data folder ${folder} is being started by another process`);
  } finally {
    rmSync(mine, { force: true });
  }
};
