/**
 * `tally dev`: a ready server for this machine. Persistent, initialised and unsealed by a key file in the data folder, and
 * logged in: the same code as production, only the key's source and the database differ.
 */
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as t from 'io-ts';
import type pino from 'pino';
import type { Config } from './config.js';
import { wipe } from './crypto/bytes.js';
import { randomBytes } from './crypto/random.js';
import { readIfThere, writeWhole } from './nexus/durable-file.js';
import { initLedger } from './nexus/init.js';
import { nodeFiles } from './nexus/node-files.js';
import { UnusableDatabase } from './postgres/connection-url.js';
import { type Program, startProgram } from './program.js';

const DevFile = t.type({ address: t.string, token: t.string });

export const startDev = async (config: Config, log: pino.Logger, say: (text: string) => void): Promise<Program> => {
  await mkdir(config.dataFolder, { recursive: true, mode: 0o700 });
  const program = await startProgram(config, log);
  try {
    const token = await open(program, config);
    await writeDevFile(config, program.address, token);
    introduce(config, program.address, say);
    return program;
  } catch (error) {
    await program.stop();
    throw error;
  }
};

/** Initialises if there is no ledger yet, unseals, and gives the root token. */
const open = async ({ nexus }: Program, config: Config): Promise<string> => {
  const files = nodeFiles(config.dataFolder);
  const path = join(config.dataFolder, 'dev.json');
  if (!(await nexus.initialised())) {
    const keyFile = randomBytes(32);
    // On disk before the ledger exists: a crash in between leaves a key and a token that open nothing, never a ledger
    // without its key or its root token.
    await writeWhole(files.devKey, keyFile);
    const handOver = (_shares: readonly Buffer[], token: string): Promise<void> =>
      writeWhole(path, `${JSON.stringify({ address: '', token })}\n`);
    const made = await initLedger(nexus.ports, { admin: null, shares: null, keyFile, handOver });
    wipe(keyFile);
    if (made === null) throw new UnusableDatabase('another process initialised this database: stop it first');
  }
  const key = await readFile(files.devKey).catch(() => null);
  if (key === null)
    throw new UnusableDatabase(
      `this ledger was not made by tally dev (there is no ${files.devKey}): start it with tally server and unseal it`,
    );
  const unsealed = await nexus.unseal({ key });
  wipe(key);
  if (unsealed._tag === 'Left')
    throw new UnusableDatabase(
      unsealed.left.kind === 'integrity' ? unsealed.left.what : `${files.devKey} does not open this ledger`,
    );
  const kept = parse((await readIfThere(path)) ?? '');
  if (!DevFile.is(kept))
    throw new UnusableDatabase(`${path} with the root token is missing or damaged: restore it from a copy`);
  return kept.token;
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

const writeDevFile = async (config: Config, address: string, token: string): Promise<void> => {
  const path = join(config.dataFolder, 'dev.json');
  await writeWhole(path, `${JSON.stringify({ address, token })}\n`);
  await chmod(path, 0o600);
};

const introduce = (config: Config, address: string, say: (text: string) => void): void => {
  say('');
  say(`  Tallystick is ready on ${address}`);
  say(`  Data is in ${config.dataFolder}, and stays there. You are logged in.`);
  say('');
  say('  Try, in another terminal in this folder:');
  say('    npx tally put secret/app password=?        # asks for the value, and does not show it');
  say('    npx tally get secret/app');
  say('    npx tally history secret/app');
  say('');
};
