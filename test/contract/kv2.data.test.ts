/** KV version 2: reading, writing, deleting, undeleting and destroying, row by row of the dialect's tables (§4.1–4.4). */
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type About, about, type KvCalls, kvCalls, nothingThere } from './support/kv.js';
import { later, refusedWith } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let kv: KvCalls;

const metadata = async (path: string): Promise<Json> => (await kv.get(`secret/metadata/${path}`)).body.data;

const readingASecret = (test: About): void => {
  test('gives data and metadata, and all eight keys of the envelope', async () => {
    const { body, headers } = await kv.get('secret/data/r');
    assert.is(headers.get('content-type'), 'application/json');
    assert.equal(Object.keys(body).sort(), [
      ...['auth', 'data', 'lease_duration', 'lease_id', 'renewable', 'request_id', 'warnings', 'wrap_info'],
    ]);
    assert.equal(body.data.data, { v: 3 });
    const { created_time: created, ...rest } = body.data.metadata;
    assert.equal(rest, { version: 3, deletion_time: '', destroyed: false, custom_metadata: null });
    assert.match(created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z$/);
    assert.is(body.lease_duration, 0);
  });

  for (const [query, version] of [
    ['version=1', 1],
    ['version=0', 3],
    ['version=-2', 3],
    ['version=', 3],
  ] as const)
    test(`with ${query} gives version ${version}`, async () => {
      assert.is((await kv.get(`secret/data/r?${query}`)).body.data.data.v, version);
    });

  for (const path of ['unknown', 'only', 'r?version=4', 'r/below'])
    test(`of ${path} is a plain miss`, async () => {
      nothingThere(await kv.get(`secret/data/${path}`));
    });

  for (const query of ['version=abc', 'version=1.5', 'version=1&version=2', 'version=&version=1'])
    test(`with ${query} is a field that does not convert`, async () => {
      refusedWith(await kv.get(`secret/data/r?${query}`), 400, 'Field validation failed: error converting input');
    });

  test('with a parameter that nobody knows warns', async () => {
    const { body } = await kv.get('secret/data/r?b=1&a=2');
    assert.equal(body.warnings, ['Endpoint ignored these unrecognized parameters: [a b]']);
  });

  test('ignores a slash at the end', async () => {
    assert.is((await kv.get('secret/data/r/')).body.data.data.v, 3);
  });

  test('of a deleted version is a 404 with its metadata', async () => {
    await kv.versions('secret/data/d', { v: 1 }, { v: 2 });
    await kv.remove('secret/data/d');
    const { status, body } = await kv.get('secret/data/d');
    assert.is(status, 404);
    assert.is(body.data.data, null);
    assert.is(body.data.metadata.version, 2);
    assert.not.equal(body.data.metadata.deletion_time, '');
    assert.is(body.errors, undefined);
    assert.is((await kv.get('secret/data/d?version=1')).body.data.data.v, 1);
  });

  test('of a destroyed version is a 404 that says so, its deletion time empty', async () => {
    await kv.versions('secret/data/x', { v: 1 });
    await kv.post('secret/destroy/x', { versions: [1] });
    const { status, body } = await kv.get('secret/data/x');
    assert.is(status, 404);
    assert.equal([body.data.data, body.data.metadata.destroyed, body.data.metadata.deletion_time], [null, true, '']);
  });

  test('as of a time that has come for this server and not for the database is refused as the future', async () => {
    await later(5, async () => {
      const reply = await kv.get(`secret/data/app/db?at=${new Date(Date.now()).toISOString()}`);
      refusedWith(reply, 400, 'that time has not come yet');
    });
  });
};

