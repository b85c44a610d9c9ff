/** PATCH of data and metadata, subkeys and the mount's settings: the rows of the dialect's tables, over real sockets. */
import * as assert from 'uvu/assert';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type About, about, emptyMiss, type KvCalls, kvCalls, nothingThere } from './support/kv.js';
import { refusedWith } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let kv: KvCalls;

const policyToken = async (name: string, policy: string): Promise<string> => {
  await node.call('PUT', `sys/policies/acl/${name}`, { policy });
  return (await kv.post('auth/token/create', { policies: [name] })).body.auth.client_token;
};

const patchingData = (test: About): void => {
  test('merges with the current version, and the text of untouched numbers stays', async () => {
    await kv.versions('secret/data/n', '{"big":12345678901234567890,"one":1.0,"in":{"e":1E5,"gone":1},"zero":-0}');
    const reply = await kv.patch(
      'secret/data/n',
      '{"data":{"in":{"gone":null,"new":0.1000},"s":"x"},"options":{"cas":1}}',
    );
    assert.is(reply.status, 200, reply.text);
    assert.equal(Object.keys(reply.body.data).sort(), [
      'created_time',
      'custom_metadata',
      'deletion_time',
      'destroyed',
      'version',
    ]);
    assert.is(reply.body.data.version, 2);
    assert.is(
      await kv.text('secret/data/n'),
      '{"big":12345678901234567890,"one":1.0,"in":{"e":1E5,"new":0.1000},"zero":-0,"s":"x"}',
    );
    assert.is((await kv.get('secret/data/n?version=1')).body.data.data.in.gone, 1);
  });

  test('of an unknown key is a 404 without a body, whatever cas says', async () => {
    emptyMiss(await kv.patch('secret/data/unknown', { data: { a: 1 } }));
    emptyMiss(await kv.patch('secret/data/unknown', { data: { a: 1 }, options: { cas: 7 } }));
    emptyMiss(await kv.patch('secret/data/unknown', { data: { a: 1 }, options: { cas: 0 } }));
  });

  test('without data is refused before that', async () => {
    refusedWith(await kv.patch('secret/data/unknown', {}), 400, 'no data provided');
    refusedWith(await kv.patch('secret/data/unknown', undefined), 400, 'no data provided');
    refusedWith(
      await kv.patch('secret/data/unknown', { data: 'text' }),
      400,
      'Field validation failed: error converting input for field "data"',
    );
  });

  test('of a key that is metadata only checks cas first', async () => {
    await kv.post('secret/metadata/only', { max_versions: 3 });
    const wrong = await kv.patch('secret/data/only', { data: { a: 1 }, options: { cas: 1 } });
    refusedWith(wrong, 400, 'check-and-set parameter did not match the current version');
    emptyMiss(await kv.patch('secret/data/only', { data: { a: 1 }, options: { cas: 0 } }));
  });

  test('of a deleted or destroyed version is a 404 with its metadata, flat, after cas', async () => {
    await kv.versions('secret/data/gone', { a: 1 });
    await kv.remove('secret/data/gone');
    refusedWith(await kv.patch('secret/data/gone', { data: { a: 2 }, options: { cas: 2 } }), 400, 'did not match');
    const deleted = await kv.patch('secret/data/gone', { data: { a: 2 } });
    assert.is(deleted.status, 404);
    assert.is(deleted.body.data.version, 1);
    assert.not.equal(deleted.body.data.deletion_time, '');
    assert.is(deleted.body.data.destroyed, false);
    assert.is(deleted.body.data.custom_metadata, null);
    await kv.post('secret/destroy/gone', { versions: [1] });
    assert.is((await kv.patch('secret/data/gone', { data: { a: 2 } })).body.data.destroyed, true);
  });

  const cas: readonly (readonly [options: object, text: string])[] = [
    [{ cas: 'x' }, 'error parsing check-and-set parameter'],
    [{ cas: 1.5 }, 'error parsing check-and-set parameter'],
    [{ cas: 3 }, 'check-and-set parameter did not match the current version'],
    [{ cas: 0 }, 'check-and-set parameter did not match the current version'],
    [{ cas: null }, 'check-and-set parameter did not match the current version'],
    [{ cas: -1 }, 'check-and-set parameter did not match the current version'],
  ];
  for (const [options, text] of cas)
    test(`with ${JSON.stringify(options)} on version 1 is refused: ${text}`, async () => {
      await kv.post('secret/data/cas', { data: { a: 1 }, options: { cas: 0 } });
      refusedWith(await kv.patch('secret/data/cas', { data: { a: 2 }, options }), 400, text);
    });

  test('needs cas where the key asks for it, and takes it as text', async () => {
    await kv.versions('secret/data/asks', { a: 1 });
    await kv.post('secret/metadata/asks', { cas_required: true });
    refusedWith(
      await kv.patch('secret/data/asks', { data: { a: 2 } }),
      400,
      'check-and-set parameter required for this call',
    );
    const taken = await kv.patch('secret/data/asks', { data: { a: 2 }, options: { cas: '1' } });
    assert.is(taken.status, 200, taken.text);
  });

  const types: readonly (readonly [string, number, string])[] = [
    ['application/json', 415, 'PATCH requires Content-Type of application/merge-patch+json, provided application/json'],
    ['application/merge-patch+jsonx', 415, 'provided application/merge-patch+jsonx'],
    ['nonsense', 400, 'mime: no media type'],
  ];
  for (const [type, status, text] of types)
    test(`with the content type ${type} is a ${status}`, async () => {
      const reply = await kv.patch('secret/data/n', { data: {} }, { headers: { 'content-type': type } });
      refusedWith(reply, status, text);
    });

  test('with a charset beside the type is fine', async () => {
    const headers = { 'content-type': 'application/merge-patch+json; charset=utf-8' };
    assert.is((await kv.patch('secret/data/n', { data: { y: 1 } }, { headers })).status, 200);
  });

  test('needs the capability patch, and update is not enough', async () => {
    await kv.versions('secret/data/p', { a: 1 });
    const updater = await policyToken(
      'updater',
      'path "secret/data/p" { capabilities = ["create", "update", "read"] }',
    );
    refusedWith(await kv.patch('secret/data/p', { data: { a: 2 } }, { token: updater }), 403, 'permission denied');
    const patcher = await policyToken('patcher', 'path "secret/data/p" { capabilities = ["patch"] }');
    assert.is((await kv.patch('secret/data/p', { data: { a: 2 } }, { token: patcher })).status, 200);
  });

  test('many at once all land, none lost', async () => {
    await kv.versions('secret/data/many', { base: 1 });
    const fields = Array.from({ length: 24 }, (_, i) => `k${i}`);
    const replies = await Promise.all(fields.map(name => kv.patch('secret/data/many', { data: { [name]: 1 } })));
    assert.equal([...new Set(replies.map(({ status }) => status))], [200]);
    assert.equal(Object.keys(JSON.parse(await kv.text('secret/data/many'))).sort(), ['base', ...fields].sort());
  });

  test('from two nodes at once both land', async () => {
    const other = kvCalls(await cluster.newNode());
    await kv.versions('secret/data/nodes', { base: 1 });
    const replies = await Promise.all([
      kv.patch('secret/data/nodes', { data: { left: 1 } }),
      other.patch('secret/data/nodes', { data: { right: 1 } }),
    ]);
    assert.equal(
      replies.map(({ status }) => status),
      [200, 200],
    );
    assert.equal(JSON.parse(await kv.text('secret/data/nodes')), { base: 1, left: 1, right: 1 });
  });

  test('two at once both land, each on top of the other', async () => {
    await kv.versions('secret/data/race', { base: 1 });
    const replies = await Promise.all([
      kv.patch('secret/data/race', { data: { left: 1 } }),
      kv.patch('secret/data/race', { data: { right: 1 } }),
    ]);
    assert.equal(replies.map(reply => reply.body.data.version).sort(), [2, 3]);
    assert.equal(JSON.parse(await kv.text('secret/data/race')), { base: 1, left: 1, right: 1 });
  });

  test('two at once with the same cas: one lands', async () => {
    await kv.versions('secret/data/once', { base: 1 });
    const options = { cas: 1 };
    const replies = await Promise.all([
      kv.patch('secret/data/once', { data: { left: 1 }, options }),
      kv.patch('secret/data/once', { data: { right: 1 }, options }),
    ]);
    assert.equal(replies.map(({ status }) => status).sort(), [200, 400]);
  });

  test('is in the trail as a patch, with the names of its fields', async () => {
    const found = await kv.get('sys/ledger/events?path=secret/race&type=secret.written');
    const [, patched] = found.body.data.events;
    assert.equal([patched.op, patched.operation, patched.rule.capability], ['kv.patch', 'patch', 'patch']);
    assert.ok(patched.fields.includes('base'));
  });

  test('takes no Idempotency-Key: merging twice changes nothing', async () => {
    const headers = { 'idempotency-key': 'p' };
    refusedWith(await kv.patch('secret/data/n', { data: {} }, { headers }), 400, 'Idempotency-Key is honoured on');
  });

  test('cannot grow a secret beyond its bound', async () => {
    const half = 'x'.repeat(600_000);
    await kv.versions('secret/data/big', { a: half });
    const reply = await kv.patch('secret/data/big', { data: { b: half } });
    refusedWith(reply, 413, 'at most 1 MiB');
    assert.is((await kv.get('secret/metadata/big')).body.data.current_version, 1);
  });
};

