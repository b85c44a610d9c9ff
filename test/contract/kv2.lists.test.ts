/** Lists: in parts, with metadata, and of everything below, where a policy may close a folder. */
import * as assert from 'uvu/assert';
import { type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type About, about, type KvCalls, kvCalls, nothingThere } from './support/kv.js';
import { refusedWith, revokedMeanwhile } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let kv: KvCalls;

const NAMES = ['a', 'a-b', 'a/x', 'a/y/z', 'a0', 'b/c', 'é', 'z/one', 'z/two/three'];

const keys = (reply: Reply): readonly string[] => {
  assert.is(reply.status, 200, reply.text);
  return reply.body.data.keys;
};

const tokenWith = async (name: string, policy: string): Promise<string> => {
  await node.call('PUT', `sys/policies/acl/${name}`, { policy });
  return (await kv.post('auth/token/create', { policies: [name] })).body.auth.client_token;
};

const lists = (test: About): void => {
  test('are byte-sorted, and a name that is key and folder is there twice', async () => {
    assert.equal(keys(await node.call('LIST', 'secret/metadata/tree')), ['a', 'a-b', 'a/', 'a0', 'b/', 'z/', 'é']);
  });

  test('go on after a name, which need not be there, and stop at a limit', async () => {
    const list = async (query: string) => keys(await kv.get(`secret/metadata/tree?list=true&${query}`));
    assert.equal(await list('limit=2'), ['a', 'a-b']);
    assert.equal(await list('after=a-b&limit=2'), ['a/', 'a0']);
    assert.equal(await list('after=a-bb'), ['a/', 'a0', 'b/', 'z/', 'é']);
    assert.equal(await list('limit=0'), await list('limit=-3'));
    nothingThere(await kv.get('secret/metadata/tree?list=true&after=%C3%A9'));
    refusedWith(await kv.get('secret/metadata/tree?list=true&limit=x'), 400, 'field "limit"');
  });

  test('show deleted and destroyed keys, and not removed ones', async () => {
    await kv.remove('secret/data/tree/a0');
    await kv.post('secret/destroy/tree/a0', { versions: [1] });
    assert.ok(keys(await node.call('LIST', 'secret/metadata/tree')).includes('a0'));
    assert.not(keys(await node.call('LIST', 'secret/metadata')).includes('before'));
  });

  test('hold nothing that was written after the token was revoked, however soon', async () => {
    const token = await tokenWith('late-lister', 'path "secret/metadata/late/*" { capabilities = ["list"] }');
    await kv.versions('secret/data/late/early', { v: 1 });
    const later = () => kv.versions('secret/data/late/later', { v: 1 });
    const ask = () => node.call('LIST', 'secret/metadata/late', undefined, { token });
    refusedWith(await revokedMeanwhile(node, token, later, ask), 403, 'permission denied');
    for (const name of ['early', 'later']) await kv.remove(`secret/metadata/late/${name}`);
  });

  test('with metadata show what a read of each would', async () => {
    const reply = await node.call('LIST', 'secret/detailed-metadata/tree');
    assert.equal(keys(reply), ['a', 'a-b', 'a/', 'a0', 'b/', 'z/', 'é']);
    const { key_info: info } = reply.body.data;
    assert.equal(info['a/'], {});
    assert.equal(info.a, (await kv.get('secret/metadata/tree/a')).body.data);
    assert.is(info.a0.versions['1'].destroyed, true);
    const part = await kv.get('secret/detailed-metadata/tree?list=true&after=a&limit=1');
    assert.equal(Object.keys(part.body.data.key_info), ['a-b']);
    assert.equal(keys(await node.call('LIST', 'secret/detailed-metadata')), ['tree/']);
    nothingThere(await node.call('LIST', 'secret/detailed-metadata/nothing'));
  });

  test('with metadata are a permission of their own, and no read', async () => {
    const token = await tokenWith('details', 'path "secret/detailed-metadata/*" { capabilities = ["list"] }');
    assert.is((await node.call('LIST', 'secret/detailed-metadata/tree', undefined, { token })).status, 200);
    assert.is((await node.call('LIST', 'secret/metadata/tree', undefined, { token })).status, 403);
    refusedWith(await kv.get('secret/detailed-metadata/tree/a'), 405, 'unsupported operation');
  });
};

