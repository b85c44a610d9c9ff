/**
 * `npm run demo`: the whole story in one run against a throw-away embedded server — write, change, a mistake, who did it,
 * how it was, plan, restore, projections equal to replay, and the planted value nowhere in the database's files.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as t from 'io-ts';
import { readConfig } from '../config.js';
import { randomBase62 } from '../crypto/random.js';
import { startDev } from '../dev.js';
import { createLogger } from '../program.js';
import { Caller } from './caller.js';
import { filesHolding } from './search-files.js';

const say = (text = ''): void => void process.stdout.write(`${text}\n`);
const step = (text: string): void => say(`\n— ${text}`);

class DemoFailed extends Error {}

const check = (fact: boolean, claim: string): void => {
  say(`  ${fact ? '✓' : '✗'} ${claim}`);
  if (!fact) throw new DemoFailed(claim);
};

const DevFile = t.type({ address: t.string, token: t.string });
const NAMES = ['db', 'api', 'mail', 'queue', 'cache'];

export const runDemo = async (): Promise<number> => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-demo-'));
  const config = readConfig({ data: folder, listen: '127.0.0.1:0', log: 'error' }, {});
  if (config._tag === 'Left') return 1;
  try {
    say('Tallystick, in one run. A real PostgreSQL, a real server, a folder that is thrown away.');
    const program = await startDev(config.right, createLogger(config.right), () => {});
    const planted = `planted-${randomBase62(24)}`;
    try {
      const dev: unknown = JSON.parse(readFileSync(join(folder, 'dev.json'), 'utf8'));
      if (!DevFile.is(dev)) throw new DemoFailed('dev.json holds address and token');
      await story(new Caller(dev.address, dev.token), planted);
    } finally {
      await program.stop();
    }
    step('What does the database hold of it?');
    const found = filesHolding(join(folder, 'postgres'), [planted, 'prod/db', 'rotated by hand']);
    check(
      found.looked > 100,
      `every file of the database was searched (${found.looked} files, ${Math.round(found.bytes / 1e6)} MB, WAL and log included)`,
    );
    // The search itself must be able to find something: event types are in the clear.
    const clear = filesHolding(join(folder, 'postgres'), ['secret.written']);
    check(clear.files.length > 0, 'the same search does find what is in the clear, such as event types');
    check(found.files.length === 0, 'neither the value nor its path nor the reason is in any of them');
    say('\nThat is all of it. Start your own with: npm start');
    return 0;
  } catch (error) {
    say(`\nThe demo failed: ${error instanceof Error ? error.message : 'unknown'}`);
    return 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const story = async (caller: Caller, planted: string): Promise<void> => {
  step('Secrets are written, and one is changed');
  for (const name of NAMES) await caller.write(`prod/${name}`, { password: `first-${name}` });
  const changed = await caller.write('prod/db', { password: planted }, 'rotated by hand');
  check(changed.version === 2, `prod/db is now version 2, recorded at position ${changed.position}`);

  step('A mistake: everything under prod/ is deleted');
  for (const name of NAMES) await caller.remove(`prod/${name}`, 'clean-up script, wrong folder');
  check((await caller.read('prod/db')) === null, 'prod/db cannot be read any more');

  step('Who did it, and when?');
  const events = await caller.events('secret/prod');
  for (const event of events.slice(-3))
    say(
      `    ${event.position}  ${event.recorded_at}  ${event.actor?.name ?? '-'}  ${event.type}  ${event.path ?? '-'}`,
    );
  check(
    events.filter(event => event.type === 'secret.deleted').length === NAMES.length,
    'five deletions, each with its author, its time and its reason',
  );

  step('How was it before?');
  const before = changed.position;
  check((await caller.read('prod/db', before))?.password === planted, `as of position ${before}, prod/db is readable`);
  check((await caller.list('prod', before)).length === NAMES.length, 'and the folder lists its five secrets');

  step('A plan, then the restore');
  const plan = await caller.plan('prod/', before);
  for (const { change, path } of plan.changes) say(`    ${change.padEnd(9)} ${path}`);
  check(plan.changes.length === NAMES.length, 'the plan names what would change, and changes nothing');
  const restored = await caller.apply(plan.plan_id);
  check(
    (await caller.read('prod/db'))?.password === planted,
    `restored at position ${restored.position}: prod/db is back`,
  );
  check((await caller.events('secret/prod')).length > events.length, 'the mistake and its repair are both on record');

  step('Are the tables what the ledger says?');
  for (const { name, rows, differences } of await caller.verifyProjections())
    check(differences === 0, `${name}: ${rows} rows, equal to a replay of the ledger`);
};
