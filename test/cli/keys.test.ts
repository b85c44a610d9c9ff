import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import * as assert from 'uvu/assert';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

describe('tally keys', test => {
  let home: Home;
  let cluster: TestCluster;
  const keys = (...args: string[]): Promise<Ran> =>
    tally(['keys', ...args], {
      home: home.folder,
      env: { TALLYSTICK_ADDR: cluster.node.address, TALLYSTICK_TOKEN: cluster.rootToken },
    });

  test.before(async () => {
    home = await newHome();
    cluster = await testCluster({ shares: 1, threshold: 1 }, { escrowElsewhere: 'no' });
  });
  test.after(async () => {
    await cluster.stop();
    await home.remove();
  });

  const missing = async (): Promise<string> =>
    ((await cluster.node.call('GET', 'sys/health')).body.degraded ?? []).join();

  test('are asked for a copy elsewhere, in the health of the server', () =>
    until('health says it', async () => /nobody keeps a copy of the erasure key of term 1/.test(await missing())));

  test('escrow writes a file for its recipients, and is recorded', async () => {
    const recipient = await identityToRecipient(await generateX25519Identity());
    const out = join(home.folder, 'kept', 'term-1.age');
    const ran = await keys('escrow', '--recipient', recipient, '--out', out);
    assert.is(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /^escrow [0-9a-f-]{36} of term 1 written to .* · ledger position \d+\n$/);
    assert.match(readFileSync(out, 'utf8'), /^-----BEGIN AGE ENCRYPTED FILE-----/);
    assert.is(statSync(out).mode & 0o777, 0o600);
    assert.is((await keys('escrow', '--out', out)).code, 3);
    const nowhere = await keys('escrow', '--recipient', recipient, '--out', join(out, 'below-a-file'));
    assert.match(nowhere.stderr, /below-a-file cannot be written/);
    assert.is((await keys('status')).stdout.match(/escrow [0-9a-f-]{36}/g)?.length, 1);
    await until('health is content', async () => (await missing()) === '');
  });

  test('rotate begins the next term', async () => {
    const ran = await keys('rotate', '--reason', 'quarterly');
    assert.equal([ran.code, ran.stdout], [0, 'term 2 is the active one\n'], ran.stderr);
  });

  test('schedule says when, and asks for something to set', async () => {
    assert.is((await keys('schedule')).code, 3);
    const ran = await keys('schedule', '--every', '14d', '--backups-kept', '90d');
    assert.is(ran.code, 0, ran.stderr);
    assert.match((await keys('status')).stdout, /Backups kept +2160h0m0s/);
  });

  test('status shows terms, nodes and who holds what', async () => {
    const { stdout, code } = await keys('status');
    assert.is(code, 0);
    assert.match(stdout, /Active term +2\n/);
    assert.match(stdout, /\n1 +(rewrapping|grace) +\d+ .*escrow [0-9a-f-]{36}/);
    assert.match(stdout, /\n2 +active +\d+ /);
    assert.match(stdout, / live +\d+ s ago +1, 2/);
    const json = JSON.parse((await keys('status', '--json')).stdout);
    assert.is(json.data.term, 2);
  });

  test('copy-gone names what it does not know', async () => {
    const ran = await keys('copy-gone', 'nobody', '--term', '1');
    assert.is(ran.code, 5);
    assert.match(ran.stderr, /nobody of that name has a copy/);
  });
});