const aScan = (test: About): void => {
  const scan = (query = '', token?: string, folder = 'tree') =>
    kv.get(`secret/metadata/${folder}?scan=true${query}`, token === undefined ? {} : { token });

  test('gives every secret below, in byte order of paths', async () => {
    assert.equal(
      keys(await scan()),
      NAMES.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
    assert.equal(
      keys(await scan('', undefined, '')),
      keys(await scan()).map(name => `tree/${name}`),
    );
    nothingThere(await scan('', undefined, 'nothing'));
  });

  test('in parts of any size is the whole', async () => {
    const whole = keys(await scan());
    for (const size of [1, 2, 3, 5]) {
      const parts: string[] = [];
      for (let after = ''; ; after = parts.at(-1) ?? '') {
        const reply = await scan(`&limit=${size}&after=${encodeURIComponent(after)}`);
        if (reply.status === 404) break;
        parts.push(...keys(reply));
      }
      assert.equal(parts, whole, `by ${size}`);
    }
  });

  test('is as of a position', async () => {
    const position = await kv.head();
    await kv.versions('secret/data/tree/later', { v: 1 });
    assert.not(keys(await scan(`&position=${position}`)).includes('later'));
    assert.ok(keys(await scan()).includes('later'));
    await kv.remove('secret/metadata/tree/later');
  });

  test('names a folder that the token may not enter, and nothing in it', async () => {
    const rules = [
      'path "secret/metadata/tree/*" { capabilities = ["scan"] }',
      'path "secret/metadata/tree/z/*" { capabilities = ["deny"] }',
      'path "secret/metadata/tree/a/y/*" { capabilities = ["read"] }',
    ];
    const token = await tokenWith('scanner', rules.join('\n'));
    assert.equal(keys(await scan('', token)), ['a', 'a-b', 'a/x', 'a/y/', 'a0', 'b/c', 'z/', 'é']);
    assert.equal(keys(await scan('&after=a/x&limit=2', token)), ['a/y/', 'a0']);
    assert.is((await scan('', token, 'tree/z')).status, 403);
  });

  test('enters what a list would show', async () => {
    const rules = [
      'path "secret/metadata/tree/" { capabilities = ["scan"] }',
      'path "secret/metadata/tree/b/" { capabilities = ["list"] }',
    ];
    const token = await tokenWith('lister', rules.join('\n'));
    assert.equal(keys(await scan('', token)), ['a', 'a-b', 'a/', 'a0', 'b/c', 'z/', 'é']);
  });

  test('is not given by the capability list', async () => {
    const token = await tokenWith('listonly', 'path "secret/metadata/*" { capabilities = ["list"] }');
    refusedWith(await scan('', token), 403, 'permission denied');
  });

  test('with metadata shows that of every secret', async () => {
    const reply = await kv.get('secret/detailed-metadata/tree?scan=true');
    assert.is(reply.body.data.key_info['a/y/z'].current_version, 1);
    assert.equal(Object.keys(reply.body.data.key_info).length, NAMES.length);
  });

  test('goes through a mount of version 1 as well', async () => {
    await kv.post('sys/mounts/one', { type: 'kv' });
    await kv.post('one/a/b', { v: 1 });
    await kv.post('one/c', { v: 1 });
    assert.equal(keys(await kv.get('one?scan=true')), ['a/b', 'c']);
  });

  test('and list at once, or a value that is no boolean, is a 400', async () => {
    for (const query of ['scan=true&list=true', 'scan=yes'])
      assert.equal((await kv.get(`secret/metadata/tree?${query}`)).body, { errors: [] });
  });

  test('elsewhere is a 405', async () => {
    refusedWith(await kv.get('secret/data/tree?scan=true'), 405, 'unsupported operation');
    assert.is((await kv.get('sys/mounts?scan=true')).status, 405);
  });

  test('is in the trail when it is denied', async () => {
    await node.program.nexus.session?.recorder.flush();
    const found = await kv.get('sys/ledger/events?type=kv.scan&outcome=denied');
    assert.ok(found.body.data.events.length > 0, found.text);
  });
};

describe('KV version 2', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    kv = kvCalls(node);
    await kv.versions('secret/data/before', { v: 1 });
    for (const name of NAMES) await kv.versions(`secret/data/tree/${name}`, { v: 1 });
    assert.is((await kv.remove('secret/metadata/before')).status, 204);
  });
  test.after(() => cluster.stop());

  lists(about(test, 'lists'));
  aScan(about(test, 'a scan'));
});
