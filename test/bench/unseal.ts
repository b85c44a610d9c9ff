/** Unseals a ledger and says how long that took and what the process weighs then. Run by tokens.ts; settings on stdin. */
import { readFileSync } from 'node:fs';
import pino from 'pino';
import { readConfig } from '../../src/config.js';
import type { ConnectionOptions } from '../../src/postgres/connection.js';
import { openDatabase } from '../../src/postgres/database.js';
import { startProgram } from '../../src/program.js';

const { connection, folder, key } = JSON.parse(readFileSync(0, 'utf8')) as {
  connection: ConnectionOptions;
  folder: string;
  key: string;
};
const config = readConfig({ data: folder, listen: '127.0.0.1:0', log: 'error' }, {});
if (config._tag === 'Left') throw new Error(config.left);
const database = await openDatabase({
  owner: connection,
  logins: null,
  schema: 'tallystick',
  dataFolder: folder,
  poolSize: 4,
});
const program = await startProgram({ ...config.right, projectors: false }, pino({ level: 'error' }), { database });
const startedAt = performance.now();
const unsealed = await program.nexus.unseal({ key: Buffer.from(key, 'hex') });
const ms = performance.now() - startedAt;
const tokens = unsealed._tag === 'Right' ? (program.nexus.session?.authority.tokens.size ?? 0) : 0;
await new Promise(resolve => setTimeout(resolve, 1000));
const mb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024;
process.stdout.write(`${JSON.stringify({ ms, mb, tokens })}\n`);
await program.stop();
await database.close();
process.exit(0);
