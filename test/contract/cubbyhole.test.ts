/** The cubbyhole: a token's own store, which nobody else sees and nothing brings back (vault-wire.md §6). */
import * as assert from 'uvu/assert';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type Store, storeRows, untilIs } from './support/stores.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let calls: TokenCalls;
let other: TestNode;
let store: Store;

const MARKER = 'marker-cubbyhole-4711';

const token = async (fields: object = {}): Promise<string> =>
  (await calls.make({ policies: ['x'], ...fields })).client_token;

describe('a cubbyhole', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    other = await cluster.newNode();
    calls = tokenCalls(node);
    store = await storeRows(cluster);
  });
  test.after(() => cluster.stop());

  test('is written, read, listed and emptied with the default policy', async () => {
    const own = await token();
    const wrote = await calls.post('cubbyhole/a', { v: 1 }, own);
    assert.equal([wrote.status, wrote.text], [204, '']);
    assert.ok(Number(wrote.headers.get('x-tallystick-position')) > 0);
    assert.is((await node.call('PUT', 'cubbyhole/deep/er/b', { w: 'x' }, { token: own })).status, 204);
    const read = await calls.get('cubbyhole/a', own);
    assert.equal([read.body.data, read.body.lease_duration, read.body.renewable], [{ v: 1 }, 0, false]);
    const list = async (path: string) => (await node.call('LIST', path, undefined, { token: own })).body.data?.keys;
    assert.equal(await list('cubbyhole/'), ['a', 'deep/']);
    assert.equal(await list('cubbyhole'), ['a', 'deep/']);
    assert.equal(await list('cubbyhole/deep'), ['er/']);
    assert.equal((await calls.get('cubbyhole/deep/er?list=true', own)).body.data.keys, ['b']);
    assert.equal(await list('cubbyhole?limit=1'), ['a']);
    assert.equal(await list('cubbyhole?after=a&limit=5'), ['deep/']);
    refusedWith(await calls.get('cubbyhole?list=true&limit=x', own), 400, 'field "limit"');
    assert.is((await node.call('DELETE', 'cubbyhole/a', undefined, { token: own })).status, 204);
    assert.is((await calls.get('cubbyhole/a', own)).status, 404);
    assert.equal(await list('cubbyhole'), ['deep/']);
  });

  test('keeps the text of numbers', async () => {
    const own = await token();
    const body = '{"a":12345678901234567890,"b":1.0,"c":1E5,"__proto__":{"x":1}}';
    assert.is((await node.call('POST', 'cubbyhole/n', body, { token: own })).status, 204);
    assert.ok((await calls.get('cubbyhole/n', own)).text.includes(`"data":${body},`));
  });

  test('answers misses and mistakes as the dialect does', async () => {
    const own = await token();
    const call = (method: string, path: string, body?: unknown) => node.call(method, path, body, { token: own });
    for (const path of ['cubbyhole/none', 'cubbyhole/none/']) {
      const miss = await call('GET', path);
      assert.equal([miss.status, miss.text], [404, '{"errors":[]}\n']);
    }
    assert.is((await call('LIST', 'cubbyhole')).status, 404);
    assert.is((await call('DELETE', 'cubbyhole/none')).status, 204);
    refusedWith(await call('POST', 'cubbyhole/a', {}), 400, 'missing data fields');
    refusedWith(await call('POST', 'cubbyhole', { v: 1 }), 403, 'permission denied');
    refusedWith(await calls.post('cubbyhole', { v: 1 }), 400, 'missing path');
    refusedWith(await calls.get('cubbyhole'), 400, 'missing path');
    refusedWith(await call('POST', 'cubbyhole/a/', { v: 1 }), 400, "cannot write to a path ending in '/'");
    const patched = await node.call(
      'PATCH',
      'cubbyhole/a',
      { v: 1 },
      {
        headers: { 'content-type': 'application/merge-patch+json' },
      },
    );
    assert.is(patched.status, 405);
    const keyed = await node.call('POST', 'cubbyhole/data/a', { v: 1 }, { headers: { 'idempotency-key': 'k' } });
    refusedWith(keyed, 400, 'Idempotency-Key');
    refusedWith(await node.call('DELETE', 'sys/mounts/cubbyhole'), 400, 'cannot unmount "cubbyhole/"');
  });

  test('is seen by no other token, not even root or a child, whatever path is asked', async () => {
    const own = await token();
    await calls.post('cubbyhole/secret', { v: 1 }, own);
    const made = (await calls.get('sys/ledger/events?type=token.created&limit=1000')).body.data.events.at(-1);
    const id = made.stream_id.replaceAll('-', '');
    for (const another of [
      cluster.rootToken,
      await token(),
      (await calls.make({}, { by: cluster.rootToken })).client_token,
    ])
      for (const path of ['cubbyhole/secret', `cubbyhole/${id}/secret`, `cubbyhole/${id}`])
        assert.is((await calls.get(path, another)).status, 404, path);
  });

  test('is for service tokens only', async () => {
    const { client_token: batch } = await calls.make({ policies: ['x'], type: 'batch' });
    const text = "cubbyhole operations are only supported by 'service' type tokens";
    refusedWith(await calls.post('cubbyhole/a', { v: 1 }, batch), 400, text);
    refusedWith(await calls.get('cubbyhole/a', batch), 400, text);
    refusedWith(await node.call('LIST', 'cubbyhole', undefined, { token: batch }), 400, text);
    refusedWith(await node.call('DELETE', 'cubbyhole/a', undefined, { token: batch }), 400, text);
  });

  test('asks for create where nothing is, and for update where something is', async () => {
    await calls.policy('maker', 'path "cubbyhole/*" { capabilities = ["create"] }');
    const own = await token({ policies: ['maker'], no_default_policy: true });
    assert.is((await calls.post('cubbyhole/a', { v: 1 }, own)).status, 204);
    assert.is((await calls.post('cubbyhole/a', { v: 2 }, own)).status, 403);
    assert.is((await calls.get('cubbyhole/a', own)).status, 403);
  });

  test('destroys what is overwritten or deleted with the same commit, and puts it on the erasure list', async () => {
    const own = await token();
    const before = await store.keys();
    for (let v = 1; v <= 70; v += 1) assert.is((await calls.post('cubbyhole/many', { v }, own)).status, 204);
    assert.equal((await calls.get('cubbyhole/many', own)).body.data, { v: 70 });
    assert.is((await store.keys()) - before, 1);
    const last = await node.call('DELETE', 'cubbyhole/many', undefined, { token: own });
    assert.is((await store.keys()) - before, 0);
    const types = await store.typesOf(Number(last.headers.get('x-tallystick-position')));
    assert.equal(types.slice(0, 4), ['secret.written', 'secret.destroyed', 'secret.written', 'secret.destroyed']);
    assert.equal(types.slice(-2), ['secret.destroyed', 'secret.removed']);
    assert.is(store.erased() >= 70, true);
    assert.is((await calls.post('cubbyhole/many', { v: 71 }, own)).status, 204);
    assert.equal((await calls.get('cubbyhole/many', own)).body.data, { v: 71 });
  });

  test('is written by many at once without a word lost or left', async () => {
    const own = await token();
    const before = await store.keys();
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, v) =>
        (v % 2 === 0 ? node : other).call('POST', 'cubbyhole/race', { v }, { token: own }),
      ),
    );
    for (const reply of replies) assert.ok(reply.status === 204 || reply.status === 503, reply.text);
    assert.ok(replies.some(({ status }) => status === 204));
    assert.is((await store.keys()) - before, 1);
  });

  test('has no past: nothing plans a restore of it, reads it as of then, or shows its values', async () => {
    const own = await token();
    const { headers } = await calls.post('cubbyhole/x', { v: MARKER }, own);
    await calls.post('cubbyhole/x', { v: 'now' }, own);
    const position = Number(headers.get('x-tallystick-position'));
    const plan = await calls.post('sys/ledger/restore/plan', { mount: 'cubbyhole', path: '/', position });
    assert.is(plan.status, 404);
    assert.equal((await calls.get(`cubbyhole/x?position=${position}`, own)).body.data, { v: 'now' });
    const trail = await calls.get('sys/ledger/events?limit=1000&path=cubbyhole/');
    assert.ok(trail.body.data.events.some((event: { op: string }) => event.op === 'cubbyhole.write'));
    assert.not(trail.text.includes(MARKER));
  });

  test('is gone with the token: at once for readers, and its keys soon after, whoever was stopped meanwhile', async () => {
    const before = await store.keys();
    await calls.policy('parent', 'path "auth/token/create" { capabilities = ["update"] }');
    const parent = await token({ policies: ['parent'] });
    const child = (await calls.make({}, { by: parent })).client_token;
    const [revoked, spent] = [await token(), await token({ num_uses: 2 })];
    for (const each of [revoked, parent, child, spent])
      assert.is((await calls.post('cubbyhole/deep/x', { v: MARKER }, each)).status, 204);
    await calls.post('cubbyhole/y', { v: MARKER }, revoked);
    const kept = await token();
    await calls.post('cubbyhole/x', { v: 1 }, kept);
    const many = await token();
    const writes = Array.from({ length: 130 }, (_, v) => calls.post(`cubbyhole/${v % 3}/${v}`, { v: MARKER }, many));
    for (const { status } of await Promise.all(writes)) assert.is(status, 204);
    const erased = store.erased(other);
    assert.is((await store.keys()) - before, 6 + 130);
    const short = await token({ ttl: '2s' });
    assert.is((await calls.post('cubbyhole/deep/x', { v: MARKER }, short)).status, 204);
    const headers = { 'x-vault-wrap-ttl': '2' };
    const wrapped = await node.call('POST', 'sys/wrapping/wrap', { v: MARKER }, { headers });
    await calls.post('auth/token/revoke', { token: many });
    await calls.post('auth/token/revoke', { token: revoked });
    await calls.post('auth/token/revoke', { token: parent });
    assert.equal((await calls.get('cubbyhole/deep/x', spent)).body.data, { v: MARKER });
    for (const each of [revoked, parent, child, spent])
      refusedWith(await calls.get('cubbyhole/deep/x', each), 403, 'permission denied');
    // Nobody has to remember what is left to do.
    for (const each of [node, other]) {
      assert.is((await each.call('POST', 'sys/seal')).status, 204);
      assert.is((await each.call('POST', 'sys/unseal', { key: cluster.key })).status, 200);
    }
    await untilIs(before + 1, store.keys);
    await untilIs(erased + 6 + 1 + 130, () => store.erased(other));
    refusedWith(await calls.get('cubbyhole/deep/x', short), 403, 'permission denied');
    const late = await calls.post('sys/wrapping/unwrap', { token: wrapped.body.wrap_info.token });
    refusedWith(late, 400, 'wrapping token is not valid');
    assert.equal((await calls.get('cubbyhole/x', kept)).body.data, { v: 1 });
    const { events } = (await calls.get('sys/ledger/events?type=secret.destroyed&limit=1000')).body.data;
    const swept = events.filter(({ op }: { op: string }) => op === 'cubbyhole.sweep');
    assert.is(swept.length, 6 + 1 + 130);
    for (const event of swept) {
      assert.equal([event.actor, event.actor_kind], [null, 'system']);
      assert.match(event.path, /^cubbyhole\/[0-9a-f]{32}\/(deep\/x|y|response|[012]\/\d+)$/);
      assert.ok(event.change.through >= 1);
    }
  });

  test('leaves no value in the database, in the log or on the list', async () => {
    assert.not((await store.dump()).includes(MARKER));
    assert.not(node.log.join('\n').includes(MARKER));
  });
});
