/** The embedded server's data: made once by initdb, with a random superuser password that is kept beside it. */
import { existsSync } from 'node:fs';
import { chown, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes, randomUuid4 } from '../crypto/random.js';
import { UnusableDatabase } from './connection-url.js';
import type { Launch } from './launcher.js';
import type { ServerUser } from './server-identity.js';

export const SUPERUSER = 'tallystick';

const UNFINISHED = 'data.new-';

/**
 * Makes `<home>/data` if it is missing. initdb works in a folder of another name, which is renamed when it is done: a start
 * that died half way leaves no data folder that looks whole.
 */
export const ensureCluster = async (
  launch: Launch,
  native: string,
  home: string,
  password: string,
  user: ServerUser | null,
): Promise<void> => {
  for (const name of await readdir(home))
    if (name.startsWith(UNFINISHED))
      await rm(join(home, name), { recursive: true, force: true, maxRetries: 5 }).catch(() => undefined);
  const data = join(home, 'data');
  if (existsSync(join(data, 'PG_VERSION'))) return;
  const unfinished = join(home, `${UNFINISHED}${randomUuid4()}`);
  await mkdir(unfinished, { mode: 0o700 });
  const passwordFile = join(home, 'initial-password');
  await writeDurably(passwordFile, password);
  if (user !== null) for (const path of [unfinished, passwordFile]) await chown(path, user.uid, user.gid);
  try {
    await initialise(launch, native, home, unfinished, passwordFile);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(unfinished, data);
  await syncFolder(home);
};

const initialise = async (
  launch: Launch,
  native: string,
  home: string,
  data: string,
  passwordFile: string,
): Promise<void> => {
  const options = ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', '--data-checksums', '--no-instructions'];
  const child = launch(
    join(native, 'bin', 'initdb'),
    [`--pgdata=${data}`, `--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, ...options],
    home,
    'pipe',
  );
  let output = '';
  const hear = (chunk: unknown): void => {
    output += String(chunk);
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new UnusableDatabase(
      `the embedded PostgreSQL could not be set up: ${output.trim().split('\n').at(-1) ?? ''}`,
    );
};

/** Kept in the data folder, readable by its owner only. Never made anew beside an existing cluster, which would not know it. */
export const superuserPassword = async (folder: string, home: string): Promise<string> => {
  const path = join(folder, 'postgres-password');
  const kept = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (kept !== '') return kept;
  if (existsSync(join(home, 'data', 'PG_VERSION')))
    throw new UnusableDatabase(
      `${path} is missing: it holds the password of the embedded PostgreSQL in the same folder, and comes back with it from a backup`,
    );
  const made = randomBytes(24).toString('base64url');
  await writeDurably(path, `${made}\n`);
  await syncFolder(folder);
  return made;
};

const writeDurably = async (path: string, text: string): Promise<void> => {
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
};

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
