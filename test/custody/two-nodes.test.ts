/** The key store changed by one node, then by another: neither works with, or writes, what the other has replaced. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { nodeReportMac } from '../../src/crypto/node-report-mac.js';
import { type Json, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

describe('two nodes that change the key store', test => {
  let cluster: TestCluster;
  test.before(async () => {
    cluster = await testCluster();
  });
  test.after(() => cluster.stop());

  test('take turns: each has the newest keyring before it makes the next', async () => {
    const other = await cluster.newNode();
    const nodes = [cluster.node, other, cluster.node, other];
    for (const [i, node] of nodes.entries()) {
      const password = `six words that nobody guesses ${i}`;
      const added = await node.call('POST', `auth/userpass/users/person-${i}`, { password, policies: 'root' });
      assert.is(added.status, 204, added.text);
      // A request of any kind folds authority, and with it follows the keyring.
      for (const each of [cluster.node, other])
        assert.is((await each.call('GET', 'auth/token/lookup-self')).status, 200);
    }
    const generations = [cluster.node, other].map(node => {
      const { session } = node.program.nexus;
      return [session?.custody.keyring.generation, session?.authority.keystore?.generation];
    });
    assert.equal(generations, [
      [5, 5],
      [5, 5],
    ]);
    const third = await cluster.newNode();
    assert.is((await third.call('GET', 'sys/health')).status, 200);
  });

  test('notice a keyring that is older than the ledger says', async () => {
    const owner = await cluster.db.client();
    const other = await cluster.newNode();
    const old = await owner.query('select generation, box from keyring');
    const password = 'six words that nobody guesses again';
    assert.is(
      (await cluster.node.call('POST', 'auth/userpass/users/late', { password, policies: 'root' })).status,
      204,
    );
    const [row] = old.rows;
    await owner.query('update keyring set generation = $1, box = $2', [row.generation, row.box]);
    const reply = await other.call('GET', 'auth/token/lookup-self');
    assert.is(reply.status, 500, reply.text);
    assert.ok(
      other.log.some(line => line.includes('keyring')),
      'the log names it',
    );
  });
});

describe('two nodes, each with erasure keys of its own', test => {
  let cluster: TestCluster;
  test.before(async () => {
    cluster = await testCluster();
  });
  test.after(() => cluster.stop());

  test('begin no term that one of them could not open, and say which one lacks its key', async () => {
    const other = await cluster.newNode();
    const { node } = cluster;
    assert.is((await node.call('POST', 'secret/data/a', { data: { v: 1 } })).status, 200);
    const refused = await node.call('PUT', 'sys/rotate');
    assert.is(refused.status, 400);
    assert.match(refused.body.errors[0], /term 2 waits for \S+: its erasure key is not there yet/);
    assert.is((await node.call('GET', 'sys/key-status')).body.term, 1);
    await until('the other says it itself', async () =>
      /erasure key of term 2 is not in file:/.test((await other.call('GET', 'sys/health')).text),
    );

    // What only this node had is lost, before anything lay under it: the next rotation does not wait for it.
    const file = join(node.folder, 'erasure-keys');
    writeFileSync(file, `${readFileSync(file, 'utf8').split('\n')[0]}\n`);
    await node.program.nexus.seal();
    assert.is((await node.call('POST', 'sys/unseal', { key: cluster.key })).status, 200);
    const next = await node.call('PUT', 'sys/rotate');
    assert.match(next.body.errors[0], /term 3 waits for \S+: its erasure key is not there yet/);

    const [, line = ''] = readFileSync(file, 'utf8').split('\n');
    appendFileSync(join(other.folder, 'erasure-keys'), `${line}\n`);
    await until('term 3 is active', async () => (await node.call('GET', 'sys/key-status')).body.term === 3);
    for (const each of [node, other]) {
      assert.is((await each.call('POST', 'secret/data/a', { data: { v: 2 } })).status, 200);
      assert.is((await each.call('GET', 'secret/data/a?version=1')).body.data.data.v, 1);
    }
    await until('nothing is missing', async () => !/erasure key/.test((await other.call('GET', 'sys/health')).text));
  });

  test('call no copy of an ended term gone because a row says so that no node wrote', async () => {
    const { node } = cluster;
    const away = await cluster.newNode({ settings: { node: 'away' } });
    const owner = await cluster.db.client();
    const row = async () =>
      (await owner.query(`select process, holds, keeps, told, mac from nodes where node = 'away'`)).rows[0];
    await until('it has said what it keeps', async () => (await row())?.keeps.length > 0);
    const before = await row();
    await away.stop();
    assert.is((await node.call('POST', 'sys/rotate/config', { backup_retention: '0s' })).status, 204);
    const first = async (): Promise<Json> => (await node.call('GET', 'sys/ledger/keys')).body.data.terms[0];
    await until('term 1 has ended', async () => (await first()).state === 'ended');
    const goneAt = async (): Promise<Json> =>
      (await first()).copies.find(({ holder }: Json) => holder === 'away')?.gone;
    const says = (keeps: readonly number[], told: number, mac: Buffer) =>
      owner.query(`update nodes set keeps = $1, told = $2, mac = $3, seen_at = clock_timestamp() where node = 'away'`, [
        ...[keeps, told, mac],
      ]);
    assert.is(await goneAt(), null, 'it is silent, and keeps it');
    await says([], before.told + 60_000_000_000, before.mac);
    assert.is(await goneAt(), null, 'a forged report');
    const { session } = node.program.nexus;
    assert.ok(session);
    const { custody, known } = session;
    const genuine = (told: number): Buffer =>
      nodeReportMac(custody.rowKey(custody.epoch) ?? Buffer.alloc(0), custody.ledger, {
        ...{ process: before.process, node: 'away', holds: new Map(), keeps: [], ended: true, told },
      });
    await says([], before.told, genuine(before.told));
    assert.is(await goneAt(), null, 'a genuine report of before the end');
    const since = known.head.lastRecordedAt;
    await says([], since, genuine(since));
    assert.type(await goneAt(), 'string', 'a genuine one of after it');
    await owner.query(`delete from nodes where node = 'away'`);
    assert.is(await goneAt(), null, 'no report');
    await owner.query(
      `insert into nodes (process, node, holds, keeps, ended) values (gen_random_uuid(), 'away', '["?"]', '{}', true)`,
    );
    assert.is(await goneAt(), null, 'a row that no program wrote');
  });
});

describe('two nodes that change slots at the same moment', test => {
  let cluster: TestCluster;
  test.before(async () => {
    cluster = await testCluster();
  });
  test.after(() => cluster.stop());

  test('cannot remove the last two slots at once, nor give one name twice', async () => {
    const other = await cluster.newNode();
    const nodes = [cluster.node, other];
    const slots = async (): Promise<Json[]> => (await other.call('GET', 'sys/ledger/slots')).body.data.slots;
    const asked = { kind: 'key-file', name: 'twin' };
    const twins = await Promise.all([...nodes, ...nodes].map(node => node.call('POST', 'sys/ledger/slots', asked)));
    assert.is(twins.filter(({ status }) => status === 200).length, 1);
    const [first, second, ...more] = await slots();
    for (const { id } of more) assert.is((await other.call('DELETE', `sys/ledger/slots/${id}`)).status, 204);
    const replies = await Promise.all(
      [first, second].map(({ id }, i) => nodes[i]?.call('DELETE', `sys/ledger/slots/${id}`)),
    );
    const done = replies.filter(reply => reply?.status === 204);
    assert.is(done.length, 1, replies.map(reply => reply?.text).join());
    assert.is((await slots()).length, 1);
  });
});
