/**
 * Files that hold a token or a key. They are written so that at no moment anyone else can read them or find half of one, and are
 * not believed when somebody else could have read or written them.
 */
import { type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliError, ExitCode } from './exit-codes.js';

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/**
 * The text of a file that only its owner can read; `null` when there is no such file. A file that others may read, or
 * that belongs to someone else, is an error that names the file and the fix: its content may be anybody's by now.
 */
export const readPrivateFile = async (path: string): Promise<string | null> => {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return null;
    throw new CliError(ExitCode.denied, `cannot read ${path}`, 'Check who owns it: ls -l');
  });
  if (file === null) return null;
  try {
    // Asked of the open file, not of its name: what is checked is what is read.
    const { mode, uid } = await file.stat();
    const me = process.getuid?.();
    if (me !== undefined && me !== 0 && uid !== me) {
      throw new CliError(
        ExitCode.denied,
        `${path} belongs to another user; it is not read`,
        'Remove it and log in again.',
      );
    }
    if (me !== undefined && (mode & 0o077) !== 0) {
      throw new CliError(
        ExitCode.denied,
        `${path} can be read or written by other users; it is not used`,
        `If its token may have been seen, revoke it. Then: chmod 600 ${path}`,
      );
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
};

const cannotWrite = (path: string) => (error: unknown) => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  throw new CliError(ExitCode.badInput, `${path} cannot be written (${code})`);
};

/** A file whose content comes later: that its place can be written is known before what belongs there is asked for. */
export interface PrivateDraft {
  /** Replaces the file as a whole. Durable when it returns. */
  readonly keep: (text: string) => Promise<void>;
}

/** Mode 0600, in a folder of mode 0700 when that has to be made. Leaves nothing but what was kept. */
export const withPrivateFile = async <A>(path: string, work: (draft: PrivateDraft) => Promise<A>): Promise<A> => {
  const draft = `${path}.${process.pid}.new`;
  const begin = async (): Promise<FileHandle> => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // A draft that an earlier process of this number left behind; 'wx' below never opens a file that another one made.
    await rm(draft, { force: true });
    return open(draft, 'wx', 0o600);
  };
  const file = await begin().catch(cannotWrite(path));
  const finish = async (text: string): Promise<void> => {
    await file.writeFile(text);
    await file.sync();
    // If we die before this line the old file is still whole; after it, the new one is.
    await rename(draft, path);
  };
  try {
    return await work({ keep: text => finish(text).catch(cannotWrite(path)) });
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
};

export const writePrivateFile = (path: string, text: string): Promise<void> =>
  withPrivateFile(path, draft => draft.keep(text));

export const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
