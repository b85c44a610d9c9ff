/**
 * Files of the data folder that must survive a power cut: written whole (temporary file, fsync, rename, fsync of the folder)
 * or appended a line at a time (fsync), readable by the owner only.
 */
import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

const MODE = 0o600;
const NEW_LINE = 10;

/** Of this process: others of the same node may write the same file. */
const temporaryOf = (path: string): string => `${path}.${process.pid}.new`;

/** Replaces the file; a crash leaves the old content or the new, never a part. */
export const writeWhole = async (path: string, content: string | Buffer): Promise<void> => {
  const temporary = temporaryOf(path);
  const file = await open(temporary, 'w', MODE);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
};

/** The same, for the last moments of a process. */
export const writeWholeSync = (path: string, content: string): void => {
  const temporary = temporaryOf(path);
  const file = openSync(temporary, 'w', MODE);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
};

/**
 * Appends whole lines and waits until they, and a file that is new, are on disk. What a crash left of a line before is ended
 * first: run together with it, the new one could not be read either.
 */
export const appendDurably = async (path: string, lines: string): Promise<void> => {
  const file = await open(path, constants.O_APPEND | constants.O_CREAT | constants.O_RDWR, MODE);
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    // `appendFile` writes until all of it is written; one `write` may take a part and say so.
    await file.appendFile(size > 0 && last[0] !== NEW_LINE ? `\n${lines}` : lines);
    await file.sync();
    if (size === 0) await syncFolder(dirname(path));
  } finally {
    await file.close();
  }
};

/** Null when there is no such file. */
export const readIfThere = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
};

export const readIfThereSync = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
};

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
