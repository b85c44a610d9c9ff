/** Leases, which here are tokens' (vault-wire.md §14). */
import * as assert from 'uvu/assert';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let calls: TokenCalls;

const list = async (prefix: string): Promise<readonly string[]> => {
  const reply = await node.call('LIST', `sys/leases/lookup/${prefix}`);
  return reply.status === 404 ? [] : reply.body.data.keys;
};

describe('leases', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    calls = tokenCalls(node);
    await calls.post('auth/token/roles/r', {});
  });
  test.after(() => cluster.stop());

  test('are listed folder by folder', async () => {
    assert.equal(await list(''), []);
    await calls.make({ policies: ['x'] });
    await calls.make({ policies: ['x'] }, { route: 'create/r' });
    assert.equal(await list(''), ['auth/']);
    assert.equal(await list('auth'), ['token/']);
    assert.equal(await list('auth/token/'), ['create/']);
    const keys = await list('auth/token/create/');
    assert.is(keys.length, 2);
    assert.match(keys[0] ?? '', /^h[0-9a-f]{64}$/);
    assert.is(keys[1], 'r/');
    assert.equal((await calls.get('sys/leases/lookup/auth?list=true')).body.data.keys, ['token/']);
  });

  test('are looked up, and say when they end', async () => {
    const [key] = await list('auth/token/create/r/');
    const id = `auth/token/create/r/${key}`;
    const { data } = (await calls.post('sys/leases/lookup', { lease_id: id })).body;
    assert.equal([data.id, data.renewable, data.last_renewal], [id, true, null]);
    assert.is(Date.parse(data.expire_time) - Date.parse(data.issue_time), 2_764_800_000);
    assert.ok(data.ttl > 2_764_000);
  });

  test('are refused in the words of the dialect', async () => {
    for (const [path, fields, text] of [
      ['sys/leases/lookup', {}, 'lease_id must be specified'],
      ['sys/leases/lookup', { lease_id: 'nope' }, 'invalid lease'],
      ['sys/leases/renew', {}, 'lease_id must be specified'],
      ['sys/leases/renew', { lease_id: 'nope' }, 'lease not found'],
      ['sys/renew', { lease_id: 'nope' }, 'lease not found'],
      ['sys/leases/revoke', {}, 'lease_id must be specified'],
    ] as const)
      refusedWith(await calls.post(path, fields), 400, text);
    assert.is((await calls.post('sys/leases/revoke', { lease_id: 'nope' })).status, 204);
  });

  test('of tokens are renewed through the token store', async () => {
    const [key] = await list('auth/token/create/r/');
    const lease_id = `auth/token/create/r/${key}`;
    refusedWith(
      await calls.post('sys/leases/renew', { lease_id }),
      400,
      'tokens cannot be renewed through this endpoint',
    );
  });

  for (const path of ['sys/leases/revoke-prefix', 'sys/leases/revoke-force', 'sys/revoke-prefix', 'sys/revoke-force'])
    test(`end below a prefix by ${path}`, async () => {
      const doomed = await calls.make({ policies: ['x'] }, { route: 'create/r' });
      const other = await calls.make({ policies: ['x'] });
      assert.is((await calls.post(`${path}/auth/token/create/r`)).status, 204);
      assert.equal([await calls.lives(doomed.client_token), await calls.lives(other.client_token)], [false, true]);
      assert.equal(await list('auth/token/create/r/'), []);
    });

  test('of a login method end together', async () => {
    const { name, password } = cluster.admin;
    const login = await calls.post(`auth/userpass/login/${name}`, { password });
    const token = login.body.auth.client_token;
    const child = await calls.make({ ttl: '1h' }, { by: token });
    assert.is((await calls.post('sys/leases/revoke-prefix/auth/userpass')).status, 204);
    assert.equal([await calls.lives(token), await calls.lives(child.client_token)], [false, false]);
  });

  test('by the hundred, the caller among them', async () => {
    const token = (await calls.make({ ttl: '1h' })).client_token;
    await Promise.all(Array.from({ length: 30 }, () => calls.make({ policies: ['x'], ttl: '1h' }, { by: token })));
    assert.is((await calls.post('sys/leases/revoke-prefix/auth/token/create', {}, token)).status, 204);
    assert.not(await calls.lives(token));
    assert.equal(await list('auth/token/'), []);
  });

  test('need sudo below a prefix', async () => {
    await calls.policy('leaser', 'path "sys/leases/*" { capabilities = ["update", "list"] }');
    const { client_token } = await calls.make({ policies: ['leaser'] });
    assert.is((await calls.post('sys/leases/revoke-prefix/auth/token', {}, client_token)).status, 403);
    assert.is((await node.call('LIST', 'sys/leases/lookup/auth', undefined, { token: client_token })).status, 403);
    assert.is((await calls.post('sys/leases/lookup', { lease_id: 'x' }, client_token)).status, 400);
  });
});
