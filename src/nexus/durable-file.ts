/**
 * Files of the data folder that must survive a power cut: written whole (temporary file, fsync, rename, fsync of the folder)
 * or appended a line at a time (fsync), readable by the owner only.
 */
import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

const MODE = 0o600;

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

/** Appends and waits until it is on disk. */
export const appendDurably = async (path: string, line: string): Promise<void> => {
  const file = await open(path, constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY, MODE);
  try {
    await file.write(line);
    await file.sync();
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
