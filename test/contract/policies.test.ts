/** Policies over real sockets: both doors to them, what they allow, and that a change counts at once, on every node. */
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

let cluster: TestCluster;
let node: TestNode;

const put = (name: string, policy: unknown): Promise<{ status: number; body: Json }> =>
  node.call('PUT', `sys/policies/acl/${name}`, { policy });

const tokenWith = async (...policies: string[]): Promise<string> => {
  const made = await node.call('POST', 'auth/token/create', { policies });
  assert.is(made.status, 200, made.text);
  return made.body.auth.client_token;
};

const READER = 'path "secret/data/app/*" { capabilities = ["read"] }\n';

describe('policies', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    await node.call('POST', 'secret/data/app/db', { data: { v: 1 } });
    await node.call('POST', 'secret/data/other', { data: { v: 1 } });
  });
  test.after(() => cluster.stop());

  test('are written, read as they were written, listed and removed', async () => {
    assert.is((await put('reader', READER)).status, 204);
    const read = await node.call('GET', 'sys/policies/acl/reader');
    assert.equal(read.body.data, { name: 'reader', policy: READER });
    const listed = await node.call('LIST', 'sys/policies/acl');
    assert.equal(listed.body.data, { keys: ['auditor', 'default', 'reader', 'root'] });
    assert.equal((await node.call('GET', 'sys/policies/acl?list=true')).body.data, listed.body.data);
    assert.is((await node.call('GET', 'sys/policies/acl')).status, 405);
    assert.is((await node.call('DELETE', 'sys/policies/acl/reader')).status, 204);
    assert.is((await node.call('DELETE', 'sys/policies/acl/reader')).status, 204);
    const gone = await node.call('GET', 'sys/policies/acl/reader');
    assert.is(gone.status, 404);
    assert.equal(gone.body, { errors: [] });
  });

  test('have an older door, which repeats its data at the top level', async () => {
    assert.is((await node.call('POST', 'sys/policy/old', { policy: READER })).status, 204);
    const rules = await node.call('PUT', 'sys/policy/old', { rules: READER });
    assert.is(rules.status, 200);
    assert.equal(rules.body.warnings, ["'rules' is deprecated, please use 'policy' instead"]);
    const read = await node.call('GET', 'sys/policy/old');
    assert.equal(read.body.data, { name: 'old', rules: READER });
    assert.is(read.body.rules, READER);
    for (const method of ['GET', 'LIST']) {
      const listed = await node.call(method, 'sys/policy');
      assert.equal(listed.body.data.keys, ['auditor', 'default', 'old', 'root']);
      assert.equal(listed.body.policies, listed.body.data.keys);
    }
    assert.is((await node.call('DELETE', 'sys/policy/old')).status, 204);
  });

  test('have lower-case names, and texts that may be JSON or base64', async () => {
    const upper = await put('Team/App', READER);
    assert.is(upper.status, 200);
    assert.equal(upper.body.warnings, ['policy name was converted to team/app']);
    assert.is((await node.call('GET', 'sys/policies/acl/TEAM/app')).body.data.policy, READER);
    assert.is((await put('coded', Buffer.from(READER).toString('base64'))).status, 204);
    assert.is((await node.call('GET', 'sys/policies/acl/coded')).body.data.policy, READER);
    const json = '{"path":{"secret/data/app/*":{"capabilities":["read"]}}}';
    assert.is((await put('json', json)).status, 204);
    assert.is((await node.call('GET', 'sys/policies/acl/json')).body.data.policy, json);
    assert.is((await put('comment', '# nothing yet')).status, 204);
  });

  const refusals: readonly (readonly [string, string, unknown, RegExp])[] = [
    ['no text', 'x', undefined, /^'policy' parameter not supplied or empty$/],
    ['an object', 'x', { path: {} }, /^Field validation failed/],
    ['a word that is no capability', 'x', 'path "a" { capabilities = ["fly"] }', /path "a": invalid capability "fly"/],
    ['a broken text', 'x', 'path "a" {', /^failed to parse policy: /],
    ['root', 'root', READER, /^cannot update "root" policy$/],
    ['response-wrapping', 'response-wrapping', READER, /^cannot update "response-wrapping" policy$/],
  ];
  for (const [what, name, policy, message] of refusals)
    test(`refuse ${what}`, async () => {
      const reply = await put(name, policy);
      assert.is(reply.status, 400);
      assert.match(reply.body.errors[0], message);
    });

  test('root and default cannot be removed', async () => {
    assert.equal((await node.call('DELETE', 'sys/policies/acl/root')).body.errors, ['cannot delete "root" policy']);
    assert.equal((await node.call('DELETE', 'sys/policies/acl/default')).body.errors, ['cannot delete default policy']);
    assert.is((await node.call('GET', 'sys/policies/acl/root')).body.data.policy, '');
  });

  test('allow what they say and nothing else; a change counts at once, on every node', async () => {
    const other = await cluster.newNode();
    await put('app', READER);
    const token = await tokenWith('app');
    const read = (from: TestNode, path: string): Promise<number> =>
      from.call('GET', path, undefined, { token }).then(reply => reply.status);
    assert.is(await read(node, 'secret/data/app/db'), 200);
    assert.is(await read(other, 'secret/data/app/db'), 200);
    assert.is(await read(node, 'secret/data/other'), 403);
    assert.is(await read(node, 'secret/data/app/none'), 404);
    assert.is(await read(node, 'secret/data/none'), 403);
    const write = await node.call('POST', 'secret/data/app/db', { data: {} }, { token });
    assert.is(write.status, 403);
    assert.equal(write.body.errors, ['1 error occurred:\n\t* permission denied\n\n']);
    await put('app', 'path "secret/data/app/*" { capabilities = ["deny"] }');
    assert.is(await read(other, 'secret/data/app/db'), 403);
    assert.is(await read(node, 'secret/data/app/db'), 403);
    await put('app', READER);
    assert.is(await read(other, 'secret/data/app/db'), 200);
    await node.call('DELETE', 'sys/policies/acl/app');
    assert.is(await read(other, 'secret/data/app/db'), 403);
  });

  test('tell create from update by whether the key exists', async () => {
    await put('creator', 'path "secret/data/new/*" { capabilities = ["create"] }');
    const token = await tokenWith('creator');
    const write = (): Promise<number> =>
      node.call('POST', 'secret/data/new/a', { data: { v: 1 } }, { token }).then(reply => reply.status);
    assert.is(await write(), 200);
    assert.is(await write(), 403);
  });

  test('ask for sudo beside the capability on protected paths', async () => {
    await put('sealer', 'path "sys/seal" { capabilities = ["update"] }');
    assert.is((await node.call('PUT', 'sys/seal', {}, { token: await tokenWith('sealer') })).status, 403);
    assert.is((await node.call('GET', 'secret/data/app/db')).status, 200);
  });

  test('look at the fields of a request where a rule asks for it', async () => {
    const rule =
      'capabilities = ["update"]\n allowed_parameters = { ttl = ["1h"], meta = [] }\n required_parameters = ["ttl"]';
    await put('short', `path "auth/token/create" { ${rule} }`);
    const token = await tokenWith('short');
    const create = (body: object): Promise<number> =>
      node.call('POST', 'auth/token/create', body, { token }).then(reply => reply.status);
    assert.is(await create({ ttl: '1h' }), 200);
    assert.is(await create({ ttl: '1h', meta: { a: 'b' } }), 200);
    assert.is(await create({ ttl: '2h' }), 403);
    assert.is(await create({ ttl: '1h', num_uses: 3 }), 403);
    assert.is(await create({}), 403);
    await put(
      'versions',
      'path "secret/data/app/*" { capabilities = ["read"]\n denied_parameters = { version = [] } }',
    );
    const reader = await tokenWith('versions');
    assert.is((await node.call('GET', 'secret/data/app/db', undefined, { token: reader })).status, 200);
    assert.is((await node.call('GET', 'secret/data/app/db?version=1', undefined, { token: reader })).status, 403);
  });

  test('look at every value of a field that the query gives more than once', async () => {
    const rule = 'capabilities = ["read"]\n allowed_parameters = { path = ["secret/app"], limit = [] }';
    await put('trail', `path "sys/ledger/events" { ${rule} }`);
    const token = await tokenWith('trail');
    const read = async (query: string): Promise<number> =>
      (await node.call('GET', `sys/ledger/events?${query}`, undefined, { token })).status;
    assert.is(await read('path=secret/app&limit=1'), 200);
    for (const query of ['path=secret', 'path=secret&path=secret/app', 'path=secret/app&path=secret'])
      assert.is(await read(query), 403, query);
  });

  test('look at what is read: a field in the query of a write is none', async () => {
    await node.call('POST', 'sys/auth/machines', { type: 'approle' });
    await node.call('POST', 'auth/machines/role/shop', {});
    const { data } = (await node.call('POST', 'auth/machines/role/shop/secret-id', {})).body;
    const path = 'auth/machines/role/shop/secret-id-accessor/lookup';
    await put(
      'one',
      `path "${path}" { capabilities = ["update"]\n allowed_parameters = { secret_id_accessor = ["x"] } }`,
    );
    const token = await tokenWith('one');
    const query = `secret_id_accessor=${data.secret_id_accessor}`;
    assert.is((await node.call('POST', `${path}?${query}`, undefined, { token })).status, 400);
    assert.is((await node.call('POST', path, { secret_id_accessor: data.secret_id_accessor }, { token })).status, 403);
  });

  test('answer for a path before they say whether anything is there', async () => {
    const token = await tokenWith('default');
    assert.is((await node.call('GET', 'nothing/here', undefined, { token })).status, 403);
    const root = await node.call('GET', 'nothing/here');
    assert.is(root.status, 404);
    assert.match(root.body.errors[0], /no handler for route/);
  });
});

