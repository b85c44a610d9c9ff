/** What bounds a token besides its policies: a count of uses, and the networks that it may come from (vault-wire.md §10.1). */
import * as assert from 'uvu/assert';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let calls: TokenCalls;

const APP = 'path "secret/*" { capabilities = ["create", "read", "update", "list", "delete"] }';

const start = async (): Promise<void> => {
  cluster = await testCluster();
  node = cluster.node;
  calls = tokenCalls(node);
  await calls.policy('app', APP);
  await calls.post('secret/data/x', { data: { v: 1 } });
};

describe('a token with a count of uses', test => {
  test.before(start);
  test.after(() => cluster.stop());

  const spend = (uses: number) =>
    calls.make({ policies: ['app'], num_uses: uses }).then(auth => String(auth.client_token));

  test('costs one for each request, shows the count after its own, and is gone after the last', async () => {
    const token = await spend(3);
    for (const left of [2, 1, 0])
      assert.is((await calls.get('auth/token/lookup-self', token)).body.data.num_uses, left);
    assert.not(await calls.lives(token));
  });

  const LAST: readonly (readonly [string, (token: string) => Promise<{ status: number }>, number])[] = [
    ['a read', token => calls.get('secret/data/x', token), 200],
    ['a list', token => node.call('LIST', 'secret/metadata', undefined, { token }), 200],
    ['a write', token => calls.post('secret/data/y', { data: { v: 1 } }, token), 200],
    ['a miss', token => calls.get('secret/data/none', token), 404],
    ['a refused field', token => calls.post('secret/data/x', { data: 1 }, token), 400],
    ['a denial', token => calls.get('sys/policies/acl/app', token), 403],
    ['a path without a mount', token => calls.get('nowhere/x', token), 403],
    ['its own revocation', token => calls.post('auth/token/revoke-self', {}, token), 204],
  ];
  for (const [name, request, status] of LAST)
    test(`works for the last time: ${name}`, async () => {
      const token = await spend(1);
      const reply = await request(token);
      assert.is(reply.status, status);
      // A body that is refused before anybody asks who sent it costs nothing.
      if (status !== 400) assert.not(await calls.lives(token));
    });

  test('is counted once for all nodes', async () => {
    const other = tokenCalls(await cluster.newNode());
    const token = await spend(4);
    for (const each of [calls, other, calls, other]) assert.is((await each.get('secret/data/x', token)).status, 200);
    for (const each of [calls, other]) assert.is((await each.get('secret/data/x', token)).status, 403);
  });

  test('is not overdrawn by requests at the same time', async () => {
    const token = await spend(5);
    const replies = await Promise.all(Array.from({ length: 12 }, () => calls.get('secret/data/x', token)));
    assert.equal(replies.map(({ status }) => status).sort(), [...Array(5).fill(200), ...Array(7).fill(403)]);
  });

  test('leaves an event for each use, with what was asked', async () => {
    const token = await spend(2);
    await calls.get('secret/data/x', token);
    const { events } = (await calls.get('sys/ledger/events?type=token.spent&limit=1000')).body.data;
    assert.is(events.at(-1).op, 'kv.read');
    assert.is(events.at(-1).path, 'secret/data/x');
  });
});

describe('a token that is bound to networks', test => {
  test.before(start);
  test.after(() => cluster.stop());

  const bound = async (...cidrs: string[]): Promise<string> => {
    const role = await calls.post('auth/token/roles/bound', {
      token_bound_cidrs: cidrs,
      allowed_policies: ['app', 'maker'],
    });
    assert.is(role.status, 204);
    return (await calls.make({ policies: ['app', 'maker'] }, { route: 'create/bound' })).client_token;
  };

  test('works from there only', async () => {
    for (const cidr of ['127.0.0.1', '127.0.0.0/8', '0.0.0.0/0']) assert.ok(await calls.lives(await bound(cidr)), cidr);
    for (const cidr of ['10.0.0.0/8', '127.0.0.2/32', '::1/128', '2001:db8::/32'])
      assert.not(await calls.lives(await bound(cidr)), cidr);
    assert.ok(await calls.lives(await bound('10.0.0.0/8', '127.0.0.1/32')));
  });

  test('is told so as if it did not exist, and no use is counted', async () => {
    const token = await bound('10.0.0.0/8');
    refusedWith(await calls.get('secret/data/x', token), 403, 'permission denied');
    const forwarded = await node.call('GET', 'secret/data/x', undefined, {
      token,
      headers: { 'x-forwarded-for': '10.1.2.3' },
    });
    assert.is(forwarded.status, 403);
  });

  test('shows what it is bound to, and binds its children', async () => {
    await calls.policy('maker', 'path "auth/token/create" { capabilities = ["update"] }');
    const token = await bound('127.0.0.0/8');
    assert.equal((await calls.get('auth/token/lookup-self', token)).body.data.bound_cidrs, ['127.0.0.0/8']);
    const child = await calls.make({}, { by: token });
    assert.equal((await calls.get('auth/token/lookup-self', child.client_token)).body.data.bound_cidrs, [
      '127.0.0.0/8',
    ]);
  });

  test('cannot be bound to what is no network', async () => {
    for (const cidr of ['10.0.0.0/33', 'localhost', '10.0.0.0/8/8', 'fe80::1%eth0'])
      refusedWith(await calls.post('auth/token/roles/bad', { token_bound_cidrs: [cidr] }), 400, 'networks such as');
  });

  test('of root that never ends is not bound', async () => {
    await calls.post('auth/token/roles/rootly', { token_bound_cidrs: ['10.0.0.0/8'], allowed_policies: ['root'] });
    const auth = await calls.make({}, { route: 'create/rootly' });
    assert.equal([auth.policies, auth.lease_duration], [['root'], 0]);
    assert.ok(await calls.lives(auth.client_token));
  });
});
