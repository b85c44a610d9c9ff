/**
 * Files that hold a token. They are written so that at no moment anyone else can read them or find half of one, and are
 * not believed when somebody else could have read or written them.
 */
import { mkdir, open, rename, rm } from 'node:fs/promises';
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

/** Replaces the file as a whole, mode 0600, in a folder of mode 0700 when that has to be made. Durable when it returns. */
export const writePrivateFile = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.new`;
  // A draft that an earlier process of this number left behind; 'wx' below never opens a file that another one made.
  await rm(draft, { force: true });
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  // If we die before this line the old login is still whole; after it, the new one is.
  await rename(draft, path);
};
