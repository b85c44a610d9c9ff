/** Unseal keys held by several people: enough of them open the ledger, in any order; whatever else is given is named. */
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

interface Reply {
  readonly status: number;
  readonly body: Json;
}

describe('shares, two of three', test => {
  let cluster: TestCluster;
  const unseal = (body: object): Promise<Reply> => {
    cluster.node.program.nexus.attempts.succeeded('unseal address 127.0.0.1');
    return cluster.node.call('PUT', 'sys/unseal', body);
  };
  const status = async (): Promise<Json> => (await cluster.node.call('GET', 'sys/seal-status')).body;
  const share = (index: number): string => cluster.keys[index] ?? '';
  const damaged = (hex: string): string => `${hex.startsWith('0') ? '1' : '0'}${hex.slice(1)}`;

  test.before(async () => {
    cluster = await testCluster({ shares: 3, threshold: 2 });
    await cluster.node.call('POST', 'secret/data/a', { data: { v: 1 } });
  });
  test.before.each(() => cluster.node.program.nexus.seal());
  test.after(() => cluster.stop());

  test('are 33 bytes each, and different', () => {
    assert.is(new Set(cluster.keys).size, 3);
    for (const key of cluster.keys) assert.match(key, /^[0-9a-f]{66}$/);
  });

  for (const [first, second] of [
    [0, 1],
    [1, 2],
    [2, 0],
  ] as const)
    test(`open with ${first + 1} and ${second + 1}, with progress in between`, async () => {
      const one = await unseal({ key: share(first) });
      assert.is(one.body.sealed, true);
      assert.is(one.body.progress, 1);
      assert.equal([one.body.t, one.body.n], [2, 3]);
      assert.match(one.body.nonce, /^[0-9a-f-]{36}$/);
      const two = await unseal({ key: Buffer.from(share(second), 'hex').toString('base64') });
      assert.is(two.body.sealed, false);
      assert.equal([two.body.progress, two.body.nonce], [0, '']);
      assert.is((await cluster.node.call('GET', 'secret/data/a')).status, 200);
    });

  test('count once, however often one is given', async () => {
    await unseal({ key: share(0) });
    const again = await unseal({ key: share(0) });
    assert.is(again.status, 200);
    assert.is(again.body.progress, 1);
    assert.is(again.body.sealed, true);
  });

  test('are forgotten by a reset, and a new attempt has another nonce', async () => {
    const { nonce } = (await unseal({ key: share(0) })).body;
    const reset = await unseal({ reset: true });
    assert.equal([reset.body.progress, reset.body.nonce], [0, '']);
    assert.is.not((await unseal({ key: share(1) })).body.nonce, nonce);
    await unseal({ reset: true });
  });

  test('that are damaged, or of another ledger, are named as that and nothing more, and the attempt begins again', async () => {
    const other = await testCluster({ shares: 3, threshold: 2 });
    // Of another ledger, with another x than ours, so that they combine to something.
    const [foreign = ''] = other.keys.filter(key => key.slice(-2) !== share(0).slice(-2));
    await other.stop();
    for (const wrong of [damaged(share(1)), foreign]) {
      await unseal({ key: share(0) });
      const reply = await unseal({ key: wrong });
      assert.is(reply.status, 400);
      assert.match(reply.body.errors[0], /do not open this ledger/);
      assert.is((await status()).progress, 0);
    }
  });

  test('that were cut, or have no number, are told from those that are wrong', async () => {
    const cut = await unseal({ key: share(0).slice(2, -2) });
    assert.match(
      cut.body.errors[0],
      /^a share has 33 bytes, any other key 32; this one has 31: it was cut or mistyped$/,
    );
    const numberless = await unseal({ key: `${share(0).slice(0, -2)}00` });
    assert.match(numberless.body.errors[0], /no share has the number 0/);
    assert.is((await status()).progress, 0);
  });

  test('beyond those that are needed change nothing', async () => {
    for (const key of cluster.keys) assert.is((await unseal({ key })).status, 200);
    assert.equal([(await status()).sealed, (await status()).progress], [false, 0]);
  });

  test('of the same number that differ are refused', async () => {
    await unseal({ key: share(0) });
    const reply = await unseal({ key: damaged(share(0)) });
    assert.is(reply.status, 400);
    assert.match(reply.body.errors[0], /different share of the same number/);
    assert.is((await status()).progress, 1);
    await unseal({ reset: true });
  });

  test('do not open one by one, and a password still does', async () => {
    for (const key of cluster.keys) {
      await unseal({ reset: true });
      assert.is((await unseal({ key })).body.sealed, true);
    }
    const { name, password } = cluster.admin;
    assert.is((await unseal({ name, password })).body.sealed, false);
    assert.equal((await unseal({ reset: true })).body.errors, ['vault is unsealed']);
  });

  test('leave nothing of themselves in log, spool or audit trail', async () => {
    for (const key of cluster.keys.slice(0, 2)) await unseal({ key });
    await cluster.node.program.nexus.session?.recorder.flush();
    const trail = await cluster.node.call('GET', 'sys/ledger/events?limit=1000');
    const texts = [cluster.node.log.join('\n'), trail.text];
    for (const key of cluster.keys) for (const text of texts) assert.not.match(text, key.slice(0, 40));
  });
});

describe('a split into as many as there can be', test => {
  test('opens with all 255', async () => {
    const cluster = await testCluster({ shares: 255, threshold: 255 });
    assert.is((await cluster.node.call('GET', 'sys/seal-status')).body.sealed, false);
    assert.is(cluster.keys.length, 255);
    await cluster.stop();
  });
});
