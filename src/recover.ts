/** The program behind `tally operator recover`: files and database around what `key-export/recover.ts` decides. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config, Flags } from './config.js';
import { openGround } from './ground.js';
import { manifestOf } from './key-export/format.js';
import { type Misfit, type Recovered, RecoverRefused, recover } from './key-export/recover.js';
import { EXPORT_FILES } from './key-export/target.js';
import { runWith, say } from './main.js';
import { readAnchor, writeAnchor } from './nexus/anchor.js';
import { readIfThere, writeWhole } from './nexus/durable-file.js';
import { type NodeFiles, nodeFiles } from './nexus/node-files.js';
import { UnusableDatabase } from './postgres/connection-url.js';

/** Each misfit has a code of its own, for scripts and for ever (docs/reference/cli.md). */
const EXIT: Readonly<Record<Misfit, number>> = {
  'no-ledger': 20,
  'damaged-export': 21,
  'foreign-export': 22,
  'database-older': 23,
  'export-older': 24,
  'erasure-list-missing': 25,
};

export const runRecover = (flags: Flags): Promise<number> =>
  runWith(flags, async config => {
    const ground = await openGround(config);
    try {
      const done = await recoverNode(config, flags, ground.database.writer);
      say(inWords(done));
      return 0;
    } catch (error) {
      if (!(error instanceof RecoverRefused)) throw error;
      say(error.message);
      return EXIT[error.misfit];
    } finally {
      await ground.stop();
    }
  });

const recoverNode = async (config: Config, flags: Flags, writer: Parameters<typeof recover>[0]): Promise<Recovered> => {
  const files = nodeFiles(config.dataFolder);
  const folder = typeof flags.from === 'string' ? flags.from : '';
  const keys = await readFile(join(folder, EXPORT_FILES.keys)).catch(() => {
    throw new UnusableDatabase(`there is no ${EXPORT_FILES.keys} in the folder of --from`);
  });
  const done = await recover(writer, {
    keys,
    erasureList: await everyList(files, folder, flags.erasureList),
    acceptOlderDatabase: flags.acceptOlderDatabase === true,
    keepList: lines => writeWhole(files.erasureList, lines.map(line => `${line}\n`).join('')),
  });
  if (done.size < done.seen.size) await writeWhole(files.recovered, manifestOf(keys) ?? '');
  await remember(files, done);
  return done;
};

/** Beside the export, in the data folder, and where a person says. Null: nowhere. */
const everyList = async (files: NodeFiles, folder: string, given: Flags[string]): Promise<string | null> => {
  const beside = await readIfThere(join(folder, EXPORT_FILES['erasure-list']));
  const own = await readIfThere(files.erasureList);
  const named = typeof given === 'string' ? await readIfThere(given) : null;
  if (typeof given === 'string' && named === null)
    throw new UnusableDatabase('the file of --erasure-list cannot be read');
  const found = [beside, own, named].filter(list => list !== null);
  return found.length === 0 ? null : found.join('\n');
};

/** A node that has seen the export must not take a shorter ledger for the whole one: unseal then asks for a person's word. */
const remember = async ({ anchor }: NodeFiles, { ledger, seen }: Recovered): Promise<void> => {
  if (anchor === null) return;
  const before = await readAnchor(anchor);
  if (before === null || before.ledger !== ledger || before.size < seen.size)
    await writeAnchor(anchor, ledger, seen, Date.now());
};

const inWords = ({ ledger, size, seen, keys, erased }: Recovered): string =>
  [
    `recovered ledger ${ledger}: ${size} events, ${keys} keys, ${erased} destroyed keys on the erasure list`,
    size < seen.size
      ? `${seen.size - size} events are lost: unseal it with \`tally operator unseal --accept-rollback\``
      : 'start the server and unseal it',
  ].join('\n');
