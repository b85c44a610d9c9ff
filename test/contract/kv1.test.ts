/** KV version 1: the body is the data, one version, number text exact (vault-wire.md §5). */
import * as assert from 'uvu/assert';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type KvCalls, kvCalls, MERGE, nothingThere } from './support/kv.js';
import { refusedWith } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let kv: KvCalls;

describe('KV version 1', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    kv = kvCalls(node);
    for (const [path, fields] of [
      ['kv', { type: 'kv' }],
      ['old', { type: 'generic' }],
      ['short', { type: 'kv-v1', config: { default_lease_ttl: '90s' } }],
    ] as const)
      assert.is((await kv.post(`sys/mounts/${path}`, fields)).status, 204);
  });
  test.after(() => cluster.stop());

  for (const mount of ['kv', 'old'])
    test(`at ${mount}/ writes with 204 and reads what was written`, async () => {
      const written = await node.call('PUT', `${mount}/app/db`, { user: 'a', nested: { b: [1] } });
      assert.is(written.status, 204);
      assert.is(written.text, '');
      const read = await kv.get(`${mount}/app/db`);
      assert.is(read.status, 200);
      assert.equal(read.body.data, { user: 'a', nested: { b: [1] } });
      assert.equal([read.body.lease_id, read.body.renewable, read.body.lease_duration], ['', false, 2764800]);
    });

  test('keeps the text of numbers', async () => {
    await kv.post(
      'kv/numbers',
      '{ "big":12345678901234567890,"one":1.0,"e":1E5,"zero":-0,"huge":1e400,"__proto__":1.50}',
    );
    assert.match(
      (await kv.get('kv/numbers')).text,
      '"data":{"big":12345678901234567890,"one":1.0,"e":1E5,"zero":-0,"huge":1e400,"__proto__":1.50}',
    );
  });

  const leases: readonly (readonly [data: object, seconds: number])[] = [
    [{ ttl: '1h' }, 3600],
    [{ ttl: '30' }, 30],
    [{ ttl: 45 }, 45],
    [{ lease: '2m' }, 120],
    [{ ttl: 'soon' }, 2764800],
    [{ ttl: { a: 1 } }, 2764800],
    [{ ttl: '-5s' }, 2764800],
  ];
  for (const [data, seconds] of leases)
    test(`with ${JSON.stringify(data)} shows a lease of ${seconds} s, and the member stays`, async () => {
      await kv.post('kv/leased', data);
      const { body } = await kv.get('kv/leased');
      assert.is(body.lease_duration, seconds);
      assert.equal(body.data, data);
    });

  test('takes the lease of its mount where the secret has none', async () => {
    await kv.post('short/a', { v: 1 });
    assert.is((await kv.get('short/a')).body.lease_duration, 90);
  });

  for (const body of ['{}', '', 'null'])
    test(`refuses the body ${JSON.stringify(body)}`, async () => {
      refusedWith(await kv.post('kv/empty', body), 400, 'missing data fields');
      nothingThere(await kv.get('kv/empty'));
    });

  test('refuses a write to a folder, and patches', async () => {
    refusedWith(await kv.post('kv/app/', { v: 1 }), 400, "cannot write to a path ending in '/'");
    refusedWith(await node.call('PATCH', 'kv/app/db', { v: 1 }, MERGE), 405, 'unsupported operation');
  });

  test('reads and deletes a path with a slash at its end as the path', async () => {
    await kv.post('kv/slash', { v: 1 });
    assert.is((await kv.get('kv/slash/')).body.data.v, 1);
    assert.is((await kv.remove('kv/slash/')).status, 204);
    nothingThere(await kv.get('kv/slash'));
  });

  test('deletes for good as far as it shows, again without complaint', async () => {
    await kv.post('kv/gone', { v: 1 });
    for (const _ of [1, 2]) assert.is((await kv.remove('kv/gone')).status, 204);
    nothingThere(await kv.get('kv/gone'));
    nothingThere(await kv.get('kv/never'));
  });

  test('lists folders and names, also at the root, and nothing as a 404', async () => {
    await kv.post('short/b/c', { v: 1 });
    await kv.post('short/b/d/e', { v: 1 });
    assert.equal((await node.call('LIST', 'short')).body.data.keys, ['a', 'b/']);
    assert.equal((await kv.get('short/b/?list=true')).body.data.keys, ['c', 'd/']);
    nothingThere(await node.call('LIST', 'short/nothing'));
    nothingThere(await node.call('LIST', 'short/a'));
  });

  test('has no words of version 2: data/ is a folder like any other', async () => {
    await kv.post('kv/data/x', { v: 1 });
    assert.equal((await kv.get('kv/data/x')).body.data, { v: 1 });
  });

  test('keeps one version, and the ledger still knows the earlier ones', async () => {
    await kv.post('kv/time', { v: 1 });
    const position = await kv.head();
    await kv.post('kv/time', { v: 2 });
    await kv.remove('kv/time');
    nothingThere(await kv.get('kv/time'));
    assert.equal((await kv.get(`kv/time?position=${position}`)).body.data, { v: 1 });
    const plan = await kv.post('sys/ledger/restore/plan', { mount: 'kv', path: 'time', position });
    await kv.post('sys/ledger/restore/apply', { plan_id: plan.body.data.plan_id });
    assert.equal((await kv.get('kv/time')).body.data, { v: 1 });
  });

  test('has nothing to say of a value that was erased, now or as of then', async () => {
    await kv.post('kv/erased', { v: 1 });
    const position = await kv.head();
    const plan = await kv.post('sys/ledger/erase/plan', { mount: 'kv', path: 'erased', basis: 'request of P.' });
    const erased = await kv.post('sys/ledger/erase/apply', { plan_id: plan.body.data.plan_id });
    assert.is(erased.status, 200, erased.text);
    for (const path of ['kv/erased', `kv/erased?position=${position}`]) nothingThere(await kv.get(path));
  });

  test('tells create from update for policies', async () => {
    await node.call('PUT', 'sys/policies/acl/maker', { policy: 'path "kv/made/*" { capabilities = ["create"] }' });
    const { client_token: token } = (await kv.post('auth/token/create', { policies: ['maker'] })).body.auth;
    assert.is((await kv.post('kv/made/x', { v: 1 }, { token })).status, 204);
    refusedWith(await kv.post('kv/made/x', { v: 2 }, { token }), 403, 'permission denied');
  });

  test('repeats a write with its Idempotency-Key once', async () => {
    const headers = { 'idempotency-key': 'v1' };
    const first = await kv.post('kv/repeated', { v: 1 }, { headers });
    const again = await kv.post('kv/repeated', { v: 1 }, { headers });
    assert.is(again.status, 204, again.text);
    assert.is(again.headers.get('x-tallystick-position'), first.headers.get('x-tallystick-position'));
    assert.is((await kv.post('kv/repeated', { v: 2 }, { headers })).status, 409);
  });

  test('answers the mount itself with a 404', async () => {
    refusedWith(await kv.get('kv'), 404, 'unsupported path');
    refusedWith(await kv.remove('kv/'), 404, 'unsupported path');
  });
});
