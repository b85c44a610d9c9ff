/** KV version 2: metadata, its limits, and paths that are wrong in a mount of version 2 (§4.6, §4.10). */
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type About, about, type KvCalls, kvCalls, MERGE, nothingThere } from './support/kv.js';
import { refusedWith } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let kv: KvCalls;

const metadata = async (path: string): Promise<Json> => (await kv.get(`secret/metadata/${path}`)).body.data;

const metadataOfKeys = (test: About): void => {
  test('of a key that data made', async () => {
    const { created_time: created, updated_time: updated, versions, ...rest } = await metadata('k');
    assert.equal(rest, {
      ...{ cas_required: false, current_metadata_version: 0, current_version: 1, custom_metadata: null },
      ...{ delete_version_after: '0s', max_versions: 0, metadata_cas_required: false, oldest_version: 0 },
    });
    assert.equal(
      [Object.keys(versions), Object.keys(versions['1'])],
      [['1'], ['created_time', 'deletion_time', 'destroyed']],
    );
    assert.is(created, updated);
  });

  test('of a key that metadata made have no versions, and nothing to read', async () => {
    assert.is((await kv.post('secret/metadata/made', { max_versions: 2 })).status, 204);
    const made = await metadata('made');
    assert.equal([made.versions, made.current_version, made.current_metadata_version], [{}, 0, 1]);
    nothingThere(await kv.get('secret/data/made'));
    assert.ok((await node.call('LIST', 'secret/metadata')).body.data.keys.includes('made'));
  });

  test('of an unknown key are a plain miss', async () => {
    nothingThere(await kv.get('secret/metadata/unknown'));
  });

  for (const fields of [{}, { other: 1 }, { metadata_cas: 5 }])
    test(`${JSON.stringify(fields)} stores nothing and makes no key`, async () => {
      const before = await kv.changes();
      assert.is((await kv.post('secret/metadata/none', fields)).status, 204);
      assert.is(await kv.changes(), before);
      nothingThere(await kv.get('secret/metadata/none'));
    });

  test('keep what is not given, replace custom metadata as a whole, and clear it by null', async () => {
    await kv.post('secret/metadata/keep', {
      max_versions: 4,
      cas_required: 'true',
      custom_metadata: { a: '1', b: '2' },
    });
    await kv.post('secret/metadata/keep', { custom_metadata: { c: '3' } });
    const now = await metadata('keep');
    assert.equal([now.max_versions, now.cas_required, now.custom_metadata], [4, true, { c: '3' }]);
    await kv.post('secret/metadata/keep', { custom_metadata: null });
    assert.is((await metadata('keep')).custom_metadata, null);
    assert.is((await metadata('keep')).current_metadata_version, 3);
  });

  test('turn numbers, booleans and nulls of custom metadata into texts', async () => {
    await kv.post('secret/metadata/texts', '{"custom_metadata":{"n":12345678901234567890,"d":1.0,"t":true,"f":false}}');
    assert.equal((await metadata('texts')).custom_metadata, { n: '12345678901234567890', d: '1.0', t: '1', f: '0' });
    refusedWith(
      await kv.post('secret/metadata/texts', { custom_metadata: { z: null } }),
      400,
      'length of value for key "z" is 0',
    );
  });

  const durations: readonly (readonly [given: Json, shown: string])[] = [
    ['3h25m19s', '3h25m19s'],
    [1800, '30m0s'],
    ['3600', '1h0m0s'],
    ['1.5h', '1h30m0s'],
    ['90s', '1m30s'],
    ['1500ms', '1s'],
    ['2d', '48h0m0s'],
    ['768h', '768h0m0s'],
    ['0s', '0s'],
    ['', '0s'],
  ];
  for (const [given, shown] of durations)
    test(`show ${JSON.stringify(given)} as ${shown}`, async () => {
      assert.is((await kv.post('secret/metadata/after', { delete_version_after: given })).status, 204);
      assert.is((await metadata('after')).delete_version_after, shown);
    });

  const prefix = 'custom_metadata validation failed: ';
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, 'v']));
  const refused: readonly (readonly [fields: Json, text: string])[] = [
    [{ max_versions: -1 }, 'max_versions cannot be negative'],
    [{ max_versions: 'many' }, 'error converting input for field "max_versions"'],
    [{ cas_required: 'perhaps' }, 'error converting input for field "cas_required"'],
    [
      { delete_version_after: 'zz' },
      'error converting input for field "delete_version_after": time: invalid duration "zz"',
    ],
    [{ delete_version_after: '1w' }, 'time: invalid duration "1w"'],
    [{ delete_version_after: '-5s' }, `cannot provide negative value '-5'`],
    [{ delete_version_after: '2562048h' }, 'time: invalid duration'],
    [{ delete_version_after: '900000h' }, 'delete_version_after may be at most 100 years'],
    [{ custom_metadata: 'x' }, 'error converting input for field "custom_metadata"'],
    [
      { custom_metadata: { a: {} } },
      `${prefix}'' expected type 'string', got unconvertible type 'map[string]interface {}'`,
    ],
    [{ custom_metadata: many }, `${prefix}payload must contain at most 64 keys, provided 65`],
    [{ custom_metadata: { '': 'v' } }, `${prefix}length of key "" is 0 but must be 0 < len(key) <= 128`],
    [
      { custom_metadata: { a: '' } },
      `1 error occurred:\n\t* ${prefix}length of value for key "a" is 0 but must be 0 < len(value) <= 512\n\n`,
    ],
    [
      { custom_metadata: { a: 'v'.repeat(513) } },
      'length of value for key "a" is 513 but must be 0 < len(value) <= 512',
    ],
    [{ custom_metadata: { ['k'.repeat(129)]: 'v' } }, 'is 129 but must be 0 < len(key) <= 128'],
    [{ custom_metadata: { 'a\u200b': 'v' } }, 'contains unprintable characters'],
    [
      { custom_metadata: { a: 'v\n', b: '' } },
      `2 errors occurred:\n\t* ${prefix}value for key "a" contains unprintable characters`,
    ],
  ];
  for (const [fields, text] of refused)
    test(`${JSON.stringify(fields).slice(0, 60)} is refused: ${text.slice(0, 60)}`, async () => {
      refusedWith(await kv.post('secret/metadata/refused', fields), 400, text);
      nothingThere(await kv.get('secret/metadata/refused'));
    });

  test('check metadata_cas: none where it must be, another version, another than 0 for a new key', async () => {
    await kv.post('secret/metadata/mcas', { metadata_cas_required: true });
    const post = (fields: Json) => kv.post('secret/metadata/mcas', fields);
    refusedWith(await post({ max_versions: 1 }), 400, 'metadata check-and-set parameter required for this call');
    refusedWith(await post({ max_versions: 1, metadata_cas: null }), 400, 'does not match the current version');
    assert.is((await post({ max_versions: 1, metadata_cas: '1' })).status, 204);
    refusedWith(
      await kv.post('secret/metadata/new', { max_versions: 1, metadata_cas: 1 }),
      400,
      'metadata_cas must be 0 when creating new metadata',
    );
    assert.is((await kv.post('secret/data/mcas', { data: {} })).status, 200, 'data writes do not ask for it');
  });

  test('repeat with their Idempotency-Key what they did, and a changed one is a 409', async () => {
    const headers = { 'idempotency-key': 'once' };
    const path = 'secret/metadata/repeated';
    const fields = { max_versions: 4, custom_metadata: { owner: 'a' } };
    const first = await kv.post(path, fields, { headers });
    const again = await kv.post(path, fields, { headers });
    assert.is(again.status, 204, again.text);
    assert.is(again.headers.get('x-tallystick-position'), first.headers.get('x-tallystick-position'));
    const others = [{ ...fields, max_versions: 5 }, { custom_metadata: { owner: 'b' } }, { max_versions: 4 }];
    for (const other of others) refusedWith(await kv.post(path, other, { headers }), 409, 'Idempotency-Key');
    refusedWith(await kv.post('secret/data/repeated', { data: {} }, { headers }), 409, 'Idempotency-Key');
    const settings = { 'idempotency-key': 'settings' };
    for (const status of [204, 204])
      assert.is((await kv.post(path, { cas_required: true }, { headers: settings })).status, status);
    refusedWith(await kv.post(path, { cas_required: false }, { headers: settings }), 409, 'Idempotency-Key');
    const { data } = (await kv.get(path)).body;
    assert.equal([data.current_metadata_version, data.max_versions, data.custom_metadata], [2, 4, { owner: 'a' }]);
  });

  test('move updated_time, and data writes do as well', async () => {
    await kv.versions('secret/data/moved', { v: 1 });
    const first = (await metadata('moved')).updated_time;
    await kv.post('secret/metadata/moved', { max_versions: 3 });
    const second = (await metadata('moved')).updated_time;
    await kv.versions('secret/data/moved', { v: 2 });
    const { updated_time: third, created_time: created } = await metadata('moved');
    assert.ok(first < second && second < third, `${first} ${second} ${third}`);
    assert.is(created, first);
  });

  test('DELETE takes the key and all its versions out of sight; versions begin again at 1', async () => {
    await kv.versions('secret/data/del', { v: 1 }, { v: 2 });
    const position = await kv.head();
    for (const path of ['del', 'del', 'unknown']) assert.is((await kv.remove(`secret/metadata/${path}`)).status, 204);
    nothingThere(await kv.get('secret/data/del'));
    nothingThere(await kv.get('secret/metadata/del'));
    await kv.versions('secret/data/del', { v: 'new' });
    assert.is((await metadata('del')).current_version, 1);
    assert.is((await kv.get(`secret/data/del?position=${position}`)).body.data.data.v, 2, 'the ledger knows it');
  });
};

