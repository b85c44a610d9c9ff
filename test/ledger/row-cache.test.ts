/** Sealed rows that are kept: until their stream moved, the keyring changed, or there is no room; never those of the past. */
import * as assert from 'uvu/assert';
import { Openings } from '../../src/ledger/openings.js';
import { type PointRead, PointReader, ReaderClosed } from '../../src/ledger/point-reads.js';
import { RowCache } from '../../src/ledger/row-cache.js';
import type { Session } from '../../src/nexus/session.js';
import type { Pipeline } from '../../src/postgres/pipeline.js';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

const [A, B] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
const asOf = (size: number): PointRead => ({
  newest: null,
  written: null,
  annotated: null,
  keys: [],
  size,
  openings: new Openings(),
});

describe('rows that are kept', test => {
  test('go when their stream got an event, and stay when another one did', () => {
    const cache = new RowCache(10_000);
    cache.put(A, asOf(5));
    cache.put(B, asOf(5));
    cache.advance(6, [B]);
    assert.is(cache.get(A)?.size, 5);
    assert.is(cache.get(B), undefined);
    assert.is(cache.asOf, 6);
  });

  test('all go when too much happened to name the streams', () => {
    const cache = new RowCache(10_000);
    cache.put(A, asOf(5));
    cache.advance(5000, null);
    assert.is(cache.size, 0);
  });

  test('are not kept when their snapshot is older than what is known: they may be of the past', () => {
    const cache = new RowCache(10_000);
    cache.advance(7, []);
    cache.put(A, asOf(6));
    assert.is(cache.get(A), undefined);
    cache.put(A, asOf(7));
    assert.is(cache.get(A)?.size, 7);
  });

  test('are not kept when their stream got an event while they were on their way', () => {
    const cache = new RowCache(10_000);
    cache.put(B, asOf(6));
    cache.forget([A], 7);
    cache.put(A, asOf(6));
    assert.is(cache.get(A), undefined);
    assert.is(cache.get(B)?.size, 6);
    cache.put(A, asOf(7));
    assert.is(cache.get(A)?.size, 7);
  });

  test('an older answer does not put the clock back', () => {
    const cache = new RowCache(10_000);
    cache.advance(9, []);
    cache.advance(8, []);
    assert.is(cache.asOf, 9);
  });

  test('go with the keyring that their keys were wrapped under', () => {
    const cache = new RowCache(10_000);
    cache.keptUnder(1);
    cache.put(A, asOf(1));
    assert.is(cache.keptUnder(1), true);
    assert.is(cache.size, 1);
    assert.is(cache.keptUnder(2), false);
    assert.is(cache.size, 0);
  });

  test('make room for younger ones, and none are kept where there is no room at all', () => {
    const cache = new RowCache(1500);
    cache.put(A, asOf(1));
    cache.put(B, asOf(1));
    assert.is(cache.get(A), undefined);
    assert.is(cache.get(B)?.size, 1);
    const none = new RowCache(0);
    none.put(A, asOf(1));
    assert.is(none.size, 0);
  });
});

describe('the keys that opened cached rows', test => {
  const openings = (cached: boolean) => {
    const cache = new RowCache(10_000);
    const read = asOf(1);
    if (cached) cache.put(A, read);
    const made: Buffer[] = [];
    const open = () =>
      read.openings.with(
        B,
        () => {
          made.push(Buffer.alloc(32, 7));
          return made.at(-1) ?? null;
        },
        key => key[31],
      );
    return { cache, made, open };
  };

  test('are made once, and again after the rows went', () => {
    const { cache, made, open } = openings(true);
    assert.equal([open(), open()], [7, 7]);
    assert.is(made.length, 1);
    cache.delete(A);
    assert.is(open(), 7);
    assert.is(made.length, 2);
  });

  test('are wiped when the rows go: by an event, a change of keys, for want of room, at the end', () => {
    const ends: readonly ((cache: RowCache) => void)[] = [
      cache => cache.delete(A),
      cache => cache.advance(2, [A]),
      cache => cache.advance(5000, null),
      cache => cache.put(A, asOf(1)),
      cache => cache.keptUnder(7),
      cache => Array.from({ length: 20 }, (_, i) => cache.put(`${B}${i}`, asOf(1))),
      cache => cache.end(),
    ];
    for (const end of ends) {
      const { cache, made, open } = openings(true);
      open();
      assert.equal(made[0], Buffer.alloc(32, 7));
      end(cache);
      assert.equal(made[0], Buffer.alloc(32));
    }
  });

  test('are wiped at once where the rows are not kept, or cannot be opened', () => {
    const { made, open } = openings(false);
    assert.is(open(), 7);
    assert.equal(made[0], Buffer.alloc(32));
    const { openings: none } = asOf(1);
    assert.is(
      none.with(
        B,
        () => null,
        () => 1,
      ),
      null,
    );
  });

  test('are not kept by a cache that ended while a read was under way', () => {
    const cache = new RowCache(10_000);
    cache.end();
    cache.put(A, asOf(1));
    assert.is(cache.size, 0);
  });
});