describe('capabilities', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    await put(
      'mixed',
      'path "secret/data/a" { capabilities = ["update", "read"] }\npath "secret/data/b" { capabilities = ["deny"] }',
    );
  });
  test.after(() => cluster.stop());

  test('are told for one path and for several, sorted', async () => {
    const token = await tokenWith('mixed');
    const one = await node.call('POST', 'sys/capabilities-self', { path: 'secret/data/a' }, { token });
    assert.equal(one.body.data, { 'secret/data/a': ['read', 'update'], capabilities: ['read', 'update'] });
    assert.equal(one.body.capabilities, ['read', 'update']);
    const paths = ['secret/data/a', 'secret/data/b', 'secret/data/c'];
    const several = await node.call('POST', 'sys/capabilities', { paths, token });
    assert.equal(several.body.data, {
      'secret/data/a': ['read', 'update'],
      'secret/data/b': ['deny'],
      'secret/data/c': ['deny'],
    });
    const { accessor } = (await node.call('GET', 'auth/token/lookup-self', undefined, { token })).body.data;
    const by = await node.call('POST', 'sys/capabilities-accessor', { paths: 'secret/data/a', accessor });
    assert.equal(by.body.data.capabilities, ['read', 'update']);
    assert.equal((await node.call('POST', 'sys/capabilities-self', { paths: ['x'] })).body.data.x, ['root']);
  });

  const refusals: readonly (readonly [string, object, string])[] = [
    ['sys/capabilities-self', {}, 'paths must be supplied'],
    ['sys/capabilities-self', { paths: [] }, 'paths must be supplied'],
    ['sys/capabilities', { paths: ['x'] }, 'no token found'],
    ['sys/capabilities', { paths: ['x'], token: 'hvs.unknown' }, 'invalid token'],
    ['sys/capabilities-accessor', { paths: ['x'], accessor: 'unknown' }, 'invalid accessor'],
  ];
  for (const [path, body, message] of refusals)
    test(`${path} ${JSON.stringify(body)} is refused`, async () => {
      const reply = await node.call('POST', path, body);
      assert.is(reply.status, 400);
      assert.match(reply.body.errors[0], message);
    });
});
