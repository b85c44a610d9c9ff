/** Mounts over real sockets: who may have which path, what is shown of it, and what ends with it. */
import * as assert from 'uvu/assert';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { refusedWith } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;

const enabled = async (path: string, fields: object): Promise<void> => {
  const reply = await node.call('POST', path, fields);
  assert.is(reply.status, 204, reply.text);
};

describe('auth mounts', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
  });
  test.after(() => cluster.stop());

  test('are enabled, listed without auth/, read and disabled, again without complaint', async () => {
    await enabled('sys/auth/approle', { type: 'approle', description: 'machines' });
    const listed = await node.call('GET', 'sys/auth');
    assert.equal(Object.keys(listed.body.data).sort(), ['administrators/', 'approle/', 'token/', 'userpass/']);
    assert.equal(listed.body['approle/'], listed.body.data['approle/']);
    const read = await node.call('GET', 'sys/auth/approle');
    assert.is(read.body.data.description, 'machines');
    assert.match(read.body.data.accessor, /^approle_[0-9a-f]{8}$/);
    assert.is(read.body.data.config.token_type, 'default-service');
    for (const _ of [1, 2]) assert.is((await node.call('DELETE', 'sys/auth/approle')).status, 204);
    refusedWith(await node.call('GET', 'sys/auth/approle'), 400, 'No auth engine at approle/');
  });

  test('may take the path of the administrators’ login', async () => {
    await enabled('sys/auth/userpass', { type: 'userpass' });
    const { uuid } = (await node.call('GET', 'sys/auth/userpass')).body.data;
    assert.is.not(uuid, '00000000-0000-0000-0000-000000000000');
    refusedWith(await node.call('POST', 'sys/auth/userpass', { type: 'userpass' }), 400, 'already in use at userpass/');
    assert.is((await node.call('DELETE', 'sys/auth/userpass')).status, 204);
  });

  const refused: readonly (readonly [method: string, path: string, fields: object | undefined, text: string])[] = [
    ['POST', 'sys/auth/x', {}, 'backend type must be specified as a string'],
    ['POST', 'sys/auth/x', { type: 'nope' }, 'plugin not found in the catalog: nope'],
    ['POST', 'sys/auth/x', { type: 'oidc' }, 'plugin not found in the catalog: oidc'],
    ['POST', 'sys/auth/token', { type: 'jwt' }, 'path is already in use at token/'],
    ['POST', 'sys/auth/token/below', { type: 'jwt' }, 'path is already in use at token/'],
    ['POST', 'sys/auth/a+b', { type: 'jwt' }, "a mount's path has no empty parts"],
    ['POST', 'sys/auth/', { type: 'jwt' }, "cannot write to a path ending in '/'"],
    ['POST', 'sys/mounts/auth/x', { type: 'jwt' }, 'cannot mount "auth/x/"'],
    [
      'POST',
      'sys/auth/x',
      { type: 'jwt', config: { default_lease_ttl: 'zz' } },
      'unable to parse default TTL of zz: time: invalid duration "zz"',
    ],
    [
      'POST',
      'sys/auth/x',
      { type: 'jwt', config: { default_lease_ttl: '2h', max_lease_ttl: '1h' } },
      'given default lease TTL greater than given max lease TTL',
    ],
    ['POST', 'sys/auth/x', { type: 'jwt', options: 3 }, 'error converting input for field "options"'],
    ['DELETE', 'sys/auth/token', undefined, 'token credential backend cannot be disabled'],
    ['DELETE', 'sys/mounts/sys', undefined, 'cannot unmount "sys/"'],
    ['DELETE', 'sys/mounts/cubbyhole', undefined, 'cannot unmount "cubbyhole/"'],
    ['GET', 'sys/mounts/nope', undefined, 'No secret engine mount at nope/'],
    ['GET', 'sys/mounts/nope/tune', undefined, 'cannot fetch sysview for path "nope/"'],
    ['POST', 'sys/mounts/nope/tune', {}, 'tune of path "nope/" failed: no mount entry found'],
  ];
  for (const [method, path, fields, text] of refused)
    test(`${method} ${path} ${JSON.stringify(fields ?? null)} is refused: ${text}`, async () => {
      refusedWith(await node.call(method, path, fields), 400, text);
      assert.not((await node.call('GET', 'sys/auth')).body.data['x/']);
    });

  test('are tuned through both doors, and 0, "system" and "" mean what they do elsewhere', async () => {
    await enabled('sys/auth/jwt', { type: 'jwt', config: { max_lease_ttl: '24h' } });
    for (const door of ['sys/auth/jwt/tune', 'sys/mounts/auth/jwt/tune']) {
      assert.is((await node.call('POST', door, { default_lease_ttl: '1h', description: door })).status, 204);
      const { data } = (await node.call('GET', door)).body;
      assert.equal([data.default_lease_ttl, data.max_lease_ttl, data.description], [3600, 86400, door]);
      await node.call('POST', door, { default_lease_ttl: '' });
      assert.is((await node.call('GET', door)).body.default_lease_ttl, 3600);
      await node.call('POST', door, { default_lease_ttl: 'system' });
      assert.is((await node.call('GET', door)).body.default_lease_ttl, 2764800);
    }
    refusedWith(
      await node.call('POST', 'sys/auth/jwt/tune', { default_lease_ttl: '48h' }),
      400,
      'backend max lease TTL of 86400 would be less than backend default lease TTL of 172800',
    );
  });

  test('are changed only with sudo, and seen only with a policy', async () => {
    await node.call('PUT', 'sys/policies/acl/mounter', {
      policy: 'path "sys/auth/*" { capabilities = ["create", "read", "update"] }',
    });
    const made = await node.call('POST', 'auth/token/create', { policies: ['mounter'] });
    const token = made.body.auth.client_token;
    refusedWith(await node.call('POST', 'sys/auth/x', { type: 'jwt' }, { token }), 403, 'permission denied');
    refusedWith(await node.call('GET', 'sys/mounts', undefined, { token }), 403, 'permission denied');
  });

  test('two callers who enable the same path at once get one mount', async () => {
    const tries = await Promise.all(
      Array.from({ length: 6 }, () => node.call('POST', 'sys/auth/raced', { type: 'cert' })),
    );
    assert.equal(tries.map(({ status }) => status).sort(), [204, 400, 400, 400, 400, 400]);
  });
});