let cluster: TestCluster;
let node: TestNode;

const sessionOf = ({ program }: TestNode): Session => {
  if (program.nexus.session === null) throw new Error('the node is unsealed');
  return program.nexus.session;
};

describe('a node that keeps rows', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
  });
  test.after(() => cluster.stop());

  const value = async (of: TestNode) => {
    const reply = await of.call('GET', 'secret/data/kept');
    return reply.status === 200 ? reply.body.data.data.v : reply.status;
  };

  test('answers from them, and sees at once what another node wrote, deleted, undeleted and destroyed', async () => {
    const other = await cluster.newNode();
    await other.call('POST', 'secret/data/kept', { data: { v: 1 } });
    for (const _ of [1, 2, 3]) assert.is(await value(node), 1);
    await other.call('POST', 'secret/data/kept', { data: { v: 2 } });
    assert.is(await value(node), 2);
    await other.call('DELETE', 'secret/data/kept');
    assert.is(await value(node), 404);
    await other.call('POST', 'secret/undelete/kept', { versions: [2] });
    assert.is(await value(node), 2);
    await other.call('POST', 'secret/destroy/kept', { versions: [2] });
    assert.is(await value(node), 404);
  });

  test('forgets them as it hears of an event, before anybody reads', async () => {
    await node.call('POST', 'secret/data/heard', { data: { v: 1 } });
    const { reader, known, names, ports, authority } = sessionOf(node);
    const [mount] = authority.mounts.all.filter(({ path }) => path === 'secret/');
    if (mount === undefined) throw new Error('the ledger has its first mount');
    const { read } = await reader.read(names.resolve(mount, ['heard']).node);
    const made = Buffer.alloc(32, 7);
    read.openings.with(
      A,
      () => made,
      () => null,
    );
    assert.equal(made, Buffer.alloc(32, 7));
    const other = await cluster.newNode();
    await other.call('PUT', 'secret/destroy/heard', { versions: [1] });
    await known.catchUp(ports.runner);
    assert.equal(made, Buffer.alloc(32));
  });

  test('opens no connection for what comes after the end of its session', async () => {
    const { authority, custody } = sessionOf(node);
    let opened = 0;
    const reader = new PointReader({
      openPipeline: () => {
        opened += 1;
        return node.database.openPipeline();
      },
      cacheBytes: 10_000,
      authorityPosition: () => authority.position,
      foldAuthority: async () => {},
      keyringGeneration: () => custody.keyring.generation,
    });
    await reader.refresh();
    await reader.close();
    const outcomes = await Promise.allSettled([reader.refresh(), reader.read(A)]);
    assert.ok(outcomes.every(outcome => outcome.status === 'rejected' && outcome.reason instanceof ReaderClosed));
    assert.is(opened, 1);
  });

  /** Between two statements of one flight another node takes a right away, and then writes what it was about. */
  const torn = (pipeline: Pipeline, meanwhile: () => Promise<void>): Pipeline => {
    let [before, asked]: [Promise<unknown>, number] = [Promise.resolve(), 0];
    return {
      ...pipeline,
      get alive() {
        return pipeline.alive;
      },
      run: (query, values) => {
        const answer = before.then(async () => {
          asked += 1;
          if (asked % 2 === 0) await meanwhile();
          return pipeline.run(query, values);
        });
        before = answer.catch(() => undefined);
        return answer;
      },
    };
  };

  test('knows of every right that was taken away before what it reads was written', async () => {
    const { authority, names, reader: usual } = sessionOf(node);
    const other = await cluster.newNode();
    const [mount] = authority.mounts.all.filter(({ path }) => path === 'secret/');
    if (mount === undefined) throw new Error('the ledger has its first mount');
    const id = names.resolve(mount, ['torn']).node;
    let [taken, v] = [0, 0];
    const meanwhile = async (): Promise<void> => {
      v += 1;
      if (v > 8) return;
      assert.is((await other.call('POST', 'sys/policies/acl/torn', { policy: `# ${v}` })).status, 204);
      taken = sessionOf(other).known.head.size;
      assert.is((await other.call('POST', 'secret/data/torn', { data: { v } })).status, 200);
    };
    const openPipeline = async () => torn(await node.database.openPipeline(), meanwhile);
    const reader = new PointReader({ ...usual.ports, openPipeline });
    // The first is read, the others are cached and read again.
    for (let i = 0; i < 6; i += 1) {
      const { read } = await reader.read(id);
      if ((read.newest?.position ?? 0) > taken) assert.ok(authority.position >= taken, `${i}: ${authority.position}`);
    }
    await reader.close();
  });

  test('reads on after more was written than it looks through', async () => {
    await node.call('POST', 'secret/data/kept', { data: { v: 3 } });
    assert.is(await value(node), 3);
    const other = await cluster.newNode();
    for (let done = 0; done < 1100; done += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => other.call('POST', `secret/data/many/${i}`, { data: { v: done } })),
      );
    assert.is(await value(node), 3);
    await other.call('POST', 'secret/data/kept', { data: { v: 4 } });
    assert.is(await value(node), 4);
  });
});
