/** Batch tokens: not stored, not renewable, not revocable; they end with time and parent (vault-wire.md §10.1). */
import * as assert from 'uvu/assert';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { done, enable, login } from './support/logins.js';
import { later, refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let calls: TokenCalls;

describe('a batch token', test => {
  test.before(async () => {
    cluster = await testCluster();
    calls = tokenCalls(cluster.node);
    await calls.policy('app', 'path "secret/*" { capabilities = ["create", "read", "update"] }');
    await calls.policy('maker', 'path "auth/token/create" { capabilities = ["update"] }');
    await calls.post('secret/data/x', { data: { v: 1 } });
  });
  test.after(() => cluster.stop());

  test('carries itself, reads and writes, and shows what it is', async () => {
    const auth = await calls.make({
      policies: ['app'],
      type: 'batch',
      ttl: '1h',
      meta: { a: 'b' },
      display_name: 'ci',
    });
    assert.match(auth.client_token, /^hvb\.[\w-]+$/);
    assert.equal(
      [auth.accessor, auth.token_type, auth.renewable, auth.lease_duration, auth.policies],
      ['', 'batch', false, 3600, ['app', 'default']],
    );
    assert.is((await calls.get('secret/data/x', auth.client_token)).status, 200);
    assert.is((await calls.post('secret/data/y', { data: { v: 1 } }, auth.client_token)).status, 200);
    assert.is((await calls.get('sys/policies/acl/app', auth.client_token)).status, 403);
    const { data } = (await calls.get('auth/token/lookup-self', auth.client_token)).body;
    assert.equal(
      [data.type, data.accessor, data.meta, data.display_name, data.renewable, data.num_uses, data.creation_ttl],
      ['batch', '', { a: 'b' }, 'token-ci', false, 0, 3600],
    );
  });

  test('leaves no event but a record of the request', async () => {
    const head = async () => (await calls.get('sys/ledger/head')).body.data.authority_count;
    const before = await head();
    await calls.make({ policies: ['app'], type: 'batch' });
    assert.is(await head(), before);
  });

  test('is good on a node that never saw it', async () => {
    const other = tokenCalls(await cluster.newNode());
    const auth = await calls.make({ policies: ['app'], type: 'batch' });
    assert.is((await other.get('secret/data/x', auth.client_token)).status, 200);
  });

  test('changed by one character is none', async () => {
    const { client_token: token } = await calls.make({ policies: ['app'], type: 'batch' });
    for (const at of [4, 20, 60, 100, token.length - 1]) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      assert.not(await calls.lives(changed), `at ${at}`);
    }
    for (const changed of [`${token}A`, token.slice(0, -1), `${token}=`, token.replace('hvb.', 'hvs.')])
      assert.not(await calls.lives(changed));
  });

  test('ends by its time', async () => {
    const { client_token: token } = await calls.make({ policies: ['app'], type: 'batch', ttl: '1h' });
    assert.ok(await later(3590, () => calls.lives(token)));
    assert.not(await later(3601, () => calls.lives(token)));
  });

  test('ends with its parent, unless it is an orphan', async () => {
    const parent = await calls.make({ policies: ['maker', 'app'] });
    const child = await calls.make({ type: 'batch', policies: ['app'] }, { by: parent.client_token });
    const orphan = await calls.make({ type: 'batch', policies: ['app'], no_parent: true });
    assert.equal([child.orphan, orphan.orphan], [false, true]);
    await calls.post('auth/token/revoke', { token: parent.client_token });
    assert.equal([await calls.lives(child.client_token), await calls.lives(orphan.client_token)], [false, true]);
  });

  test('is refused where its role, or its login, gives a number of uses: nothing would count them', async () => {
    const refusal = 'batch tokens cannot have "num_uses" set';
    await done(cluster.node, 'POST', 'auth/token/roles/few', { token_num_uses: 2 });
    refusedWith(await calls.post('auth/token/create/few', { type: 'batch' }), 400, refusal);
    await enable(cluster.node, 'tuned', { type: 'userpass', config: { token_type: 'batch' } });
    const password = 'nine slow trains at dawn';
    await done(cluster.node, 'POST', 'auth/tuned/users/ann', { password, token_num_uses: 2 });
    refusedWith(await login(cluster.node, 'tuned/login/ann', { password }), 400, refusal);
    await done(cluster.node, 'POST', 'auth/tuned/users/ann', { token_num_uses: 0 });
    assert.is((await login(cluster.node, 'tuned/login/ann', { password })).body.auth.token_type, 'batch');
  });

  test('has limits of size', async () => {
    const policies = Array.from({ length: 250 }, (_, i) => `${'p'.repeat(250)}${i}`);
    refusedWith(await calls.post('auth/token/create', { policies, type: 'batch' }), 400, 'a batch token holds 48 KiB');
  });
});