const writingASecret = (test: About): void => {
  test('answers flat metadata', async () => {
    const { status, body } = await node.call('PUT', 'secret/data/w', { data: { v: 1 }, options: {} });
    assert.is(status, 200);
    const { created_time: _created, ...rest } = body.data;
    assert.equal(rest, { version: 1, deletion_time: '', destroyed: false, custom_metadata: null });
    assert.is(body.warnings, null);
  });

  const refused: readonly (readonly [fields: Json, text: string])[] = [
    [{}, 'no data provided'],
    [{ data: null }, 'no data provided'],
    [{ options: { cas: 'x' } }, 'no data provided'],
    [{ data: 'x' }, 'error converting input for field "data"'],
    [{ data: [1] }, 'error converting input for field "data"'],
    [{ data: {}, options: 'x' }, 'error converting input for field "options"'],
    [{ data: {}, options: { cas: 'x' } }, 'error parsing check-and-set parameter'],
    [{ data: {}, options: { cas: 0.5 } }, 'error parsing check-and-set parameter'],
    [{ data: {}, options: { cas: [1] } }, 'error parsing check-and-set parameter'],
    [{ data: {}, options: { cas: 0 } }, 'check-and-set parameter did not match the current version'],
    [{ data: {}, options: { cas: null } }, 'check-and-set parameter did not match the current version'],
    [{ data: {}, options: { cas: '' } }, 'check-and-set parameter did not match the current version'],
    [{ data: {}, options: { cas: -1 } }, 'check-and-set parameter did not match the current version'],
    [{ data: {}, options: { cas: '2' } }, 'check-and-set parameter did not match the current version'],
  ];
  for (const [fields, text] of refused)
    test(`${JSON.stringify(fields)} on version 1 is refused: ${text}`, async () => {
      await kv.post('secret/data/one', { data: { v: 1 }, options: { cas: 0 } });
      refusedWith(await kv.post('secret/data/one', fields), 400, text);
      assert.is((await metadata('one')).current_version, 1);
    });

  for (const cas of [1, '1', true])
    test(`with cas ${JSON.stringify(cas)} on version 1 is accepted`, async () => {
      const path = `secret/data/cas-${typeof cas}`;
      await kv.versions(path, { v: 1 });
      assert.is((await kv.post(path, { data: { v: 2 }, options: { cas } })).body.data?.version, 2);
    });

  test('with cas 0 passes on an unknown key and on one that is metadata only, and not once all versions are gone', async () => {
    await kv.post('secret/metadata/zero', { max_versions: 5 });
    assert.is((await kv.post('secret/data/zero', { data: {}, options: { cas: 0 } })).status, 200);
    await kv.remove('secret/data/zero');
    refusedWith(await kv.post('secret/data/zero', { data: {}, options: { cas: 0 } }), 400, 'did not match');
    assert.is((await kv.post('secret/data/zero', { data: {}, options: { cas: 1 } })).body.data.version, 2);
  });

  test('that is malformed is told so to who may only create, or only update', async () => {
    for (const capability of ['create', 'update']) {
      const policy = `path "secret/data/mine" { capabilities = ["${capability}"] }`;
      await node.call('PUT', 'sys/policies/acl/half', { policy });
      const { client_token: token } = (await kv.post('auth/token/create', { policies: ['half'] })).body.auth;
      refusedWith(await kv.post('secret/data/mine', {}, { token }), 400, 'no data provided');
      refusedWith(await kv.post('secret/data/yours', {}, { token }), 403, 'permission denied');
    }
  });

  test('without cas is refused where the key asks for it', async () => {
    await kv.post('secret/metadata/asks', { cas_required: true });
    refusedWith(await kv.post('secret/data/asks', { data: {} }), 400, 'check-and-set parameter required for this call');
    assert.is((await kv.post('secret/data/asks', { data: {}, options: { cas: 0 } })).status, 200);
  });

  test('of an empty object is a version', async () => {
    await kv.versions('secret/data/empty', {});
    assert.equal((await kv.get('secret/data/empty')).body.data.data, {});
  });

  test('warns of fields that nobody knows, says which came from the path, and is silent about version', async () => {
    const { body } = await kv.post('secret/data/warned', { data: {}, cas: 1, version: 3, path: 'x' });
    assert.equal(body.warnings, [
      'Endpoint ignored these unrecognized parameters: [cas]',
      "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [path]",
    ]);
  });

  test('takes names of any length, and the trail those that fit', async () => {
    const names = ['short', `long${'\u0001'.repeat(60_000)}`, 'last'];
    await kv.versions('secret/data/names', Object.fromEntries(names.map(name => [name, 1])));
    assert.equal(Object.keys((await kv.get('secret/data/names')).body.data.data), names);
    const { events } = (await kv.get('sys/ledger/events?type=secret.written&path=secret/names&limit=1000')).body.data;
    assert.equal([events.length, events[0].fields, events[0].fields_count], [1, ['short'], 3]);
  });

  test('keeps number text, odd names and the last of two keys', async () => {
    await kv.versions(
      'secret/data/text',
      '{"n":12345678901234567890,"a":1,"__proto__":{"x":0.10},"a":2.0,"é":"\\ud800"}',
    );
    assert.is(
      await kv.text('secret/data/text'),
      '{"n":12345678901234567890,"a":1,"__proto__":{"x":0.10},"a":2.0,"é":"\\ud800"}',
    );
  });

  test('adds a version on top of one that is deleted or destroyed', async () => {
    await kv.versions('secret/data/top', { v: 1 });
    await kv.remove('secret/data/top');
    await kv.versions('secret/data/top', { v: 2 });
    await kv.post('secret/destroy/top', { versions: [2] });
    await kv.versions('secret/data/top', { v: 3 });
    assert.is((await kv.get('secret/data/top')).body.data.metadata.version, 3);
  });

  test('of two at once with the same cas one lands', async () => {
    const options = { cas: 0 };
    const replies = await Promise.all([1, 2].map(v => kv.post('secret/data/race', { data: { v }, options })));
    assert.equal(replies.map(({ status }) => status).sort(), [200, 400]);
  });

  test('shows a deletion time that is already set, and the version goes when it comes', async () => {
    await kv.post('secret/metadata/timed', { delete_version_after: '90s' });
    const { data } = (await kv.post('secret/data/timed', { data: { v: 1 } })).body;
    assert.is(Date.parse(data.deletion_time) - Date.parse(data.created_time), 90_000);
    assert.is((await kv.get('secret/data/timed')).status, 200);
    await later(91, async () => {
      const gone = await kv.get('secret/data/timed');
      assert.is(gone.status, 404);
      assert.is(gone.body.data.metadata.deletion_time, data.deletion_time);
      nothingThere(await kv.get('secret/data/timed?version=7'));
    });
  });

  test('expires by the smaller of what mount and key ask for, and not at all when the mount says never', async () => {
    const lifetime = async (): Promise<number | null> => {
      const { data } = (await kv.post('secret/data/both', { data: { v: 1 } })).body;
      return data.deletion_time === '' ? null : Date.parse(data.deletion_time) - Date.parse(data.created_time);
    };
    await kv.post('secret/metadata/both', { delete_version_after: '1h' });
    await kv.post('secret/config', { delete_version_after: '2h' });
    assert.is(await lifetime(), 3_600_000);
    await kv.post('secret/config', { delete_version_after: '30m' });
    assert.is(await lifetime(), 1_800_000);
    await kv.post('secret/config', { delete_version_after: '-1s' });
    assert.is(await lifetime(), null);
    await kv.post('secret/config', { delete_version_after: 0 });
    assert.is(await lifetime(), 3_600_000);
  });
};

