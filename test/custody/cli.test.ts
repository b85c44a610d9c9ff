/** `tally operator slot`, `rekey` and `generate-root`, as people run them against a real server. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Home, newHome, type Ran, tally } from '../cli/support/tally.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { reopen } from './support.js';

describe('custody on the command line', test => {
  let home: Home;
  let cluster: TestCluster;
  /** What opens it since the rekey. */
  let held: readonly string[] = [];
  const operator = (args: readonly string[], input = ''): Promise<Ran> => {
    const env = { TALLYSTICK_ADDR: cluster.node.address, TALLYSTICK_TOKEN: cluster.rootToken };
    return tally(['operator', ...args], { home: home.folder, input, env });
  };
  const right = async (args: readonly string[], input = ''): Promise<Ran> => {
    const ran = await operator(args, input);
    assert.is(ran.code, 0, ran.stderr);
    return ran;
  };
  const shown = ({ stdout }: Ran, name: string): string =>
    new RegExp(`^${name} +(\\S+)$`, 'm').exec(stdout)?.[1] ?? `no ${name}`;

  test.before(async () => {
    home = await newHome();
    cluster = await testCluster({ shares: 2, threshold: 2 });
  });
  test.after(async () => {
    await cluster.stop();
    await home.remove();
  });

  test('a key file is written for its owner alone, opens the ledger, and its slot is listed and removed', async () => {
    const file = join(home.folder, 'ledger.key');
    const added = await right(['slot', 'add', 'machine', '--key-file', file, '--reason', 'for the night']);
    assert.is(statSync(file).mode & 0o777, 0o600);
    const key = readFileSync(file, 'utf8').trim();
    assert.is(added.stdout.includes(key), false);
    assert.is((await reopen(cluster.node, [key])).body.sealed, false);
    assert.match((await right(['slot', 'list'])).stdout, /machine +key-file/);
    await right(['slot', 'remove', 'machine']);
    const absent = await operator(['slot', 'remove', 'machine']);
    assert.equal([absent.code, /no such slot/.test(absent.stderr)], [5, true]);
    assert.is((await reopen(cluster.node, [key])).status, 400);
    await reopen(cluster.node, cluster.keys);
  });

  test('no slot is made, and none changed, whose key file cannot be written', async () => {
    const file = join(home.folder, 'kept.key');
    await right(['slot', 'add', 'kept', '--key-file', file]);
    const key = readFileSync(file, 'utf8');
    const nowhere = join(file, 'below-a-file');
    for (const args of [
      ['slot', 'add', 'late', '--key-file', nowhere],
      ['slot', 'add', 'late', '--key-file', file],
      ['slot', 'rotate', 'kept', '--key-file', nowhere],
    ]) {
      const { code, stderr } = await operator(args);
      assert.is(code, 3, stderr);
    }
    assert.not.match((await right(['slot', 'list'])).stdout, 'late');
    assert.is(readFileSync(file, 'utf8'), key);
    assert.is((await reopen(cluster.node, [key.trim()])).body.sealed, false);
  });

  test('a key that cannot be written after all is shown rather than lost', async () => {
    const file = join(home.folder, 'full.key');
    const ran = await tally(['operator', 'slot', 'rotate', 'kept', '--key-file', file], {
      home: home.folder,
      env: { TALLYSTICK_ADDR: cluster.node.address, TALLYSTICK_TOKEN: cluster.rootToken },
      shell: 'trap "" XFSZ; ulimit -f 0; exec "$@"',
    });
    assert.is(ran.code, 1);
    assert.match(ran.stderr, /full\.key cannot be written \(EFBIG\)/);
    assert.is((await reopen(cluster.node, [shown(ran, 'New key')])).body.sealed, false);
    assert.equal(
      readdirSync(home.folder).filter(name => name.startsWith('full.key')),
      [],
    );
  });

  test('a script gets the key into the file too, and not on its output', async () => {
    const file = join(home.folder, 'kept.key');
    const ran = await right(['slot', 'rotate', 'kept', '--key-file', file, '--json']);
    const key = readFileSync(file, 'utf8').trim();
    assert.not.match(ran.stdout, key);
    assert.is(JSON.parse(ran.stdout).data.key_file, file);
    assert.is((await reopen(cluster.node, [key])).body.sealed, false);
    await right(['slot', 'remove', 'kept']);
  });

  test('a slot is of one kind, which has to be said', async () => {
    assert.is((await operator(['slot', 'add', 'x'])).code, 3);
    assert.is((await operator(['slot', 'add', 'x', '--shares', '3', '--kms', 'exec:/x'])).code, 3);
  });

  test('a root token is made by shares, hidden behind a pad, and found again without the server', async () => {
    const begun = await right(['generate-root', 'start']);
    const [nonce, pad] = [shown(begun, 'Nonce'), shown(begun, 'One-time pad')];
    const give = (key: string | undefined): Promise<Ran> =>
      right(['generate-root', 'give', '--nonce', nonce, '--key-file', '-'], key);
    assert.match((await give(cluster.keys[0])).stdout, /Given +1 of 2/);
    const hidden = shown(await give(cluster.keys[1]), 'Hidden token');
    const token = (await right(['generate-root', 'decode', hidden], pad)).stdout.trim();
    assert.is((await cluster.node.call('GET', 'auth/token/lookup-self', undefined, { token })).status, 200);
  });

  test('shares are exchanged one by one', async () => {
    const begun = await right(['rekey', 'start', '--shares', '3', '--threshold', '2']);
    const nonce = shown(begun, 'Nonce');
    const file = join(home.folder, 'share');
    writeFileSync(file, cluster.keys[0] ?? '');
    assert.match((await right(['rekey', 'give', '--nonce', nonce, '--key-file', file])).stdout, /Given +1 of 2/);
    const done = await right(['rekey', 'give', '--nonce', nonce, '--key-file', '-'], cluster.keys[1]);
    const fresh = [1, 2, 3].map(i => shown(done, `Share ${i}`));
    assert.is(new Set(fresh).size, 3);
    held = fresh;
    assert.is((await reopen(cluster.node, fresh.slice(1))).body.sealed, false);
  });

  test('the root key is rotated: what is not at hand is named, the rest is given', async () => {
    const lost = await operator(['rotate', '--root']);
    assert.is(lost.code, 3, lost.stderr);
    assert.match(lost.stderr, /ada \(password\)/);
    assert.is((await operator(['rotate'])).code, 3);
    const begun = await right(['rotate', '--root', '--password-file', '-'], cluster.admin.password);
    const nonce = shown(begun, 'Nonce');
    const give = (key: string | undefined): Promise<Ran> =>
      right(['rotate', 'give', '--nonce', nonce, '--key-file', '-'], key);
    await give(held[0]);
    assert.match((await right(['rotate', 'status'])).stdout, /Shares given +1 of 2/);
    const made = (await give(held[1])).stdout;
    const fresh = [...made.matchAll(/^Share \d +(\S+)$/gm)].map(([, share = '']) => share);
    await give(fresh[0]);
    assert.match((await give(fresh[1])).stdout, /Root key +2\n.*The root key is rotated/s);
    assert.is((await reopen(cluster.node, fresh.slice(0, 2))).body.sealed, false);
    assert.match((await right(['rotate', 'cancel'])).stdout, /No rotation/);
  });
});