const aWrongPathInAMountOfVersion = (test: About): void => {
  const hint = (word: string): string =>
    'Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. ' +
    `If using the Vault CLI, use 'vault kv ${word}' for this operation.`;
  const ROOT = 'Non-listing operations on the root of a K/V v2 mount are not supported.';

  const rows: readonly (readonly [method: string, path: string, warning: string])[] = [
    ['GET', 'secret/foo', hint('get')],
    ['POST', 'secret/foo', hint('put')],
    ['PATCH', 'secret/foo', hint('patch')],
    ['LIST', 'secret/foo', hint('list')],
    ['DELETE', 'secret/foo/bar', hint('delete')],
    ['GET', 'secret/subkeys', hint('get')],
    ['GET', 'secret/config/below', hint('get')],
    ['GET', 'secret', hint('get')],
    ['GET', 'secret/', hint('get')],
    ['LIST', 'secret', hint('list')],
    ['GET', 'secret/metadata', ROOT],
    ['GET', 'secret/data', ROOT],
    ['GET', 'secret/data/', ROOT],
    ['DELETE', 'secret/data', ROOT],
    ['POST', 'secret/metadata', ROOT],
    ['POST', 'secret/delete', ROOT],
    ['POST', 'secret/undelete', ROOT],
    ['POST', 'secret/destroy', ROOT],
  ];
  for (const [method, path, warning] of rows)
    test(`${method} ${path} is a 404 with a warning, and no error`, async () => {
      const body = method === 'POST' || method === 'PATCH' ? {} : undefined;
      const reply = await node.call(method, path, body, method === 'PATCH' ? MERGE : {});
      assert.is(reply.status, 404, reply.text);
      assert.equal(reply.body.warnings, [warning]);
      assert.equal([reply.body.data, reply.body.errors], [null, undefined]);
    });

  for (const path of ['secret/data/x', 'secret/data', 'secret/delete/x', 'secret/subkeys/x'])
    test(`LIST ${path} is a 405`, async () => {
      refusedWith(await node.call('LIST', path), 405, 'unsupported operation');
    });

  for (const path of ['secret/foo', 'secret/data', 'secret/data/x', 'secret', 'nowhere/foo'])
    test(`${path} says the same to whoever may not ask as any other path`, async () => {
      const { client_token: token } = (await kv.post('auth/token/create', { policies: ['default'] })).body.auth;
      refusedWith(await kv.get(path, { token }), 403, '1 error occurred:\n\t* permission denied\n\n');
      refusedWith(await kv.get(path, { token: null }), 403, 'permission denied');
    });

  test('a slash at the end of a write is refused', async () => {
    refusedWith(await kv.post('secret/data/x/', { data: {} }), 400, "cannot write to a path ending in '/'");
    refusedWith(
      await node.call('PATCH', 'secret/data/x/', { data: {} }, MERGE),
      400,
      "cannot write to a path ending in '/'",
    );
  });
};

describe('KV version 2', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    kv = kvCalls(node);
    await kv.versions('secret/data/k', { v: 1 });
  });
  test.after(() => cluster.stop());

  metadataOfKeys(about(test, 'metadata'));
  aWrongPathInAMountOfVersion(about(test, 'a wrong path in a mount of version 2'));
});
