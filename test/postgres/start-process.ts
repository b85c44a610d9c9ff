/** Opens a database in a process of its own, as one of many that start at once; prints what came of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/postgres/database.js';
import { connectionOf } from '../support/server.js';

const dataFolder = mkdtempSync(join(tmpdir(), 'tallystick-'));
try {
  const owner = connectionOf(process.argv[2] ?? '');
  const database = await openDatabase({ owner, logins: null, schema: 'many', dataFolder, poolSize: 1 });
  await database.close();
  console.log('opened');
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
} finally {
  rmSync(dataFolder, { recursive: true, force: true });
}
