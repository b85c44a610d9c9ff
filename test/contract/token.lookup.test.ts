/** Looking tokens up: by themselves, by text, by accessor (vault-wire.md §10.3). */
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { later, refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let calls: TokenCalls;

const ALL = [
  'accessor',
  'creation_time',
  'creation_ttl',
  'display_name',
  'entity_id',
  'expire_time',
  'explicit_max_ttl',
];
const MORE = ['id', 'meta', 'num_uses', 'orphan', 'path', 'policies', 'renewable', 'ttl', 'type'];

describe('looking up a token', test => {
  test.before(async () => {
    cluster = await testCluster();
    calls = tokenCalls(cluster.node);
  });
  test.after(() => cluster.stop());

  test('shows the initial root token with every field but its time of issue', async () => {
    const { data } = (await calls.get('auth/token/lookup-self')).body;
    assert.equal(Object.keys(data).sort(), [...ALL, ...MORE].sort());
    assert.is(data.id, cluster.rootToken);
    assert.equal(
      [data.policies, data.ttl, data.expire_time, data.orphan, data.path, data.display_name, data.type, data.renewable],
      [['root'], 0, null, true, 'auth/token/root', 'root', 'service', false],
    );
  });

  test('shows another with its time of issue, and what it was given', async () => {
    const made = await calls.make({ policies: ['x'], period: '1h', explicit_max_ttl: '2h', meta: { a: 'b' } });
    const { data } = (await calls.post('auth/token/lookup', { token: made.client_token })).body;
    assert.equal(Object.keys(data).sort(), [...ALL, ...MORE, 'issue_time', 'period'].sort());
    assert.is(data.id, made.client_token);
    assert.is(data.accessor, made.accessor);
    assert.is(Date.parse(data.expire_time) - Date.parse(data.issue_time), 3_600_000);
    assert.is(Math.floor(Date.parse(data.issue_time) / 1000), data.creation_time);
    assert.equal([data.period, data.explicit_max_ttl, data.creation_ttl, data.meta], [3600, 7200, 3600, { a: 'b' }]);
    assert.ok(data.ttl > 3590 && data.ttl <= 3600);
  });

  test('counts the seconds that are left', async () => {
    const made = await calls.make({ policies: ['x'], ttl: '1h' });
    const seen: Json = await later(1800, () => calls.get('auth/token/lookup-self', made.client_token));
    assert.ok(seen.body.data.ttl > 1790 && seen.body.data.ttl <= 1800, seen.text);
    assert.is(seen.body.data.creation_ttl, 3600);
  });

  test('by POST asks for update, which the default policy lacks', async () => {
    const { client_token: token } = await calls.make({ policies: ['x'] });
    assert.is((await calls.get('auth/token/lookup-self', token)).status, 200);
    assert.is((await calls.post('auth/token/lookup-self', {}, token)).status, 403);
    assert.is((await calls.post('auth/token/lookup-self')).status, 200);
  });

  test('without a token looks up the caller', async () => {
    for (const fields of [{}, { token: '' }])
      assert.is((await calls.post('auth/token/lookup', fields)).body.data.id, cluster.rootToken);
  });

  test('works as GET with the token in the query', async () => {
    const made = await calls.make({ policies: ['x'] });
    assert.is((await calls.get(`auth/token/lookup?token=${made.client_token}`)).body.data.accessor, made.accessor);
  });

  test('of an unknown token is a 403', async () => {
    for (const token of ['hvs.nope', 'hvb.AAAA', 'x'.repeat(300), 'hvb.'])
      refusedWith(await calls.post('auth/token/lookup', { token }), 403, 'bad token');
  });

  test('by accessor does not tell the token', async () => {
    const made = await calls.make({ policies: ['x'] });
    const { data } = (await calls.post('auth/token/lookup-accessor', { accessor: made.accessor })).body;
    assert.equal([data.id, data.accessor], ['', made.accessor]);
    refusedWith(await calls.post('auth/token/lookup-accessor', { accessor: 'nope' }), 400, 'invalid accessor');
    refusedWith(await calls.post('auth/token/lookup-accessor'), 400, 'missing accessor');
  });

  test('lists accessors to those who have sudo', async () => {
    const made = await calls.make({ policies: ['lister'] });
    await calls.policy('lister', 'path "auth/token/accessors*" { capabilities = ["list"] }');
    const list = (token?: string) =>
      cluster.node.call('LIST', 'auth/token/accessors', undefined, token === undefined ? {} : { token });
    assert.is((await list(made.client_token)).status, 403);
    await calls.policy('lister', 'path "auth/token/accessors*" { capabilities = ["list", "sudo"] }');
    const { keys } = (await list(made.client_token)).body.data;
    assert.ok(keys.includes(made.accessor));
    assert.equal(keys, [...keys].sort());
    assert.equal((await calls.get('auth/token/accessors/?list=true')).body.data.keys, keys);
  });

  test('answers another verb with 405', async () => {
    assert.is((await cluster.node.call('DELETE', 'auth/token/lookup-self')).status, 405);
    assert.is((await calls.get('auth/token/create')).status, 405);
    assert.is((await calls.get('auth/token/nothing')).status, 404);
  });
});
