/** A base backup of a running embedded server as an operator makes one: files, write-ahead log, label. */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';

/** `folder`: what `startEmbedded` was given; `superuser` is connected to that server. Restored by starting it in `to`. */
export const baseBackup = async (superuser: pg.Client, folder: string, to: string): Promise<void> => {
  mkdirSync(join(to, 'postgres'), { recursive: true });
  await superuser.query("select pg_backup_start('proof', true)");
  copy(join(folder, 'postgres-password'), to);
  copy(join(folder, 'postgres', 'data'), join(to, 'postgres'));
  const { rows } = await superuser.query('select labelfile from pg_backup_stop(false)');
  const data = join(to, 'postgres', 'data');
  // The log up to the end of the backup is what makes it whole.
  rmSync(join(data, 'pg_wal'), { recursive: true });
  copy(join(folder, 'postgres', 'data', 'pg_wal'), data);
  rmSync(join(data, 'postmaster.pid'), { force: true });
  const label = join(data, 'backup_label');
  writeFileSync(label, rows[0].labelfile);
  const { uid, gid } = statSync(data);
  chownSync(label, uid, gid);
};

/** With its owner: the server runs as a user of its own. */
const copy = (from: string, to: string): void => void execFileSync('cp', ['-a', from, to]);

/** Everything that lies in a server's folder, byte for byte. */
export const rawFiles = (folder: string): readonly Buffer[] =>
  readdirSync(join(folder, 'postgres', 'data'), { recursive: true, encoding: 'utf8' })
    .map(path => join(folder, 'postgres', 'data', path))
    .filter(path => statSync(path).isFile())
    .map(path => readFileSync(path));