const versionsOfASecret = (test: About): void => {
  const words = [
    ['delete', 'No version number provided'],
    ['undelete', 'No version number provided'],
    ['destroy', 'no version number provided'],
  ] as const;
  for (const [word, text] of words) {
    test(`${word} without versions, or with none, is refused: ${text}`, async () => {
      for (const fields of [{}, { versions: [] }, { versions: null }, { versions: '' }])
        refusedWith(await kv.post(`secret/${word}/any`, fields), 400, text);
    });

    test(`${word} with a word for a version is a field that does not convert`, async () => {
      const reply = await kv.post(`secret/${word}/any`, { versions: ['one'] });
      refusedWith(reply, 400, 'Field validation failed: error converting input for field "versions"');
    });

    test(`${word} of what is not there changes nothing, with 204`, async () => {
      await kv.versions(`secret/data/few-${word}`, { v: 1 });
      const before = await kv.changes();
      assert.is((await kv.post(`secret/${word}/unknown`, { versions: [1] })).status, 204);
      assert.is((await kv.post(`secret/${word}/few-${word}`, { versions: [0, -1, 9] })).status, 204);
      assert.is(await kv.changes(), before);
    });

    test(`${word} with another verb is a 405`, async () => {
      for (const method of ['GET', 'LIST', 'DELETE'])
        refusedWith(await node.call(method, `secret/${word}/any`), 405, 'unsupported operation');
    });
  }

  for (const [i, versions] of [[1, 2], ['1', '2'], '1,2'].entries())
    test(`are named as ${JSON.stringify(versions)}`, async () => {
      await kv.versions(`secret/data/named${i}`, { v: 1 }, { v: 2 }, { v: 3 });
      await kv.post(`secret/destroy/named${i}`, { versions });
      const shown = Object.values<Json>((await metadata(`named${i}`)).versions).map(({ destroyed }) => destroyed);
      assert.equal(shown, [true, true, false]);
    });

  test('that are deleted come back with undelete, and keep their first deletion time until then', async () => {
    await kv.versions('secret/data/u', { v: 1 }, { v: 2 });
    await kv.post('secret/delete/u', { versions: 1 });
    const first = (await metadata('u')).versions['1'].deletion_time;
    await kv.post('secret/delete/u', { versions: [1] });
    assert.is((await metadata('u')).versions['1'].deletion_time, first);
    assert.is((await kv.post('secret/undelete/u', { versions: [1] })).status, 204);
    assert.is((await kv.get('secret/data/u?version=1')).body.data.data.v, 1);
  });

  test('that are destroyed stay so: undelete answers 204 and does nothing', async () => {
    await kv.versions('secret/data/gone', { v: 1 });
    await kv.post('secret/destroy/gone', { versions: [1] });
    assert.is((await kv.post('secret/undelete/gone', { versions: [1] })).status, 204);
    assert.is((await kv.get('secret/data/gone')).body.data.metadata.destroyed, true);
  });

  test('that are undeleted get their time again where they expire', async () => {
    await kv.versions('secret/data/again', { v: 1 });
    await kv.post('secret/metadata/again', { delete_version_after: '1h' });
    assert.is((await metadata('again')).versions['1'].deletion_time, '');
    await kv.post('secret/undelete/again', { versions: [1] });
    assert.not.equal((await metadata('again')).versions['1'].deletion_time, '');
    await kv.post('secret/delete/again', { versions: [1] });
    assert.is((await kv.get('secret/data/again')).status, 404, 'a time to come is stamped with now');
  });

  test('DELETE of the data deletes the current version, again and of anything with 204', async () => {
    await kv.versions('secret/data/cur', { v: 1 }, { v: 2 });
    for (const path of ['cur', 'cur', 'unknown', 'gone'])
      assert.is((await kv.remove(`secret/data/${path}`)).status, 204);
    assert.is((await kv.get('secret/data/cur?version=1')).status, 200);
    assert.is((await kv.get('secret/data/cur')).status, 404);
  });

  test('do not move the key’s updated_time', async () => {
    await kv.versions('secret/data/times', { v: 1 });
    const before = await metadata('times');
    await kv.remove('secret/data/times');
    await kv.post('secret/undelete/times', { versions: [1] });
    await kv.post('secret/destroy/times', { versions: [1] });
    const after = await metadata('times');
    assert.equal([after.updated_time, after.created_time], [before.updated_time, before.created_time]);
  });

  test('beyond the limit are pruned at the next write only, and a position still knows them', async () => {
    await kv.post('secret/metadata/p', { max_versions: 3 });
    await kv.versions('secret/data/p', { v: 1 }, { v: 2 });
    assert.is((await metadata('p')).oldest_version, 0);
    await kv.versions('secret/data/p', { v: 3 });
    assert.is((await metadata('p')).oldest_version, 1);
    const position = await kv.head();
    await kv.post('secret/metadata/p', { max_versions: 2 });
    assert.equal(Object.keys((await metadata('p')).versions), ['1', '2', '3']);
    await kv.versions('secret/data/p', { v: 4 });
    const now = await metadata('p');
    assert.equal([Object.keys(now.versions), now.oldest_version], [['3', '4'], 3]);
    nothingThere(await kv.get('secret/data/p?version=1'));
    assert.is((await kv.get(`secret/data/p?version=1&position=${position}`)).body.data.data.v, 1);
    await kv.post('secret/metadata/p', { max_versions: 9 });
    await kv.versions('secret/data/p', { v: 5 });
    assert.is((await metadata('p')).oldest_version, 3, 'it never goes down');
  });

  test('are ten where nothing is set', async () => {
    await kv.versions('secret/data/ten', ...Array.from({ length: 12 }, (_, v) => ({ v })));
    assert.equal(
      Object.keys((await metadata('ten')).versions),
      Array.from({ length: 10 }, (_, i) => String(i + 3)),
    );
  });
};

describe('KV version 2', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    kv = kvCalls(node);
    await kv.versions('secret/data/r', { v: 1 }, { v: 2 }, { v: 3 });
    await kv.post('secret/metadata/only', { max_versions: 2 });
  });
  test.after(() => cluster.stop());

  readingASecret(about(test, 'reading a secret'));
  writingASecret(about(test, 'writing a secret'));
  versionsOfASecret(about(test, 'versions of a secret'));
});
