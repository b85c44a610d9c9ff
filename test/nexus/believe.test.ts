/** A ledger that others change while a node is being unsealed: what they record is no tampering, and hides none. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { withMeanwhile } from '../support/meanwhile.js';
import { standing } from '../support/standing.js';
import { until } from '../support/until.js';

describe('a node that is being unsealed', test => {
  let cluster: TestCluster;
  let other: TestNode;

  /** The snapshots are looked for after slots and keyring were read, and before lane 1 is. */
  const unsealed = (key: string, meanwhile: () => Promise<void>) =>
    withMeanwhile(cluster.db, 'snapshots', () => other.call('POST', 'sys/unseal', { key }), meanwhile);
  const done = async (method: string, path: string, fields: object): Promise<Json> => {
    const reply = await cluster.node.call(method, path, fields);
    assert.ok(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
    return reply.body;
  };

  test.before(async () => {
    cluster = await testCluster();
    const erasureKey = `file:${join(cluster.node.folder, 'erasure-keys')}`;
    other = await cluster.newNode({ unseal: false, settings: { erasureKey } });
  });
  test.after(() => cluster.stop());

  test('takes what another one changes meanwhile in the keyring, in the slots, and in both', async () => {
    const mount = async (path: string) => void (await done('POST', `sys/mounts/${path}`, { type: 'kv-v2' }));
    const person = async (name: string) =>
      void (await done('POST', `auth/userpass/users/${name}`, {
        password: 'six words that nobody guesses',
        policies: 'root',
      }));
    const changes: readonly (() => Promise<void>)[] = [
      () => mount('one'),
      () => person('ann'),
      async () => {
        await mount('two');
        await person('bob');
        await done('POST', 'secret/data/a', { data: { v: 1 } });
      },
    ];
    for (const change of changes) {
      const reply = await unsealed(cluster.key, change);
      assert.is(reply.status, 200, reply.text);
      assert.is((await other.call('POST', 'one/data/a', { data: { v: 1 } })).status, 200);
      assert.is((await other.call('PUT', 'sys/seal')).status, 204);
    }
  });

  test('is not opened by a slot that was removed, put back by hand, and gone again before it is compared', async () => {
    const { key, id } = (await done('POST', 'sys/ledger/slots', { kind: 'key-file', name: 'former' })).data;
    const sql = await cluster.db.client();
    const [row] = (await sql.query('select * from slots where slot_id = $1', [id])).rows;
    await done('DELETE', 'sys/ledger/slots/former', {});
    await sql.query('insert into slots (slot_id, record) values ($1, $2)', [row.slot_id, row.record]);
    const reply = await unsealed(key, async () => void (await sql.query('delete from slots where slot_id = $1', [id])));
    assert.is(reply.status, 500, reply.text);
    assert.match(other.program.nexus.degraded.join(), /an old slot was put back/);
    assert.is((await other.call('POST', 'sys/unseal', { key: cluster.key })).status, 200);
  });

  const term = (): number => cluster.node.program.nexus.session?.authority.keystore?.term ?? 0;
  const newTerm = async (): Promise<void> => {
    const before = term();
    await done('POST', 'sys/ledger/keys/rotate', {});
    assert.is(term(), before + 1);
  };
  /** And its header key can be had by nothing but its own erasure key, and is needed. */
  const newTermInUse = async (mount: string): Promise<void> => {
    await newTerm();
    await until('every key lies under it', () => {
      const before = cluster.node.program.nexus.session?.authority.terms.get(term() - 1);
      return typeof before?.rewrappedAt === 'number';
    });
    await done('POST', `sys/mounts/${mount}`, { type: 'kv-v2' });
  };

  test('takes a term that another one begins meanwhile, whether anything lies under it yet or everything', async () => {
    assert.is((await other.call('PUT', 'sys/seal')).status, 204);
    for (const change of [newTerm, () => newTermInUse('three')]) {
      const reply = await unsealed(cluster.key, change);
      assert.is(reply.status, 200, reply.text);
      const written = await other.call('POST', 'secret/data/a', { data: { v: 1 } });
      assert.is(written.status, 200, written.text);
      assert.is((await other.call('PUT', 'sys/seal')).status, 204);
    }
  });

  test('is refused by name without the header key of an epoch, whatever another one appends meanwhile', async () => {
    const sql = await cluster.db.client();
    await sql.query('create table lost as select * from keys where kind = 6');
    await sql.query('delete from keys where kind = 6');
    const reply = await unsealed(
      cluster.key,
      async () => void (await done('POST', 'sys/mounts/four', { type: 'kv-v2' })),
    );
    assert.is(reply.status, 500, reply.text);
    assert.match(other.program.nexus.degraded.join(), /the header key of epoch 1 is gone \(retired, or lost\)/);
    await sql.query('insert into keys select * from lost');
    assert.is((await other.call('POST', 'sys/unseal', { key: cluster.key })).status, 200);
  });

  test('and then silent, so that nobody waits for it, follows what was begun and sealed without it', async () => {
    const { session } = other.program.nexus;
    assert.ok(session);
    if (session === null) return;
    await standing(session, async () => {
      const sql = await cluster.db.client();
      await sql.query('delete from nodes where process = $1', [session.presence.process]);
      await newTermInUse('five');
      assert.is(session.custody.term, term() - 1);
    });
    const reply = await other.call('POST', 'five/data/a', { data: { v: 1 } });
    assert.is(reply.status, 200, reply.text);
    assert.is(session.custody.term, term());
  });

  test('takes header epochs that are opened and retired before it has looked at everything', async () => {
    assert.is((await other.call('PUT', 'sys/seal')).status, 204);
    const { writer } = other.program.nexus.ports.database;
    const { run } = writer;
    writer.run = async (query, values) => {
      const rows = await run(query, values);
      // Which keys and which snapshots there are is known to it by now.
      if (query.name !== 'snapshots_complete') return rows;
      writer.run = run;
      await done('POST', 'sys/ledger/epochs', { keep: '0s' });
      await newTerm();
      await newTerm();
      assert.is((await done('POST', 'sys/ledger/epochs/retire', {})).data.retired, true);
      return rows;
    };
    const reply = await other.call('POST', 'sys/unseal', { key: cluster.key });
    assert.is(reply.status, 200, reply.text);
    assert.ok(
      (other.program.nexus.session?.authority.base ?? 0) > 0,
      'it begins with the snapshot that stands for them',
    );
    const written = await other.call('POST', 'secret/data/a', { data: { v: 1 } });
    assert.is(written.status, 200, written.text);
  });
});
