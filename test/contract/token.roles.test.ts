/** Token roles: settings in and out, and what they make of a token (vault-wire.md §10.6). */
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let calls: TokenCalls;

const UNSET = {
  ...{ allowed_policies: [], disallowed_policies: [], allowed_policies_glob: [], disallowed_policies_glob: [] },
  ...{ orphan: false, renewable: true, path_suffix: '', allowed_entity_aliases: null, token_no_default_policy: false },
  ...{ period: 0, token_period: 0, explicit_max_ttl: 0, token_explicit_max_ttl: 0, token_type: 'default-service' },
};

const write = async (name: string, fields: Json): Promise<void> => {
  const reply = await calls.post(`auth/token/roles/${name}`, fields);
  assert.is(reply.status, 204, reply.text);
};
const read = async (name: string): Promise<Json> => (await calls.get(`auth/token/roles/${name}`)).body.data;
const list = () => cluster.node.call('LIST', 'auth/token/roles');

describe('a token role', test => {
  test.before(async () => {
    cluster = await testCluster();
    calls = tokenCalls(cluster.node);
    await calls.policy('roler', 'path "auth/token/create/*" { capabilities = ["update"] }');
  });
  test.after(() => cluster.stop());

  test('is written, read, listed and removed', async () => {
    assert.is((await list()).status, 404);
    assert.equal((await list()).body, { errors: [] });
    assert.is((await calls.get('auth/token/roles/none')).status, 404);
    await write('one', {});
    await write('Two', { orphan: true });
    assert.equal(await read('one'), { name: 'one', ...UNSET });
    assert.equal((await list()).body.data.keys, ['Two', 'one']);
    for (let i = 0; i < 2; i += 1) assert.is((await cluster.node.call('DELETE', 'auth/token/roles/one')).status, 204);
    assert.equal((await list()).body.data.keys, ['Two']);
  });

  const READ_BACK: readonly (readonly [Json, Json])[] = [
    [
      { allowed_policies: 'a,b', disallowed_policies: ['c'] },
      { allowed_policies: ['a', 'b'], disallowed_policies: ['c'] },
    ],
    [
      { allowed_policies_glob: ['a*'], disallowed_policies_glob: 'b*' },
      { allowed_policies_glob: ['a*'], disallowed_policies_glob: ['b*'] },
    ],
    [{ token_period: '1h' }, { token_period: 3600, period: 0 }],
    [{ period: 60 }, { token_period: 60, period: 60 }],
    [{ explicit_max_ttl: '5m' }, { token_explicit_max_ttl: 300, explicit_max_ttl: 300 }],
    [{ token_explicit_max_ttl: '5m' }, { token_explicit_max_ttl: 300, explicit_max_ttl: 0 }],
    [{ path_suffix: 'suf.fix-1' }, { path_suffix: 'suf.fix-1' }],
    [{ token_type: 'default' }, { token_type: 'default-service' }],
    [{ token_type: 'batch', orphan: true, renewable: false }, { token_type: 'batch' }],
    [{ token_num_uses: 4 }, { token_num_uses: 4 }],
    [{ token_bound_cidrs: '10.0.0.0/8' }, { token_bound_cidrs: ['10.0.0.0/8'], bound_cidrs: ['10.0.0.0/8'] }],
    [{ allowed_entity_aliases: ['x'] }, { allowed_entity_aliases: ['x'] }],
  ];
  READ_BACK.forEach(([fields, shown], i) => {
    test(`reads back ${JSON.stringify(fields)}`, async () => {
      await write(`back${i}`, fields);
      const data = await read(`back${i}`);
      for (const [key, value] of Object.entries(shown)) assert.equal(data[key], value, key);
    });
  });

  test('keeps what a later write does not name', async () => {
    await write('kept', { orphan: true, token_period: '1h' });
    await write('kept', { path_suffix: 'abc' });
    const data = await read('kept');
    assert.equal([data.orphan, data.token_period, data.path_suffix], [true, 3600, 'abc']);
  });

  const REFUSED: readonly (readonly [Json, string])[] = [
    [{ token_type: 'zz' }, 'invalid \'token_type\' value "zz"'],
    [{ path_suffix: '-x/' }, 'given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w'],
    [{ token_period: '-1h' }, 'cannot be negative'],
    [{ token_num_uses: -1 }, 'cannot be negative'],
    [{ token_type: 'batch', token_num_uses: 2 }, 'with limited use count'],
    [{ token_type: 'batch', orphan: true, renewable: false, token_period: '1h' }, 'to generate periodic tokens'],
    [{ token_type: 'batch', renewable: false }, 'to generate non-orphan tokens'],
    [{ token_type: 'batch', orphan: true }, 'to generate renewable tokens'],
  ];
  for (const [fields, text] of REFUSED)
    test(`refuses ${JSON.stringify(fields)}`, async () =>
      refusedWith(await calls.post('auth/token/roles/refused', fields), 400, text));

  const MADE: readonly (readonly [string, Json, Json, Json])[] = [
    [
      'gives the allowed policies and default',
      { allowed_policies: ['a', 'b'] },
      {},
      { policies: ['a', 'b', 'default'] },
    ],
    ['gives a part of them', { allowed_policies: ['a', 'b'] }, { policies: ['b'] }, { policies: ['b', 'default'] }],
    ['leaves default out', { allowed_policies: ['a'], token_no_default_policy: true }, {}, { policies: ['a'] }],
    [
      'allows by pattern',
      { allowed_policies_glob: ['app-*'] },
      { policies: ['app-x'], no_default_policy: true },
      { policies: ['app-x'] },
    ],
    ['makes orphans without sudo', { orphan: true }, {}, { orphan: true }],
    ['makes periodic tokens', { token_period: '1h' }, {}, { lease_duration: 3600 }],
    ['bounds them', { token_explicit_max_ttl: '10m' }, { ttl: '10m', explicit_max_ttl: '1h' }, { lease_duration: 600 }],
    [
      'makes the smaller bound count',
      { token_explicit_max_ttl: '1h' },
      { ttl: '5m', explicit_max_ttl: '5m' },
      { lease_duration: 300 },
    ],
    ['makes tokens that are not renewable', { renewable: false }, {}, { renewable: false }],
    ['makes counted tokens', { token_num_uses: 4 }, {}, { num_uses: 4 }],
    ['makes the smaller count', { token_num_uses: 4 }, { num_uses: 2 }, { num_uses: 2 }],
    ['makes batch tokens', { token_type: 'batch', orphan: true, renewable: false }, {}, { token_type: 'batch' }],
    ['makes batch tokens by default', { token_type: 'default-batch' }, {}, { token_type: 'batch' }],
    [
      'makes service tokens all the same',
      { token_type: 'default-batch' },
      { type: 'service' },
      { token_type: 'service' },
    ],
    ['insists on service tokens', { token_type: 'service' }, { type: 'batch' }, { token_type: 'service' }],
  ];
  MADE.forEach(([name, role, fields, shown], i) => {
    test(name, async () => {
      await write(`made${i}`, role);
      const { client_token: by } = await calls.make({ policies: ['roler', 'a'] });
      const auth = await calls.make(fields, { route: `create/made${i}`, by });
      for (const [key, value] of Object.entries(shown)) assert.equal(auth[key], value, key);
      const { data } = (await calls.post('auth/token/lookup', { token: auth.client_token })).body;
      assert.equal([data.role, data.path], [`made${i}`, `auth/token/create/made${i}`]);
    });
  });

  test('puts its suffix behind the path of creation', async () => {
    await write('suffixed', { path_suffix: 'abc' });
    const auth = await calls.make({ policies: ['x'] }, { route: 'create/suffixed' });
    const { data } = (await calls.get('auth/token/lookup-self', auth.client_token)).body;
    assert.is(data.path, 'auth/token/create/suffixed/abc');
  });

  const DENIED: readonly (readonly [Json, Json, string])[] = [
    [
      { allowed_policies: ['b'] },
      { policies: ['a'] },
      'token policies (["a" "default"]) must be subset of the role\'s allowed policies (["b" "default"]) or glob policies ([])',
    ],
    [{ disallowed_policies: ['x'] }, { policies: ['x'] }, 'token policy "x" is disallowed by this role'],
    [{ disallowed_policies_glob: ['*prod*'] }, { policies: ['my-prod-1'] }, 'token policy "my-prod-1" is disallowed'],
    [{ allowed_policies: ['root'] }, {}, 'root tokens may not be created without parent token being root'],
    [{}, { policies: ['b'] }, 'child policies must be subset of parent'],
    [{ orphan: true }, { policies: ['default', 'admin'] }, 'child policies must be subset of parent'],
    [{}, { entity_alias: 'x' }, "invalid 'entity_alias' value"],
  ];
  DENIED.forEach(([role, fields, text], i) => {
    test(`refuses: ${text.slice(0, 60)}`, async () => {
      await write(`denied${i}`, role);
      const { client_token } = await calls.make({ policies: ['roler'] });
      refusedWith(await calls.post(`auth/token/create/denied${i}`, fields, client_token), 400, text);
    });
  });

  test('that is unknown makes nothing', async () => {
    refusedWith(await calls.post('auth/token/create/none', {}), 400, 'unknown role none');
  });

  test('that is gone renews nothing', async () => {
    await write('brief', {});
    const auth = await calls.make({ policies: ['x'] }, { route: 'create/brief' });
    assert.is((await calls.post('auth/token/renew', { token: auth.client_token })).status, 200);
    await cluster.node.call('DELETE', 'auth/token/roles/brief');
    refusedWith(
      await calls.post('auth/token/renew', { token: auth.client_token }),
      400,
      'original token role "brief" could not be found, not renewing',
    );
  });

  test('asks for create where there is none, for update where there is one', async () => {
    await calls.policy('creator', 'path "auth/token/roles/*" { capabilities = ["create"] }');
    const { client_token } = await calls.make({ policies: ['creator'] });
    assert.is((await calls.post('auth/token/roles/fresh', {}, client_token)).status, 204);
    assert.is((await calls.post('auth/token/roles/fresh', {}, client_token)).status, 403);
  });
});
