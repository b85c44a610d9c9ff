/**
 * One program for each data folder. The lock file names the process and when it started, so that a lock left behind by
 * `kill -9` is seen to be stale even if the process number was given to somebody else.
 *
 * It protects against programs on this machine that see each other: two containers that share a volume do not.
 */
import { execFileSync } from 'node:child_process';
import { constants, copyFileSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
}

export interface FolderLock {
  release(): void;
}

const ATTEMPTS = 100;

/**
 * Throws `FolderInUse` while another living process holds the folder, and where this one may not write to it. Makes the
 * folder (0700) if it is missing.
 */
export const lockFolder = (folder: string): FolderLock => {
  const path = join(folder, 'lock');
  const mine = `${path}.${process.pid}`;
  const content = `${process.pid} ${startOf(process.pid) ?? '0'}\n`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(mine, content, { mode: 0o600 });
  } catch (error) {
    throw new FolderInUse(
      `the data folder ${folder} cannot be written (${codeOf(error)}): another user's, or read-only?`,
    );
  }
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (appears(mine, path)) return { release: () => release(path, content) };
      const found = read(path);
      const holder = found === null ? null : holderOf(found);
      if (holder !== null)
        throw new FolderInUse(
          `the data folder ${folder} is in use by process ${holder}: stop that one first, or choose another folder with TALLYSTICK_DATA`,
        );
      if (found !== null && replaceStale(path, mine, found)) return { release: () => release(path, content) };
    }
    throw new FolderInUse(`the data folder ${folder} is being started by another process`);
  } finally {
    rmSync(mine, { force: true });
  }
};

/** A link appears with its content, or not at all: nobody reads a half-written lock. False: there is one already. */
const appears = (mine: string, path: string): boolean => {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
  }
  try {
    // A file system without hard links.
    copyFileSync(mine, path, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
};

/**
 * Of several starters that saw the same stale lock, the one that makes `lock.takeover` may replace it, if it is still the
 * one that was seen; the others look again. If we die in between, that file is stale too, and is removed.
 */
const replaceStale = (path: string, mine: string, stale: string): boolean => {
  const takeover = `${path}.takeover`;
  if (!appears(mine, takeover)) {
    const other = read(takeover);
    if (other !== null && holderOf(other) === null) rmSync(takeover, { force: true });
    return false;
  }
  try {
    if (read(path) !== stale) return false;
    renameSync(mine, path);
    return true;
  } finally {
    rmSync(takeover, { force: true });
  }
};

const release = (path: string, content: string): void => {
  if (read(path) === content) rmSync(path, { force: true });
};

const read = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};

/** The process that a lock names, if that very process still lives. */
const holderOf = (content: string): number | null => {
  const [pid, start] = content.trim().split(' ');
  const number = Number(pid);
  return Number.isInteger(number) && start !== undefined && startOf(number) === start ? number : null;
};

/** Something that differs between two processes of the same number; null when there is no such process. */
const startOf = (pid: number): string | null => {
  try {
    // Fields 3 and 22 of /proc/PID/stat: state, and start in clock ticks since boot. The name before them may hold blanks.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie is dead, even if nobody ever collects it (a container without an init).
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return process.platform === 'linux' ? null : startByPs(pid);
  }
};

const startByPs = (pid: number): string | null => {
  try {
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return text === '' ? null : text.replaceAll(' ', '_');
  } catch {
    return null;
  }
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
