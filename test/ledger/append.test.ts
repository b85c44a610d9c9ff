/** The append path under fire: killed connections, two nodes, readers as of now. What is answered is true. */
import pg from 'pg';
import * as assert from 'uvu/assert';
import { whenSuiteEnds } from '../support/cleanup.js';
import { type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

let cluster: TestCluster;
let nodes: readonly TestNode[];
let sql: pg.Client;

const owner = async (): Promise<pg.Client> => {
  const { host, port, database, user, password } = cluster.db.connection;
  const client = new pg.Client({ host, port, database, user, password });
  client.on('error', () => {});
  await client.connect();
  await client.query('set search_path to tallystick, tallystick_projections');
  whenSuiteEnds(() => client.end());
  return client;
};

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

const oneOf = <T>(list: readonly T[]): T => {
  const found = list[Math.floor(Math.random() * list.length)];
  if (found === undefined) throw new Error('an empty list');
  return found;
};

const setUp = async (): Promise<void> => {
  cluster = await testCluster();
  nodes = [cluster.node, await cluster.newNode()];
  sql = await owner();
};

const ledgerIsWhole = async (): Promise<void> => {
  const { rows } = await sql.query(
    `select count(*)::int as n, max(position)::int as newest, count(distinct event_id)::int as ids,
            (select max(size)::int from batches) as size,
            (select count(*)::int from (select recorded_at < lag(recorded_at) over (order by position) as back from events) t where back) as back
       from events`,
  );
  const { n, newest, ids, size, back } = rows[0];
  assert.is(n, newest, 'no gap');
  assert.is(ids, n, 'no duplicate');
  assert.is(size, newest, 'the head is the newest event');
  assert.is(back, 0, 'recorded_at never goes backwards');
};

describe('writes while their connections are killed', test => {
  test.before(setUp);

  test('are answered truly: success is there, failure is not there twice', async () => {
    let killing = true;
    let kills = 0;
    const killer = (async () => {
      while (killing) {
        await sleep(30 + Math.random() * 60);
        const { rowCount } = await sql.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name = 'tallystick writer' and state <> 'idle' and pid <> pg_backend_pid()
            order by random() limit 1`,
        );
        kills += rowCount ?? 0;
      }
    })();
    const told: { path: string; value: number; reply: Reply }[] = [];
    const writer = async (name: string): Promise<void> => {
      for (let i = 0; i < 25; i += 1) {
        const path = `kills/${name}-${i}`;
        told.push({
          path,
          value: i,
          reply: await oneOf(nodes).call('POST', `secret/data/${path}`, { data: { value: i } }),
        });
      }
    };
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(writer));
    killing = false;
    await killer;
    assert.ok(kills > 3, `connections were killed (${kills})`);
    const succeeded = told.filter(({ reply }) => reply.status === 200);
    assert.ok(succeeded.length > told.length / 2, `${succeeded.length} of ${told.length} succeeded`);
    for (const { path, value, reply } of succeeded) {
      const read = await oneOf(nodes).call('GET', `secret/data/${path}`);
      assert.is(read.status, 200, path);
      assert.equal(read.body.data.data, { value });
      // Written once: a batch that ran again carries the same event ids.
      assert.is(read.body.data.metadata.version, 1, path);
      assert.ok(Number(reply.headers.get('x-tallystick-position')) > 0);
    }
    await ledgerIsWhole();
  });
});

describe('two nodes on one ledger', test => {
  test.before(setUp);

  test('a read after an acknowledged write sees it, on the other node too', async () => {
    for (let i = 0; i < 40; i += 1) {
      const [writer, reader] = Math.random() < 0.5 ? nodes : [...nodes].reverse();
      assert.is((await writer?.call('POST', 'secret/data/seen', { data: { i } }))?.status, 200);
      assert.equal((await reader?.call('GET', 'secret/data/seen'))?.body.data.data, { i });
    }
    await ledgerIsWhole();
  });

  test('a read as of the position that another read named answers the same', async () => {
    const [writer, reader] = nodes;
    for (let i = 0; i < 10; i += 1) {
      assert.is((await writer?.call('POST', 'secret/data/named', { data: { i } }))?.status, 200);
      for (const path of ['data', 'metadata']) {
        const read = await reader?.call('GET', `secret/${path}/named`);
        const position = read?.headers.get('x-tallystick-position');
        const again = await reader?.call('GET', `secret/${path}/named?position=${position}`);
        assert.equal(again?.body.data, read?.body.data, `${path} as of ${position}`);
      }
    }
  });

  test('of writers with the same check-and-set exactly one wins', async () => {
    await cluster.node.call('POST', 'secret/data/race', { data: { round: 0 } });
    for (let cas = 1; cas <= 10; cas += 1) {
      const replies = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          oneOf(nodes).call('POST', 'secret/data/race', { data: { i }, options: { cas } }),
        ),
      );
      assert.is(replies.filter(reply => reply.status === 200).length, 1);
      assert.is(replies.filter(reply => reply.status === 400).length, 7);
    }
  });

  /** Lets a node decide by what it remembers again: after a refusal it asks first for a second. */
  const remembering = async (node: TestNode | undefined): Promise<void> => {
    await new Promise(resolve => setTimeout(resolve, 1100));
    for (let i = 0; i < 3; i += 1) await node?.call('POST', 'secret/data/today/warm', { data: { i } });
  };

  test('what changes nothing does so as of today, whatever a node remembers', async () => {
    const [one, other] = nodes;
    await other?.call('POST', 'secret/data/today/gone', { data: { v: 1 } });
    await other?.call('DELETE', 'secret/metadata/today/gone');
    await remembering(other);
    assert.is((await one?.call('POST', 'secret/data/today/gone', { data: { v: 2 } }))?.status, 200);
    const removed = await other?.call('DELETE', 'secret/metadata/today/gone');
    assert.ok(Number(removed?.headers.get('x-tallystick-position')) > 0, 'it was there to be removed');
    assert.is((await one?.call('GET', 'secret/data/today/gone'))?.status, 404);
  });

  test('what is refused is so as of today, whatever a node remembers', async () => {
    const [one, other] = nodes;
    await other?.call('POST', 'secret/data/today/cas', { data: { v: 1 } });
    await remembering(other);
    const newest = await one?.call('POST', 'secret/data/today/cas', { data: { v: 2 } });
    const options = { cas: newest?.body.data.version };
    const swapped = await other?.call('POST', 'secret/data/today/cas', { data: { v: 3 }, options });
    assert.is(swapped?.status, 200, swapped?.text);
  });

  test('a token that is revoked on one is dead on the other at once', async () => {
    const made = await cluster.node.call('POST', 'auth/token/create', { policies: ['root'] });
    const token: string = made.body.auth.client_token;
    const [first, second] = nodes;
    assert.is((await second?.call('GET', 'secret/data/seen', undefined, { token }))?.status, 200);
    assert.is((await first?.call('POST', 'auth/token/revoke-self', {}, { token }))?.status, 204);
    assert.is((await second?.call('GET', 'secret/data/seen', undefined, { token }))?.status, 403);
    assert.is((await second?.call('POST', 'secret/data/seen', { data: { v: 1 } }, { token }))?.status, 403);
  });

  test('an answer as of now never changes afterwards', async () => {
    let going = true;
    const writers = nodes.map(async node => {
      for (let i = 0; going; i += 1) await node.call('POST', 'secret/data/now', { data: { i } });
    });
    const asked: { at: string; version: number; position: string | null }[] = [];
    for (let i = 0; i < 30; i += 1) {
      const at = new Date().toISOString();
      const reply = await oneOf(nodes).call('GET', `secret/data/now?at=${at}`);
      if (reply.status === 200)
        asked.push({
          at,
          version: reply.body.data.metadata.version,
          position: reply.headers.get('x-tallystick-position'),
        });
    }
    going = false;
    await Promise.all(writers);
    assert.ok(asked.length > 20);
    for (const { at, version, position } of asked) {
      const again = await oneOf(nodes).call('GET', `secret/data/now?at=${at}`);
      assert.is(again.headers.get('x-tallystick-position'), position, at);
      if (again.status === 200) assert.is(again.body.data.metadata.version, version, at);
    }
    await ledgerIsWhole();
  });

  test('a random history reads as a plain model says, and its projections equal replay', async () => {
    const model = new Map<string, { data: object | null; version: number }>();
    for (let i = 0; i < 200; i += 1) {
      const path = `model/${oneOf(['a', 'b', 'c/d', 'c/e'])}`;
      const known = model.get(path);
      const roll = Math.random();
      if (roll < 0.6) {
        const reply = await oneOf(nodes).call('POST', `secret/data/${path}`, { data: { i } });
        assert.is(reply.status, 200, reply.text);
        assert.is(reply.body.data.version, (known?.version ?? 0) + 1);
        model.set(path, { data: { i }, version: (known?.version ?? 0) + 1 });
      } else if (roll < 0.75) {
        assert.is((await oneOf(nodes).call('DELETE', `secret/data/${path}`)).status, 204);
        if (known) model.set(path, { ...known, data: null });
      } else if (roll < 0.82) {
        assert.is((await oneOf(nodes).call('DELETE', `secret/metadata/${path}`)).status, 204);
        model.delete(path);
      } else {
        const reply = await oneOf(nodes).call('GET', `secret/data/${path}`);
        assert.is(reply.status, known?.data ? 200 : 404);
        if (known?.data) assert.equal(reply.body.data.data, known.data);
      }
      const listed = await oneOf(nodes).call('LIST', 'secret/metadata/model/c');
      const expected = ['d', 'e'].filter(name => model.has(`model/c/${name}`));
      assert.equal(listed.status === 404 ? [] : listed.body.data.keys, expected);
    }
    const verified = await cluster.node.call('POST', 'sys/ledger/projections/verify', {});
    assert.is(verified.body.data.differences, 0);
  });
});
