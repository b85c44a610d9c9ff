/** Destroying for good over real sockets: everything of a secret goes, on every node at once, unless a hold or a rule keeps it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Json, type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

let cluster: TestCluster;
let node: TestNode;
let other: TestNode;

const reason = { 'x-tallystick-reason': 'case 17' };
const write = (path: string, data: object, on = node): Promise<Reply> =>
  on.call('POST', `secret/data/${path}`, { data });

const planned = async (path: string, on = node): Promise<Json> => {
  const reply = await on.call('POST', 'sys/ledger/erase/plan', { mount: 'secret', path, basis: 'request of P.' });
  assert.is(reply.status, 200, reply.text);
  return reply.body.data;
};

const apply = (planId: string, on = node): Promise<Reply> =>
  on.call('POST', 'sys/ledger/erase/apply', { plan_id: planId });

const erase = async (path: string, on = node): Promise<Reply> => apply((await planned(path, on)).plan_id, on);

const listedLines = (): number => readFileSync(join(node.folder, 'erasure-list'), 'utf8').split('\n').length - 1;

const keyRows = async (): Promise<number> => {
  const client = await cluster.db.client();
  try {
    return Number((await client.query('select count(*) as n from keys where kind in (1, 2)')).rows[0]?.n);
  } finally {
    await client.end();
  }
};

describe('an erasure', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    other = await cluster.newNode();
  });
  test.after(() => cluster.stop());

  test('takes every version of every generation and the custom metadata, and the name', async () => {
    const before = await keyRows();
    await write('old', { v: 1 });
    const first = Number((await node.call('GET', 'sys/ledger/head')).body.data.position);
    await write('old', { v: 2 });
    await node.call('POST', 'secret/metadata/old', { custom_metadata: { owner: 'P.' } });
    await node.call('DELETE', 'secret/metadata/old');
    await write('old', { v: 'again' });
    const plan = await planned('old');
    assert.equal(plan.counts, { erase: 1, held: 0, retained: 0, nothing: 0 });
    assert.equal([plan.keys, plan.secrets[0].detail], [4, '3 values, 1 custom metadata']);
    const erased = await apply(plan.plan_id);
    assert.is(erased.status, 200, erased.text);
    assert.equal(erased.body.data.kept, []);
    assert.is(await keyRows(), before);
    assert.is(listedLines(), 4);
    assert.is((await node.call('GET', 'secret/data/old')).status, 404);
    const past = await node.call('GET', `secret/data/old?position=${first}`);
    assert.equal([past.status, past.body.data.metadata.destroyed], [404, true]);
    assert.is((await write('old', { v: 'new life' })).status, 200);
    assert.is((await node.call('GET', 'secret/data/old')).body.data.data.v, 'new life');
  });

  test('is refused on every other node at once, also where the row was cached', async () => {
    await write('seen', { v: 1 });
    for (let i = 0; i < 3; i += 1) assert.is((await other.call('GET', 'secret/data/seen')).status, 200);
    assert.is((await erase('seen')).status, 200);
    assert.is((await other.call('GET', 'secret/data/seen')).status, 404);
    assert.is((await other.call('GET', 'secret/data/seen?version=1')).status, 404);
  });

  test('says who asked and on which ground, once for the whole folder', async () => {
    for (const name of ['a', 'b/c']) await write(`team/${name}`, { v: 1 });
    const { position, counts } = (await erase('team/')).body.data;
    assert.is(counts.erase, 2);
    const { events } = (await node.call('GET', `sys/ledger/events?type=erasure.requested&limit=100`)).body.data;
    const event = events.find((each: Json) => each.position === position);
    assert.equal([event.scope, event.basis, event.secrets, event.kept], ['secret/team/', 'request of P.', 2, 0]);
    assert.is((await node.call('LIST', 'secret/metadata/team')).status, 404);
  });

  test('takes secrets without versions as well', async () => {
    const enabled = await node.call('POST', 'sys/mounts/plain', { type: 'kv', options: { version: '1' } });
    assert.is(enabled.status, 204, enabled.text);
    for (const v of ['early', 'late']) await node.call('POST', 'plain/team/a', { v });
    const plan = await node.call('POST', 'sys/ledger/erase/plan', { mount: 'plain', path: '/', basis: 'x' });
    assert.equal([plan.body.data.counts.erase, plan.body.data.keys], [1, 2], plan.text);
    assert.is((await apply(plan.body.data.plan_id)).status, 200);
    assert.is((await node.call('GET', 'plain/team/a')).status, 404);
  });

  test('is refused when its scope moved after the plan, and when there is nothing', async () => {
    await write('moving', { v: 1 });
    const plan = await planned('moving');
    await write('moving', { v: 2 }, other);
    const reply = await apply(plan.plan_id);
    assert.is(reply.status, 409, reply.text);
    assert.is((await node.call('GET', 'secret/data/moving')).body.data.data.v, 2);
    assert.is((await erase('never-there')).status, 404);
  });

  test('needs a ground, a plan of its own kind, and sudo', async () => {
    const noBasis = await node.call('POST', 'sys/ledger/erase/plan', { path: 'moving' });
    assert.equal([noBasis.status, /basis/.test(noBasis.text)], [400, true]);
    const restore = await node.call('POST', 'sys/ledger/restore/plan', { path: 'moving', position: 30 });
    assert.is((await apply(restore.body.data.plan_id)).status, 400);
    const erasePlan = await planned('moving');
    const crossed = await node.call('POST', 'sys/ledger/restore/apply', { plan_id: erasePlan.plan_id });
    assert.is(crossed.status, 400);
    const policy = 'path "*" { capabilities = ["create", "read", "update", "delete", "list"] }';
    await node.call('POST', 'sys/policies/acl/no-sudo', { policy });
    const made = await node.call('POST', 'auth/token/create', { policies: ['no-sudo'] });
    const token = made.body.auth.client_token;
    const own = await node.call('POST', 'sys/ledger/erase/plan', { path: 'moving', basis: 'x' }, { token });
    assert.is(own.status, 200, own.text);
    const refused = await node.call('POST', 'sys/ledger/erase/apply', { plan_id: own.body.data.plan_id }, { token });
    assert.is(refused.status, 403);
  });
});

describe('a legal hold', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    other = await cluster.newNode();
  });
  test.after(() => cluster.stop());

  test('needs a reason, is listed with it on every node, and placing it again changes nothing', async () => {
    await write('case/a', { v: 1 });
    const body = { mount: 'secret', path: 'case/' };
    assert.is((await node.call('POST', 'sys/ledger/holds/case-17', body)).status, 400);
    const placed = await node.call('POST', 'sys/ledger/holds/case-17', body, { headers: reason });
    assert.is(placed.status, 204, placed.text);
    const again = await node.call('POST', 'sys/ledger/holds/case-17', body, { headers: reason });
    assert.is(again.headers.get('x-tallystick-position'), null);
    const elsewhere = { mount: 'secret', path: 'elsewhere' };
    assert.is((await node.call('POST', 'sys/ledger/holds/case-17', elsewhere, { headers: reason })).status, 400);
    const [hold] = (await other.call('GET', 'sys/ledger/holds')).body.data.holds;
    assert.equal(
      [hold.name, hold.path, hold.reason, hold.placed_by.name],
      ['case-17', 'secret/case/', 'case 17', 'root'],
    );
  });

  test('refuses destroy and erase of what is under it, in clear words, on the other node too', async () => {
    for (const each of [node, other]) {
      const destroyed = await each.call('POST', 'secret/destroy/case/a', { versions: [1] });
      assert.is(destroyed.status, 409, destroyed.text);
      assert.match(destroyed.text, /legal hold case-17 covers it/);
      assert.is((await erase('case/a', each)).status, 409);
    }
    assert.is((await node.call('GET', 'secret/data/case/a')).status, 200);
  });

  test('stands when the server was sealed and starts again', async () => {
    await node.program.nexus.seal();
    assert.is((await node.call('POST', 'sys/unseal', { key: cluster.key })).body.sealed, false);
    assert.is((await node.call('POST', 'secret/destroy/case/a', { versions: [1] })).status, 409);
  });

  test('keeps its part of a larger scope, and the answer says which and why', async () => {
    await write('free', { v: 1 });
    const reply = await erase('');
    assert.is(reply.status, 200, reply.text);
    const { counts, kept } = reply.body.data;
    assert.equal([counts.erase, counts.held], [1, 1]);
    assert.is(kept[0].path, 'case/a');
    assert.match(kept[0].why, /until it is lifted/);
    assert.is((await node.call('GET', 'secret/data/free')).status, 404);
    assert.is((await node.call('GET', 'secret/data/case/a')).status, 200);
  });

  test('that is placed after a plan was made stops it', async () => {
    await write('late', { v: 1 });
    const plan = await planned('late');
    await other.call('POST', 'sys/ledger/holds/late', { mount: 'secret', path: 'late' }, { headers: reason });
    const reply = await apply(plan.plan_id);
    assert.is(reply.status, 409, reply.text);
    assert.is((await node.call('GET', 'secret/data/late')).status, 200);
  });

  test('racing a destroy on another node is before it or after it, never both', async () => {
    let both = 0;
    for (let i = 0; i < 8; i += 1) {
      await write(`race/${i}`, { v: i });
      const [held, destroyed] = await Promise.all([
        node.call('POST', `sys/ledger/holds/race-${i}`, { mount: 'secret', path: `race/${i}` }, { headers: reason }),
        other.call('POST', `secret/destroy/race/${i}`, { versions: [1] }),
      ]);
      assert.is(held.status, 204, held.text);
      const holdAt = Number(held.headers.get('x-tallystick-position'));
      if (destroyed.status === 409) assert.is((await node.call('GET', `secret/data/race/${i}`)).status, 200);
      else if (Number(destroyed.headers.get('x-tallystick-position')) > holdAt) both += 1;
    }
    assert.is(both, 0);
  });

  test('of the same name that somebody placed meanwhile is not lifted in its stead', async () => {
    const { session } = node.program.nexus;
    assert.ok(session);
    const { appender } = session;
    const submit = appender.submit.bind(appender);
    const place = (path: string) =>
      other.call('POST', 'sys/ledger/holds/twice', { mount: 'secret', path }, { headers: reason });
    const lift = (on: TestNode) => on.call('DELETE', 'sys/ledger/holds/twice');
    assert.is((await place('twice/first')).status, 204);
    appender.submit = async command => {
      appender.submit = submit;
      assert.equal([(await lift(other)).status, (await place('twice/second')).status], [204, 204]);
      return submit(command);
    };
    assert.is((await lift(node)).status, 503);
    const { holds } = (await node.call('GET', 'sys/ledger/holds')).body.data;
    assert.is(holds.find((hold: Json) => hold.name === 'twice')?.path, 'secret/twice/second');
    assert.is((await lift(node)).status, 204);
  });

  test('lets go when it is lifted, and a lifted hold is not there any more', async () => {
    const plan = await planned('case/');
    assert.is(plan.counts.held, 1);
    assert.is((await node.call('DELETE', 'sys/ledger/holds/case-17')).status, 204);
    assert.is((await apply(plan.plan_id)).status, 409, 'the plan kept what would go now');
    assert.is((await node.call('DELETE', 'sys/ledger/holds/case-17')).status, 404);
    assert.is((await erase('case/', other)).status, 200);
  });
});

describe('a retention rule', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
  });
  test.after(() => cluster.stop());

  const rule = (minimumAge: string) =>
    node.call('POST', 'sys/ledger/retention/books', { mount: 'secret', path: 'books/', minimum_age: minimumAge });

  test('refuses to destroy what is younger than it asks, and says until when', async () => {
    await write('books/2026', { v: 1 });
    assert.is((await rule('90d')).status, 204);
    const refused = await node.call('PUT', 'secret/destroy/books/2026', { versions: [1] });
    assert.is(refused.status, 409, refused.text);
    assert.match(refused.text, /retention rule books keeps it until 20\d\d-/);
    const plan = await planned('books/');
    assert.equal([plan.counts.retained, plan.keys], [1, 0]);
    const { rules } = (await node.call('GET', 'sys/ledger/retention')).body.data;
    assert.equal([rules[0].path, rules[0].minimum_age_seconds], ['secret/books/', 90 * 86_400]);
  });

  test('lets go what is old enough, and what it no longer covers', async () => {
    assert.is((await rule('1s')).status, 204);
    await new Promise(resolve => setTimeout(resolve, 1010));
    assert.is((await node.call('PUT', 'secret/destroy/books/2026', { versions: [1] })).status, 204);
    await write('books/2026', { v: 2 });
    await rule('90d');
    assert.is((await node.call('DELETE', 'sys/ledger/retention/books')).status, 204);
    assert.is((await erase('books/2026')).status, 200);
  });
});
