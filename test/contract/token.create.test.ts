/** Creating tokens: every field, every refusal and what comes back (vault-wire.md §10.2), over real sockets. */
import * as assert from 'uvu/assert';
import { type Json, type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

let cluster: TestCluster;
let node: TestNode;

const DAY = 86_400;
const MAX = 32 * DAY;

const create = (fields: Json, options: { route?: string; token?: string } = {}): Promise<Reply> =>
  node.call('POST', `auth/token/${options.route ?? 'create'}`, fields, options.token ? { token: options.token } : {});

const made = async (fields: Json, options: { route?: string; token?: string } = {}): Promise<Json> => {
  const reply = await create(fields, options);
  assert.is(reply.status, 200, reply.text);
  return reply.body.auth;
};

const lookup = async (token: string): Promise<Json> =>
  (await node.call('GET', 'auth/token/lookup-self', undefined, { token })).body.data;

const refused = (reply: Reply, text: string): void => {
  assert.is(reply.status, 400, reply.text);
  assert.ok(reply.body.errors[0].includes(text), reply.text);
};

const CHILD_MAKER = `
path "auth/token/create"        { capabilities = ["update"] }
path "auth/token/create-orphan" { capabilities = ["update"] }
path "auth/token/create/*"      { capabilities = ["update"] }
`;
const SUDO_MAKER = 'path "auth/token/create" { capabilities = ["update", "sudo"] }\n';

describe('creating a token', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    for (const [name, policy] of [
      ['maker', CHILD_MAKER],
      ['sudoer', SUDO_MAKER],
      ['a', ''],
      ['b', ''],
    ])
      assert.is(
        (
          await node.call('PUT', `sys/policies/acl/${name}`, {
            policy: policy || 'path "x" { capabilities = ["read"] }',
          })
        ).status,
        204,
      );
  });
  test.after(() => cluster.stop());

  const SHOWN: readonly { name: string; fields: Json; auth?: Json; data?: Json; warnings?: Json }[] = [
    {
      name: 'of root without a ttl never ends, and is root',
      fields: {},
      auth: {
        policies: ['root'],
        lease_duration: 0,
        renewable: false,
        token_type: 'service',
        orphan: false,
        num_uses: 0,
      },
      data: { ttl: 0, expire_time: null, creation_ttl: 0, display_name: 'token', path: 'auth/token/create' },
    },
    {
      name: 'adds the default policy, sorts, lowers, and says which policies do not exist',
      fields: { policies: ['B', 'nope', 'a', 'a'] },
      auth: {
        policies: ['a', 'b', 'default', 'nope'],
        token_policies: ['a', 'b', 'default', 'nope'],
        lease_duration: MAX,
        renewable: true,
      },
      warnings: ['Policy "nope" does not exist'],
    },
    {
      name: 'leaves the default policy out',
      fields: { policies: ['a'], no_default_policy: true },
      auth: { policies: ['a'] },
    },
    {
      name: 'takes one text of policies as one policy',
      fields: { policies: 'a,b' },
      auth: { policies: ['a,b', 'default'] },
      warnings: ['Policy "a,b" does not exist'],
    },
    {
      name: 'root swallows other policies',
      fields: { policies: ['root', 'a'], ttl: '1h' },
      auth: { policies: ['root'], lease_duration: 3600, renewable: true },
    },
    {
      name: 'reads a ttl as a Go duration',
      fields: { policies: ['a'], ttl: '1h30m' },
      auth: { lease_duration: 5400 },
      data: { creation_ttl: 5400 },
    },
    { name: 'reads a ttl as seconds', fields: { policies: ['a'], ttl: 60 }, auth: { lease_duration: 60 } },
    {
      name: 'reads lease, the old name of ttl',
      fields: { policies: ['a'], lease: '2m' },
      auth: { lease_duration: 120 },
    },
    {
      name: 'caps a ttl at the maximum and says so',
      fields: { policies: ['a'], ttl: '1000h' },
      auth: { lease_duration: MAX },
      warnings: ['TTL of "1000h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly'],
    },
    {
      name: 'caps a ttl at its explicit maximum',
      fields: { policies: ['a'], ttl: '1h', explicit_max_ttl: '30m' },
      auth: { lease_duration: 1800 },
      data: { explicit_max_ttl: 1800 },
      warnings: ['TTL of "1h" exceeded the effective max_ttl of "30m"; TTL value is capped accordingly'],
    },
    {
      name: 'caps an explicit maximum at that of the system',
      fields: { policies: ['a'], ttl: '1h', explicit_max_ttl: '1000h' },
      auth: { lease_duration: 3600 },
      data: { explicit_max_ttl: MAX },
      warnings: [
        'Explicit max TTL of "1000h" is greater than system/mount allowed value; value is being capped to "768h"',
      ],
    },
    {
      name: 'of root with an explicit maximum ends then',
      fields: { explicit_max_ttl: '1h' },
      auth: { lease_duration: 3600, policies: ['root'] },
    },
    {
      name: 'periodic has its period as its ttl',
      fields: { policies: ['a'], period: '10m', ttl: '5h' },
      auth: { lease_duration: 600 },
      data: { period: 600, ttl: 600 },
    },
    {
      name: 'that is not renewable says so',
      fields: { policies: ['a'], renewable: false },
      auth: { renewable: false },
      data: { renewable: false },
    },
    {
      name: 'has metadata',
      fields: { policies: ['a'], meta: { team: 'x', n: '1' } },
      auth: { metadata: { team: 'x', n: '1' } },
      data: { meta: { team: 'x', n: '1' } },
    },
    {
      name: 'has a display name of name characters',
      fields: { policies: ['a'], display_name: 'my name/x' },
      data: { display_name: 'token-my-name-x' },
    },
    {
      name: 'has a plain display name',
      fields: { policies: ['a'], display_name: '' },
      data: { display_name: 'token' },
    },
    {
      name: 'may be an orphan',
      fields: { policies: ['a'], no_parent: true },
      auth: { orphan: true },
      data: { orphan: true },
    },
    {
      name: 'has a count of uses',
      fields: { policies: ['a'], num_uses: 3 },
      auth: { num_uses: 3 },
      data: { num_uses: 2 },
    },
    {
      name: 'takes what the command line always sends',
      fields: {
        ...{ ttl: '0s', explicit_max_ttl: '0s', period: '0s', num_uses: 0, display_name: '', type: 'service' },
        entity_alias: '',
        renewable: true,
        policies: ['a'],
      },
      auth: { lease_duration: MAX, token_type: 'service' },
    },
    {
      name: "takes what Terraform's provider sends",
      fields: {
        display_name: 'terraform',
        ttl: '1200s',
        explicit_max_ttl: '1200s',
        renewable: false,
        num_uses: 0,
        type: '',
      },
      auth: { lease_duration: 1200, renewable: false, policies: ['root'] },
      data: { display_name: 'token-terraform' },
    },
    {
      name: 'warns of fields that it does not know',
      fields: { policies: ['a'], colour: 'red' },
      warnings: ['Endpoint ignored these unrecognized parameters: [colour]'],
    },
  ];
  for (const { name, fields, auth = {}, data = {}, warnings = null } of SHOWN)
    test(name, async () => {
      const reply = await create(fields);
      assert.is(reply.status, 200, reply.text);
      assert.is(reply.body.data, null);
      for (const [key, value] of Object.entries(auth)) assert.equal(reply.body.auth[key], value, key);
      assert.equal(reply.body.warnings, warnings);
      assert.match(reply.body.auth.client_token, /^hvs\.[0-9A-Za-z]{24}$/);
      assert.match(reply.body.auth.accessor, /^[0-9A-Za-z]{24}$/);
      const seen = await lookup(reply.body.auth.client_token);
      for (const [key, value] of Object.entries(data)) assert.equal(seen[key], value, key);
    });

  const REFUSED: readonly (readonly [Json, string])[] = [
    [{ ttl: 'zz' }, 'time: invalid duration "zz"'],
    [{ ttl: '-1h' }, 'ttl must be positive'],
    [{ period: '-1h' }, 'period must be positive'],
    [{ explicit_max_ttl: '-1h' }, 'explicit_max_ttl must be positive'],
    [{ num_uses: -1 }, 'number of uses cannot be negative'],
    [{ num_uses: 'many' }, 'error converting input for field "num_uses"'],
    [{ renewable: 'maybe' }, 'error converting input for field "renewable"'],
    [{ type: 'zz' }, "invalid 'token_type' value"],
    [{ policies: ['response-wrapping'] }, 'cannot assign policy "response-wrapping"'],
    [{ entity_alias: 'x' }, "'entity_alias' is only allowed in combination with token role"],
    [{ type: 'batch', policies: ['a'], num_uses: 1 }, 'batch tokens cannot have "num_uses" set'],
    [{ type: 'batch', policies: ['a'], period: '1h' }, 'batch tokens cannot have "period" set'],
    [{ type: 'batch', policies: ['a'], explicit_max_ttl: '1h' }, 'batch tokens cannot have "explicit_max_ttl" set'],
    [{ type: 'batch' }, 'batch tokens cannot be root tokens'],
    [{ id: 's.mine' }, "custom token ID cannot have the 's.' prefix"],
    [{ id: 'hvs.mine' }, "custom token ID cannot have the 'hvs.' prefix"],
    [{ id: 'mi.ne' }, "custom token ID cannot have a '.' in the value"],
    [{ id: 'mine mine' }, 'custom token ID must have'],
    [{ ttl: '9000000h' }, 'time: invalid duration'],
    [{ ttl: '1000000h' }, '100 years at most'],
    [{ meta: { a: 'x'.repeat(20_000) } }, 'meta has 256 entries and 16 KiB at most'],
  ];
  for (const [fields, text] of REFUSED)
    test(`refuses ${JSON.stringify(fields).slice(0, 60)}`, async () => refused(await create(fields), text));

  test('keeps numbers in its metadata as they were sent', async () => {
    const reply = await create('{"policies":["a"],"meta":{"n":12345678901234567890,"d":1.0}}');
    assert.equal(reply.body.auth.metadata, { n: '12345678901234567890', d: '1.0' });
  });

  test("with an id of one's own uses it, once, and says what that is worth", async () => {
    const reply = await create({ id: 'my-own-token', policies: ['a'] });
    assert.is(reply.body.auth.client_token, 'my-own-token');
    assert.match(reply.body.warnings[0], /only as hard to guess/);
    assert.is((await lookup('my-own-token')).id, 'my-own-token');
    refused(await create({ id: 'my-own-token', policies: ['a'] }), 'cannot create a token with a duplicate ID');
  });

  test('without sudo gives no more than the caller has', async () => {
    const { client_token: token } = await made({ policies: ['maker', 'a'] });
    assert.equal((await made({}, { token })).policies, ['a', 'default', 'maker']);
    assert.equal((await made({ policies: ['a'] }, { token })).policies, ['a', 'default']);
    assert.equal((await made({ policies: ['a'], no_default_policy: true }, { token })).policies, ['a']);
    for (const [fields, text] of [
      [{ policies: ['b'] }, 'child policies must be subset of parent'],
      [{ policies: ['root'] }, 'child policies must be subset of parent'],
      [{ no_parent: true }, 'root or sudo privileges required to create orphan token'],
      [{ period: '1h' }, 'root or sudo privileges required to create periodic token'],
      [{ id: 'x' }, 'root or sudo privileges required to specify token id'],
    ] as const)
      refused(await create(fields, { token }), text);
    assert.is((await made({ period: '0s' }, { token })).num_uses, 0);
    const { client_token: noDefault } = await made({ policies: ['maker', 'a'], no_default_policy: true });
    assert.equal((await made({ policies: ['a'] }, { token: noDefault })).policies, ['a']);
  });

  test('with sudo gives any policy but root', async () => {
    const { client_token: token } = await made({ policies: ['sudoer'] });
    assert.equal((await made({ policies: ['b'], period: '1h', no_parent: true }, { token })).orphan, true);
    refused(
      await create({ policies: ['root'] }, { token }),
      'root tokens may not be created without parent token being root',
    );
  });

  test('create-orphan needs no sudo', async () => {
    const { client_token: token } = await made({ policies: ['maker'] });
    const auth = await made({}, { token, route: 'create-orphan' });
    assert.is(auth.orphan, true);
    assert.is((await lookup(auth.client_token)).path, 'auth/token/create-orphan');
  });

  test('expiring root does not make root that never expires', async () => {
    const { client_token: token } = await made({ ttl: '1h' });
    refused(await create({}, { token }), 'expiring root tokens cannot create non-expiring root tokens');
    assert.is((await made({ ttl: '30m' }, { token })).lease_duration, 1800);
  });

  test('neither a counted token nor a batch token has children', async () => {
    const { client_token: counted } = await made({ policies: ['maker'], num_uses: 5 });
    refused(await create({}, { token: counted }), 'restricted use token cannot generate child tokens');
    const { client_token: batch } = await made({ policies: ['maker'], type: 'batch' });
    refused(await create({}, { token: batch }), 'batch tokens cannot create more tokens');
  });

  test('needs the permission, and a token', async () => {
    const { client_token: token } = await made({ policies: ['a'] });
    const denied = await create({}, { token });
    assert.is(denied.status, 403);
    assert.equal(denied.body.errors, ['1 error occurred:\n\t* permission denied\n\n']);
    const none = await node.call('POST', 'auth/token/create', {}, { token: null });
    assert.is(none.status, 403);
    assert.equal(none.body.errors, ['permission denied']);
  });
});