const patchingMetadata = (test: About): void => {
  const data = async (): Promise<Record<string, unknown>> => (await kv.get('secret/metadata/m')).body.data;

  test('merges custom metadata and leaves the rest', async () => {
    const reply = await kv.patch('secret/metadata/m', { custom_metadata: { owner: null, tier: '1' } });
    assert.is(reply.status, 204, reply.text);
    const now = await data();
    assert.equal(now.custom_metadata, { team: 'db', tier: '1' });
    assert.equal([now.max_versions, now.cas_required, now.delete_version_after], [4, true, '30m0s']);
    assert.is(now.current_metadata_version, 2);
  });

  test('resets a setting by null, but for delete_version_after', async () => {
    await kv.patch('secret/metadata/m', { max_versions: null, cas_required: null, delete_version_after: null });
    const now = await data();
    assert.equal([now.max_versions, now.cas_required, now.delete_version_after], [0, false, '30m0s']);
  });

  test('clears custom metadata by null', async () => {
    assert.is((await kv.patch('secret/metadata/m', { custom_metadata: null })).status, 204);
    assert.is((await data()).custom_metadata, null);
  });

  test('of an unknown key is a 404 without a body, but after the fields', async () => {
    emptyMiss(await kv.patch('secret/metadata/unknown', { max_versions: 1 }));
    refusedWith(await kv.patch('secret/metadata/unknown', { max_versions: 'x' }), 400, 'field "max_versions"');
    refusedWith(
      await kv.patch('secret/metadata/unknown', { custom_metadata: { a: 1 } }),
      400,
      'custom_metadata validation failed: values must be strings',
    );
    refusedWith(
      await kv.patch('secret/metadata/unknown', { custom_metadata: { a: '' } }),
      400,
      'length of value for key "a" is 0 but must be 0 < len(value) <= 512',
    );
  });

  test('without settings is a 204, also for an unknown key, and stores nothing', async () => {
    const before = await kv.changes();
    for (const path of ['secret/metadata/m', 'secret/metadata/unknown'])
      for (const fields of [{}, { other: 1 }, { metadata_cas: 9 }])
        assert.is((await kv.patch(path, fields)).status, 204);
    assert.is(await kv.changes(), before);
  });

  test('checks metadata_cas', async () => {
    const { current_metadata_version: version } = await data();
    refusedWith(
      await kv.patch('secret/metadata/m', { max_versions: 2, metadata_cas: 0 }),
      400,
      'metadata check-and-set parameter does not match the current version',
    );
    assert.is((await kv.patch('secret/metadata/m', { max_versions: 2, metadata_cas: version })).status, 204);
  });

  test('is refused beyond the limits of what it is merged to', async () => {
    const many = (from: number) => Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${from + i}`, 'v']));
    assert.is((await kv.patch('secret/metadata/m', { custom_metadata: many(0) })).status, 204);
    refusedWith(
      await kv.patch('secret/metadata/m', { custom_metadata: many(100) }),
      400,
      'payload must contain at most 64 keys, provided 80',
    );
  });

  test('two at once both land', async () => {
    await kv.post('secret/metadata/raced', { custom_metadata: { a: '1' } });
    await Promise.all([
      kv.patch('secret/metadata/raced', { custom_metadata: { left: '1' } }),
      kv.patch('secret/metadata/raced', { custom_metadata: { right: '1' } }),
    ]);
    const { custom_metadata: custom } = (await kv.get('secret/metadata/raced')).body.data;
    assert.equal(custom, { a: '1', left: '1', right: '1' });
  });

  test('needs the capability patch', async () => {
    const token = await policyToken('meta', 'path "secret/metadata/m" { capabilities = ["update", "create"] }');
    refusedWith(await kv.patch('secret/metadata/m', { max_versions: 1 }, { token }), 403, 'permission denied');
  });
};

const subkeysAndTheSettingsOfAMount = (test: About): void => {
  test('subkeys show names, to a depth, of any version', async () => {
    const current = await kv.get('secret/subkeys/s');
    assert.equal(current.body.data.subkeys, { only: null });
    assert.is(current.body.data.metadata.version, 2);
    assert.equal((await kv.get('secret/subkeys/s?version=1')).body.data.subkeys, {
      ...{ a: { b: { c: null } }, d: null, e: null },
    });
    assert.equal((await kv.get('secret/subkeys/s?version=1&depth=1')).body.data.subkeys, { a: null, d: null, e: null });
    assert.equal((await kv.get('secret/subkeys/s?version=1&depth=2')).body.data.subkeys.a, { b: null });
    refusedWith(await kv.get('secret/subkeys/s?depth=x'), 400, 'error converting input for field "depth"');
  });

  test('subkeys of what is gone are null, of what never was nothing', async () => {
    nothingThere(await kv.get('secret/subkeys/unknown'));
    nothingThere(await kv.get('secret/subkeys/s?version=9'));
    await kv.post('secret/delete/s', { versions: [1] });
    const gone = await kv.get('secret/subkeys/s?version=1');
    assert.is(gone.status, 404);
    assert.is(gone.body.data.subkeys, null);
    assert.not.equal(gone.body.data.metadata.deletion_time, '');
  });

  test('subkeys are a permission of their own', async () => {
    const token = await policyToken('names', 'path "secret/subkeys/*" { capabilities = ["read"] }');
    assert.is((await kv.get('secret/subkeys/s', { token })).status, 200);
    assert.is((await kv.get('secret/data/s', { token })).status, 403);
  });

  test('the settings of a mount begin as they do elsewhere', async () => {
    assert.equal((await kv.get('secret/config')).body.data, {
      ...{ max_versions: 0, cas_required: false, delete_version_after: '0s', metadata_cas_required: false },
    });
  });

  test('what is not given stays, what is given as zero is reset', async () => {
    assert.is((await kv.post('secret/config', { max_versions: '3', delete_version_after: '3h25m19s' })).status, 204);
    assert.is((await kv.post('secret/config', { cas_required: 'true' })).status, 204);
    assert.equal((await kv.get('secret/config')).body.data, {
      ...{ max_versions: 3, cas_required: true, delete_version_after: '3h25m19s', metadata_cas_required: false },
    });
    await kv.post('secret/config', { delete_version_after: 0, cas_required: false });
    assert.is((await kv.get('secret/config')).body.data.delete_version_after, '0s');
    await kv.post('secret/config', { delete_version_after: '-1s' });
    assert.is((await kv.get('secret/config')).body.data.delete_version_after, '-1s');
    assert.equal((await kv.get('sys/mounts')).body.data['secret/'].options, { version: '2' });
  });

  test('the larger limit of mount and key counts', async () => {
    await kv.post('secret/config', { max_versions: 3, delete_version_after: 0 });
    await kv.post('secret/metadata/limited', { max_versions: 2 });
    await kv.versions('secret/data/limited', ...[1, 2, 3, 4].map(v => ({ v })));
    const { versions, oldest_version: oldest } = (await kv.get('secret/metadata/limited')).body.data;
    assert.equal(Object.keys(versions), ['2', '3', '4']);
    assert.is(oldest, 2);
  });

  test('a mount that asks for cas asks for it on every key, and says so where a key says otherwise', async () => {
    await kv.post('secret/config', { cas_required: true, metadata_cas_required: true });
    refusedWith(await kv.post('secret/data/x', { data: {} }), 400, 'check-and-set parameter required for this call');
    refusedWith(
      await kv.post('secret/metadata/x', { max_versions: 1 }),
      400,
      'metadata check-and-set parameter required for this call',
    );
    refusedWith(
      await kv.post('secret/metadata/x', { max_versions: 1, metadata_cas: 3 }),
      400,
      'metadata_cas must be 0 when creating new metadata',
    );
    const reply = await kv.post('secret/metadata/x', { cas_required: false, metadata_cas: 0 });
    assert.is(reply.status, 200, reply.text);
    assert.match(reply.body.warnings[0], '"cas_required" set to false, but is mandated by backend config.');
    await kv.post('secret/config', { cas_required: false, metadata_cas_required: false });
  });

  const refused: readonly (readonly [fields: object, text: string])[] = [
    [{ max_versions: -1 }, 'max_versions cannot be negative'],
    [{ max_versions: 'x' }, 'Field validation failed: error converting input for field "max_versions"'],
    [{ delete_version_after: 'zz' }, 'time: invalid duration "zz"'],
    [{ delete_version_after: '900000h' }, 'at most 100 years'],
  ];
  for (const [fields, text] of refused)
    test(`settings ${JSON.stringify(fields)} are refused: ${text}`, async () => {
      refusedWith(await kv.post('secret/config', fields), 400, text);
    });

  test('more versions than are ever kept are accepted with a warning', async () => {
    const reply = await kv.post('secret/config', { max_versions: 5000 });
    assert.is(reply.status, 200);
    assert.match(reply.body.warnings[0], '1000 versions are kept');
    assert.is((await kv.get('secret/config')).body.data.max_versions, 5000);
    await kv.post('secret/config', { max_versions: 0 });
  });

  test('DELETE, PATCH and LIST of the settings are 405', async () => {
    for (const [method, options] of [['DELETE'], ['PATCH', 'merge'], ['LIST']] as const) {
      const headers = options === undefined ? {} : { 'content-type': 'application/merge-patch+json' };
      const reply = await node.call(method, 'secret/config', undefined, { headers });
      refusedWith(reply, 405, 'unsupported operation');
    }
  });

  test('a secret called config is no setting', async () => {
    await kv.versions('secret/data/config', { mine: 1 });
    assert.is((await kv.get('secret/data/config')).body.data.data.mine, 1);
  });

  test('a change is in the trail, and a policy is asked for it', async () => {
    const found = await kv.get('sys/ledger/events?type=mount.tuned');
    assert.is(found.body.data.events[0].op, 'kv.config-write');
    const token = await policyToken('reader', 'path "secret/config" { capabilities = ["read"] }');
    assert.is((await kv.get('secret/config', { token })).status, 200);
    refusedWith(await kv.post('secret/config', { max_versions: 9 }, { token }), 403, 'permission denied');
  });
};

describe('KV version 2', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    kv = kvCalls(node);
    await kv.post('secret/metadata/m', {
      ...{ max_versions: 4, cas_required: true, delete_version_after: '30m' },
      custom_metadata: { owner: 'ann', team: 'db' },
    });
    await kv.versions('secret/data/s', { a: { b: { c: 1 } }, d: [1], e: {} }, { only: 1 });
  });
  test.after(() => cluster.stop());

  patchingData(about(test, 'patching data'));
  patchingMetadata(about(test, 'patching metadata'));
  subkeysAndTheSettingsOfAMount(about(test, 'subkeys and the settings of a mount'));
});
