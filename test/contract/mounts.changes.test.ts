/** Mounts of secrets that change while they are used: moved, made anew, of another version, as other nodes hear of it or not. */
import * as assert from 'uvu/assert';
import type { Session } from '../../src/nexus/session.js';
import { type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { standing } from '../support/standing.js';
import { type KvCalls, kvCalls, nothingThere } from './support/kv.js';
import { refusedWith } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let kv: KvCalls;

const another = async (): Promise<{ late: TestNode; other: KvCalls; session: Session }> => {
  const late = await cluster.newNode();
  const { session } = late.program.nexus;
  if (session === null) throw new Error('the node is sealed');
  return { late, other: kvCalls(late), session };
};

describe('mounts of secrets that change', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    kv = kvCalls(node);
  });
  test.after(() => cluster.stop());

  test('do not move to where no request could reach them', async () => {
    await kv.enable('reachable', { type: 'kv-v2' });
    for (const to of ['x/../y', '..', '.', 'x/./y', 'a\u200bb', 'a\u202eb', '\ud800'])
      assert.is((await kv.post('sys/remount', { from: 'reachable', to })).status, 400, JSON.stringify(to));
    await kv.versions('reachable/data/a', { v: 1 });
  });

  test('that moved are not at their old path any more, on a node that has yet to hear of it', async () => {
    const { late, other, session } = await another();
    await kv.enable('old', { type: 'kv-v2' });
    await other.versions('old/data/a', { v: 1 });
    const move = async (from: string, to: string): Promise<void> => {
      const reply = await kv.post('sys/remount', { from, to });
      assert.is(reply.status, 200, reply.text);
    };
    await standing(session, async () => {
      await move('old', 'new');
      refusedWith(await other.get('old/data/a'), 404, 'no handler');
      assert.is((await other.get('new/data/a')).body.data.data.v, 1);
    });
    const submit = session.appender.submit.bind(session.appender);
    session.appender.submit = async command => {
      session.appender.submit = submit;
      await move('new', 'newer');
      return submit(command);
    };
    refusedWith(await other.post('new/data/a', { data: { v: 2 } }), 404, 'no handler');
    assert.is((await other.get('newer/data/a')).body.data.data.v, 1);
    await late.stop();
  });

  test('that became version 2 meanwhile take no request in the words of version 1', async () => {
    const { late, other, session } = await another();
    const { appender, reader } = session;
    const [submit, read] = [appender.submit.bind(appender), reader.read.bind(reader)];
    const grow = async (path: string): Promise<void> => {
      const reply = await kv.post(`sys/mounts/${path}/tune`, { options: { version: '2' } });
      assert.is(reply.status, 204, reply.text);
    };
    for (const path of ['grown', 'grown-too']) {
      await kv.enable(path, { type: 'kv' });
      assert.is((await other.post(`${path}/data/a`, { v: 1 })).status, 204);
    }
    appender.submit = async command => {
      appender.submit = submit;
      await grow('grown');
      return submit(command);
    };
    assert.is((await other.post('grown/data/a', { data: { v: 2 } })).status, 503);
    await other.versions('grown/data/a', { v: 2 });
    assert.equal((await kv.get('grown/data/data/a')).body.data.data, { v: 1 });
    reader.read = async of => {
      reader.read = read;
      await grow('grown-too');
      return read(of);
    };
    assert.is((await other.get('grown-too/data/a')).status, 503);
    nothingThere(await other.get('grown-too/data/a'));
    await late.stop();
  });

  test('that moved while they are listed show nothing by their old path', async () => {
    const { session } = node.program.nexus;
    assert.ok(session);
    const catchUp = session.catchUp.bind(session);
    await kv.enable('listed', { type: 'kv-v2' });
    await kv.versions('listed/data/a', { v: 1 });
    let moved: Promise<Reply> | null = null;
    // Keepers catch up as well: whoever is first, the list waits for the move.
    session.catchUp = async () => {
      moved ??= kv.post('sys/remount', { from: 'listed', to: 'listed-now' });
      assert.is((await moved).status, 200);
      await catchUp();
    };
    refusedWith(await node.call('LIST', 'listed/metadata'), 404, 'no handler');
    session.catchUp = catchUp;
    assert.equal((await node.call('LIST', 'listed-now/metadata')).body.data.keys, ['a']);
  });

  test('are known to another node no earlier than the keys of their names, however it learns of them', async () => {
    const { late, other, session } = await another();
    const { authority, custody } = session;
    const apply = authority.apply.bind(authority);
    const keys: boolean[] = [];
    authority.apply = event => {
      apply(event);
      if (event.type === 'mount.enabled') keys.push(custody.keyring.nameKey(authority.mounts.highestNumber) !== null);
    };
    const ways: readonly (() => Promise<unknown>)[] = [
      () => other.versions('secret/data/of-its-own', { v: 1 }),
      () => other.get('secret/data/of-its-own'),
      () => session.catchUp(),
    ];
    for (const [i, learn] of ways.entries()) {
      await kv.enable(`learned${i}`, { type: 'kv-v2' });
      await learn();
      await other.versions(`learned${i}/data/a`, { v: 1 });
    }
    assert.equal(keys, [true, true, true]);
    await late.stop();
  });
});
