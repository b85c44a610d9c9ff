/** A million live tokens: what a start from a snapshot of them takes, and what they weigh. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as t from 'io-ts';
import { uuidText } from '../../src/crypto/bytes.js';
import { sha256 } from '../../src/crypto/prf.js';
import type { Session } from '../../src/nexus/session.js';
import { writeSnapshot } from '../../src/nexus/snapshots.js';
import type { Embedded } from '../../src/postgres/embedded.js';
import { laneOne } from '../authority/support/events.js';

const Figures = t.type({ ms: t.number, mb: t.number, tokens: t.number });
export type Figures = t.TypeOf<typeof Figures>;

/** Into the session's authority alone: the ledger knows nothing of them, only the snapshot does. */
export const fillTokens = (session: Session, count: number): void => {
  const entity = uuidText(sha256(Buffer.from('entity')).subarray(0, 16));
  const now = Date.now() * 1000;
  for (let n = 0; n < count; n += 1) {
    const [id, hash] = [sha256(Buffer.from(`id ${n}`)).subarray(0, 16), sha256(Buffer.from(`hash ${n}`))];
    const event = laneOne('token.created', uuidText(id), now, {
      token_hash: hash.toString('hex'),
      expires_at: now + 3_600_000_000,
    });
    session.authority.tokens.created(
      { ...event, actor: entity },
      {
        ...{ v: 1, at: now, accessor: hash.toString('hex', 0, 12), policies: ['default', `web-${n % 100}`] },
        ...{ display_name: 'approle', creation_path: 'auth/approle/login', method: 'approle', ttl: 3600 },
        ...{ renewable: true, meta: { role_name: `web-${n % 100}` }, auth_mount: entity },
      },
    );
  }
};

/** In a process of its own, so that nothing of ours is weighed. */
export const startFromSnapshot = async (
  embedded: Embedded,
  ledgerFolder: string,
  folder: string,
  { session, keyFile }: { readonly session: Session; readonly keyFile: Buffer },
): Promise<Figures> => {
  mkdirSync(folder);
  copyFileSync(join(ledgerFolder, 'erasure-keys'), join(folder, 'erasure-keys'));
  if ((await writeSnapshot(session)) === null) throw new Error('the snapshot was not written');
  const script = join(dirname(fileURLToPath(import.meta.url)), 'unseal.js');
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ connection: embedded.connection, folder, key: keyFile.toString('hex') }));
  let text = '';
  child.stdout.on('data', chunk => (text += String(chunk)));
  await new Promise(resolve => child.once('exit', resolve));
  const figures: unknown = JSON.parse(text);
  if (!Figures.is(figures)) throw new Error('unseal.js answered something else');
  return figures;
};
