/** AppRoles: settings in and out, one by one and together (vault-wire.md §11.2). */
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { dataOf, done, enable, login } from './support/logins.js';
import { refusedWith } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;

const UNSET = {
  ...{ bind_secret_id: true, local_secret_ids: false, secret_id_bound_cidrs: null, secret_id_num_uses: 0 },
  ...{ secret_id_ttl: 0, token_bound_cidrs: [], token_explicit_max_ttl: 0, token_max_ttl: 0, token_num_uses: 0 },
  ...{ token_no_default_policy: false, token_period: 0, token_policies: [], token_strictly_bind_ip: false },
  ...{ token_ttl: 0, token_type: 'default' },
};

const write = (name: string, fields: Json = {}, status = 204) =>
  done(node, 'POST', `auth/approle/role/${name}`, fields, status);
const read = (name: string): Promise<Json> => dataOf(node, 'GET', `auth/approle/role/${name}`);

describe('an AppRole', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    await enable(node, 'approle', { type: 'approle' });
  });
  test.after(() => cluster.stop());

  test('is written, read, listed and removed, under a name without case', async () => {
    await done(node, 'LIST', 'auth/approle/role', undefined, 404);
    await done(node, 'GET', 'auth/approle/role/none', undefined, 404);
    await write('One');
    assert.equal(await read('oNE'), UNSET);
    await write('two');
    assert.equal((await dataOf(node, 'LIST', 'auth/approle/role/')).keys, ['one', 'two']);
    for (const _ of [1, 2]) await done(node, 'DELETE', 'auth/approle/role/ONE');
    assert.equal((await dataOf(node, 'GET', 'auth/approle/role?list=true')).keys, ['two']);
  });

  const READ_BACK: readonly (readonly [fields: Json, shown: Json])[] = [
    [
      { token_ttl: '20m', token_max_ttl: '1h' },
      { token_ttl: 1200, token_max_ttl: 3600 },
    ],
    [{ token_policies: 'a, b' }, { token_policies: ['a', 'b'], policies: undefined }],
    [{ policies: ['a'] }, { token_policies: ['a'], policies: ['a'] }],
    [
      { period: '1h', policies: 'x', token_policies: 'y' },
      { token_period: 3600, period: 3600, token_policies: ['y'], policies: undefined },
    ],
    [{ bound_cidr_list: '10.0.0.0/8' }, { secret_id_bound_cidrs: ['10.0.0.0/8'], bound_cidr_list: ['10.0.0.0/8'] }],
    [
      { secret_id_bound_cidrs: ['10.1.0.0/16'], secret_id_num_uses: '4', secret_id_ttl: '10m' },
      { secret_id_bound_cidrs: ['10.1.0.0/16'], secret_id_num_uses: 4, secret_id_ttl: 600 },
    ],
    [
      { token_bound_cidrs: '127.0.0.1', bind_secret_id: false },
      { token_bound_cidrs: ['127.0.0.1'], bind_secret_id: false },
    ],
    [
      { token_num_uses: 3, token_explicit_max_ttl: 60 },
      { token_num_uses: 3, token_explicit_max_ttl: 60 },
    ],
    [{ token_no_default_policy: true, token_strictly_bind_ip: 'true' }, { token_no_default_policy: true }],
    [{ token_type: 'batch' }, { token_type: 'batch' }],
    [{ local_secret_ids: true }, { local_secret_ids: true }],
  ];
  READ_BACK.forEach(([fields, shown], i) => {
    test(`reads back ${JSON.stringify(fields)}`, async () => {
      await write(`back${i}`, fields);
      const data = await read(`back${i}`);
      for (const [key, value] of Object.entries(shown)) assert.equal(data[key], value, key);
    });
  });

  test('keeps what a later write does not name, and an older name until the new one is used', async () => {
    await write('kept', { policies: 'a', secret_id_num_uses: 4 });
    await write('kept', { token_ttl: 60 });
    assert.equal((await read('kept')).policies, ['a']);
    await write('kept', { token_policies: 'b' });
    const data = await read('kept');
    assert.equal([data.policies, data.token_policies, data.secret_id_num_uses], [undefined, ['b'], 4]);
  });

  test('warns of a type that is another word for a service or a batch token', async () => {
    for (const [type, stored] of [
      ['default-service', 'service'],
      ['default-batch', 'batch'],
    ]) {
      const { body } = await write('typed', { token_type: type }, 200);
      assert.equal(body.warnings, [`${type} has no useful meaning; adjusting to ${stored}`]);
      assert.is((await read('typed')).token_type, stored);
    }
  });

  const REFUSED: readonly (readonly [fields: Json, text: string])[] = [
    [{ token_ttl: '2h', token_max_ttl: '1h' }, "'token_ttl' cannot be greater than 'token_max_ttl'"],
    [{ token_type: 'zz' }, 'invalid \'token_type\' value "zz"'],
    [{ token_type: 'batch', token_num_uses: 1 }, 'with limited use count'],
    [{ token_type: 'batch', period: '1h' }, 'to generate periodic tokens'],
    [{ token_period: '-1h' }, "'token_period' cannot be negative"],
    [{ token_num_uses: -1 }, "'token_num_uses' cannot be negative"],
    [{ secret_id_num_uses: -1 }, 'secret_id_num_uses cannot be negative'],
    [{ secret_id_ttl: '-1s' }, 'secret_id_ttl cannot be negative'],
    [{ secret_id_bound_cidrs: 'nowhere' }, "'secret_id_bound_cidrs' must be at most 256 addresses or networks"],
    [{ token_bound_cidrs: '10.0.0.0/33' }, "'token_bound_cidrs' must be at most 256 addresses or networks"],
    [{ bind_secret_id: false }, 'at least one constraint should be enabled on the role'],
    [{ role_id: '' }, 'role_id must have 1 to 256 printable characters'],
    [{ role_id: 'with a blank' }, 'role_id must have 1 to 256 printable characters'],
    [{ token_ttl: 'zz' }, 'time: invalid duration "zz"'],
    [{ token_policies: Array.from({ length: 257 }, (_, i) => `p${i}`) }, "'token_policies' has 256 names at most"],
  ];
  for (const [fields, text] of REFUSED)
    test(`refuses ${JSON.stringify(fields).slice(0, 80)}`, async () => {
      refusedWith(await node.call('POST', 'auth/approle/role/refused', fields), 400, text);
      await done(node, 'GET', 'auth/approle/role/refused', undefined, 404);
    });

  test('has local secret ids from the beginning, or never', async () => {
    await write('local', { local_secret_ids: true });
    refusedWith(
      await node.call('POST', 'auth/approle/role/local', { local_secret_ids: false }),
      400,
      'local_secret_ids can only be modified during role creation',
    );
  });

  const SETTINGS: readonly (readonly [path: string, field: string, sent: Json, shown: Json, reset: Json])[] = [
    ['policies', 'policies', 'a,b', { token_policies: ['a', 'b'] }, { token_policies: [] }],
    ['policies', 'token_policies', ['c'], { token_policies: ['c'] }, { token_policies: [] }],
    ['secret-id-num-uses', 'secret_id_num_uses', 5, { secret_id_num_uses: 5 }, { secret_id_num_uses: 0 }],
    ['secret-id-ttl', 'secret_id_ttl', '1h', { secret_id_ttl: 3600 }, { secret_id_ttl: 0 }],
    ['token-ttl', 'token_ttl', '1m', { token_ttl: 60 }, { token_ttl: 0 }],
    ['token-max-ttl', 'token_max_ttl', 120, { token_max_ttl: 120 }, { token_max_ttl: 0 }],
    ['token-num-uses', 'token_num_uses', 2, { token_num_uses: 2 }, { token_num_uses: 0 }],
    [
      'token-bound-cidrs',
      'token_bound_cidrs',
      '10.0.0.0/8',
      { token_bound_cidrs: ['10.0.0.0/8'] },
      { token_bound_cidrs: [] },
    ],
    [
      'secret-id-bound-cidrs',
      'secret_id_bound_cidrs',
      '10.0.0.0/8',
      { secret_id_bound_cidrs: ['10.0.0.0/8'] },
      { secret_id_bound_cidrs: [] },
    ],
    ['bound-cidr-list', 'bound_cidr_list', '10.0.0.0/8', { bound_cidr_list: ['10.0.0.0/8'] }, { bound_cidr_list: [] }],
    ['period', 'period', '1h', { period: 3600 }, { period: 0 }],
  ];
  for (const [path, field, sent, shown, reset] of SETTINGS)
    test(`has ${path} as a place of its own, set by ${field}`, async () => {
      await write('single', {});
      const place = `auth/approle/role/single/${path}`;
      await done(node, 'POST', place, { [field]: sent });
      assert.equal(await dataOf(node, 'GET', place), shown);
      await done(node, 'DELETE', place);
      assert.equal(await dataOf(node, 'GET', place), reset);
      refusedWith(await node.call('POST', place, { other: 1 }), 400, 'missing ');
    });

  test('answers for settings of a role that is not there', async () => {
    await done(node, 'GET', 'auth/approle/role/none/policies', undefined, 404);
    await done(node, 'POST', 'auth/approle/role/none/policies', { policies: 'a' }, 404);
    await done(node, 'DELETE', 'auth/approle/role/none/policies');
    await done(node, 'GET', 'auth/approle/role/none/role-id', undefined, 404);
    await done(node, 'POST', 'auth/approle/role/none/role-id', { role_id: 'x' }, 404);
  });

  test('keeps the constraint that a setting of its own would take away', async () => {
    await write('bound', { secret_id_bound_cidrs: '127.0.0.0/8', bind_secret_id: false });
    const place = 'auth/approle/role/bound/secret-id-bound-cidrs';
    refusedWith(await node.call('DELETE', place), 400, 'at least one constraint should be enabled on the role');
    await done(node, 'DELETE', 'auth/approle/role/bound/bind-secret-id');
    assert.equal(await dataOf(node, 'GET', 'auth/approle/role/bound/bind-secret-id'), { bind_secret_id: true });
    assert.equal(await dataOf(node, 'GET', 'auth/approle/role/bound/local-secret-ids'), { local_secret_ids: false });
    await done(node, 'POST', 'auth/approle/role/bound/local-secret-ids', { local_secret_ids: true }, 405);
  });

  test('has a role id that may be chosen and belongs to one role alone', async () => {
    await write('owner', { role_id: 'of-the-owner', bind_secret_id: false, token_bound_cidrs: '127.0.0.1' });
    assert.equal(await dataOf(node, 'GET', 'auth/approle/role/owner/role-id'), { role_id: 'of-the-owner' });
    await write('other');
    assert.match((await dataOf(node, 'GET', 'auth/approle/role/other/role-id')).role_id, /^[0-9a-f-]{36}$/);
    const taken = await node.call('POST', 'auth/approle/role/other/role-id', { role_id: 'of-the-owner' });
    refusedWith(taken, 400, 'role_id is already in use by another role');
    await done(node, 'POST', 'auth/approle/role/owner/role-id', { role_id: 'another' });
    refusedWith(await login(node, 'approle/login', { role_id: 'of-the-owner' }), 400, 'missing secret_id');
    assert.is((await login(node, 'approle/login', { role_id: 'another' })).status, 200);
    await done(node, 'POST', 'auth/approle/role/other/role-id', { role_id: 'of-the-owner' });
  });

  test('of two that are given the same role id at once, one gets it', async () => {
    const tries = await Promise.all(
      Array.from({ length: 6 }, (_, i) => node.call('POST', `auth/approle/role/raced${i}`, { role_id: 'raced' })),
    );
    assert.equal(tries.map(({ status }) => status).sort(), [204, 400, 400, 400, 400, 400]);
  });

  test('is anybody’s who has the policy, and nobody else’s', async () => {
    const policy = 'path "auth/approle/role/mine" { capabilities = ["create", "read"] }';
    await done(node, 'PUT', 'sys/policies/acl/roles', { policy });
    const made = await node.call('POST', 'auth/token/create', { policies: ['roles'] });
    const token = made.body.auth.client_token;
    const as = (method: string, path: string, fields?: Json) => node.call(method, path, fields, { token });
    assert.is((await as('POST', 'auth/approle/role/mine', {})).status, 204);
    refusedWith(await as('POST', 'auth/approle/role/mine', { token_ttl: 1 }), 403, 'permission denied');
    assert.is((await as('GET', 'auth/approle/role/mine')).status, 200);
    refusedWith(await as('DELETE', 'auth/approle/role/mine'), 403, 'permission denied');
    refusedWith(await as('POST', 'auth/approle/role/mine/secret-id', {}), 403, 'permission denied');
    refusedWith(await as('GET', 'auth/approle/nowhere'), 403, 'permission denied');
    refusedWith(await node.call('GET', 'auth/approle/nowhere'), 404, 'unsupported path');
    refusedWith(await node.call('DELETE', 'auth/approle/role/mine/role-id'), 405, 'unsupported operation');
  });
});
