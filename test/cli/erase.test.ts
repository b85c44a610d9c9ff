/** `tally erase`, `hold` and `retention`, as a person runs them, against a real server. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

describe('tally erase', test => {
  let home: Home;
  let cluster: TestCluster;
  const run = (...args: string[]): Promise<Ran> =>
    tally(args, {
      home: home.folder,
      env: { TALLYSTICK_ADDR: cluster.node.address, TALLYSTICK_TOKEN: cluster.rootToken },
    });
  const write = (path: string) => cluster.node.call('POST', `secret/data/${path}`, { data: { v: 1 } });
  const status = async (path: string): Promise<number> =>
    (await cluster.node.call('GET', `secret/data/${path}`)).status;

  test.before(async () => {
    home = await newHome();
    cluster = await testCluster();
    for (const path of ['team/a', 'team/b', 'kept/c']) await write(path);
  });
  test.after(async () => {
    await home.remove();
    await cluster.stop();
  });

  test('shows the plan and destroys nothing without --yes; a dry run ends with 0', async () => {
    const shown = await run('erase', 'secret/team/', '--basis', 'request of P.');
    assert.is(shown.code, 9, shown.stderr);
    assert.match(shown.stdout, /erase +team\/a +1 value\n/);
    assert.match(shown.stdout, 'Destroys 2 keys of 2 secrets, for good.');
    assert.is((await run('erase', 'secret/team/', '--basis', 'x', '--dry-run')).code, 0);
    assert.is(await status('team/a'), 200);
    assert.is((await run('erase', 'secret/team/')).code, 3, 'no basis');
    assert.is((await run('erase', 'secret/taem/', '--basis', 'x', '--yes')).code, 5, 'mistyped');
  });

  test('keeps what is held, says why, and ends with 8; a held secret alone ends with 6', async () => {
    const placed = await run('hold', 'place', 'case-17', 'secret/team/b', '--reason', 'a lawsuit');
    assert.is(placed.code, 0, placed.stderr);
    assert.match((await run('hold', 'list')).stdout, /case-17 +secret\/team\/b .*root +a lawsuit/);
    const refused = await run('erase', 'secret/team/b', '--basis', 'request of P.', '--yes');
    assert.is(refused.code, 6);
    assert.match(refused.stderr, 'the legal hold case-17 covers it');
    const erased = await run('erase', 'secret/team/', '--basis', 'request of P.', '--yes');
    assert.is(erased.code, 8, erased.stderr);
    assert.match(erased.stdout, /held +team\/b +the legal hold case-17/);
    assert.match(erased.stdout, /Erased: 1 secret, 1 key · ledger position \d+/);
    assert.equal([await status('team/a'), await status('team/b')], [404, 200]);
    assert.is((await run('hold', 'lift', 'case-17')).code, 0);
  });

  test('is what metadata delete --destroy does to one secret, with its reason as the ground', async () => {
    assert.is((await run('metadata', 'delete', 'secret/team/b', '--destroy')).code, 3);
    const done = await run('metadata', 'delete', 'secret/team/b', '--destroy', '--reason', 'no longer needed');
    assert.is(done.code, 0, done.stderr);
    assert.match(done.stdout, 'Erased: 1 secret');
    assert.is(await status('team/b'), 404);
  });

  test('has a certificate that is verified offline, and is found out when it was changed', async () => {
    const listed = await run('erasures', '--json');
    const { erasures } = JSON.parse(listed.stdout).data;
    assert.is(erasures.length, 2);
    assert.match((await run('erasures')).stdout, /secret\/team\/ +1 +not yet, on 20\d\d-/);
    const shown = await run('erasure', 'certificate', String(erasures[0].position));
    assert.match(shown.stdout, /^Tallystick erasure certificate, version 1\nLedger: /);
    const file = join(home.folder, 'certificate.json');
    assert.is((await run('erasure', 'certificate', String(erasures[0].position), '--output', file)).code, 0);
    const offline = (...args: string[]) => tally(['erasure', 'verify', file, ...args], { home: home.folder });
    const genuine = await offline();
    assert.is(genuine.code, 0, genuine.stderr);
    assert.match(genuine.stdout, /Erasure +not yet, on 20/);
    assert.match(genuine.stderr, 'the key was taken from the file itself');
    assert.is((await offline('--key', 'ab'.repeat(32))).code, 8);
    writeFileSync(file, readFileSync(file, 'utf8').replace('request of P.', 'request of Q.'));
    const changed = await offline();
    assert.equal([changed.code, /was changed/.test(changed.stderr)], [8, true]);
  });

  test('waits until a retention rule is over or removed', async () => {
    assert.is((await run('retention', 'set', 'books', 'secret/kept/', '--minimum-age', '90d')).code, 0);
    assert.match((await run('retention', 'list')).stdout, /books +secret\/kept\/ +7776000 s/);
    const refused = await run('destroy', 'secret/kept/c', '--versions', '1');
    assert.is(refused.code, 6, refused.stderr);
    assert.match(refused.stderr, 'the retention rule books keeps it until 2');
    assert.is((await run('retention', 'remove', 'books')).code, 0);
    assert.is((await run('retention', 'remove', 'books')).code, 5);
    assert.is((await run('destroy', 'secret/kept/c', '--versions', '1')).code, 0);
  });
});
