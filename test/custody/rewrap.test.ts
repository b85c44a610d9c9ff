/** Wrapping keys again beside whoever else uses them: nobody waits for it, and no key that was destroyed comes back. */
import type pg from 'pg';
import * as assert from 'uvu/assert';
import type { Term } from '../../src/domain/erasure/terms.js';
import { Pace } from '../../src/keys/pace.js';
import { rewrapPass } from '../../src/keys/rewrap.js';
import { IntegrityError } from '../../src/ledger/integrity.js';
import type { Session } from '../../src/nexus/session.js';
import { withTermLock } from '../../src/operations/terms/locks.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

const SECRETS = 60;

describe('wrapping keys again', test => {
  let cluster: TestCluster;
  let owner: pg.Client;
  const session = (): Session => {
    const { session: open } = cluster.node.program.nexus;
    if (open === null) throw new Error('the server is unsealed');
    return open;
  };
  const call = (method: string, path: string, body?: unknown) => cluster.node.call(method, path, body);
  const all = Array.from({ length: SECRETS }, (_, i) => `secret/data/r/${i}`);
  const termsOf = async (ids: readonly string[]): Promise<number[]> =>
    (await owner.query('select term from keys where key_id = any ($1) order by term', [ids])).rows.map(row => row.term);
  /** One pass of ours, while the server's own is kept from it. */
  const pass = async (
    damaged: (error: unknown) => void = error => assert.unreachable(String(error)),
  ): Promise<number> => {
    const { custody, ports } = session();
    const old = custody.keyring.livingTerms.filter(term => term !== custody.term);
    return rewrapPass(
      {
        ...{ runner: ports.runner, custody, pace: new Pace(() => 0), damaged },
        ...{ rewrapped: () => {}, going: () => true, erased: session().erased },
      },
      old,
    );
  };
  /** The next term is active, and nothing is wrapped again until `work` does it. */
  const afterRotation = async (work: () => Promise<void>): Promise<void> => {
    let got = false;
    while (!got)
      got =
        (await withTermLock(session().ports.runner, 'rewrap', async () => {
          assert.is((await call('POST', 'sys/rotate')).status, 204);
          await work();
          return true;
        })) ?? false;
  };

  test.before(async () => {
    cluster = await testCluster();
    owner = await cluster.db.client();
    for (const path of all) assert.is((await call('POST', path, { data: { path } })).status, 200);
  });
  test.after(() => cluster.stop());

  test('passes over a row that somebody holds, and takes it the next time', () =>
    afterRotation(async () => {
      const holder = await cluster.db.client();
      await holder.query('begin');
      try {
        const { rows } = await holder.query('select key_id, term from keys order by key_id limit 1 for update');
        const { rows: counted } = await owner.query('select count(*)::integer as n from keys');
        assert.is(await pass(), counted[0].n - 1, 'all but that one');
        assert.equal(await termsOf([rows[0].key_id]), [rows[0].term]);
      } finally {
        await holder.query('rollback');
      }
      assert.is(await pass(), 1, 'the one that was held');
    }));

  test('never inserts: what is destroyed between reading and writing stays destroyed', () =>
    afterRotation(async () => {
      const destroyed = all.slice(0, SECRETS / 2).map(path => path.replace('/data/', '/destroy/'));
      const [rows] = await Promise.all([pass(), ...destroyed.map(path => call('POST', path, { versions: [1] }))]);
      assert.ok(rows > 0);
      await pass();
      const { rows: left } = await owner.query('select count(*)::integer as n from keys where kind = 1');
      assert.is(left[0].n, SECRETS / 2);
      for (const [i, path] of all.entries())
        assert.is((await call('GET', path)).status, i < SECRETS / 2 ? 404 : 200, path);
    }));

  test('ends no term under which rows lie again, and wraps no key again that is destroyed', async () => {
    const [living, destroyed] = ['secret/data/living', 'secret/data/gone'];
    const keyOf = async (path: string) => {
      assert.is((await call('POST', path, { data: { path } })).status, 200);
      const { rows } = await owner.query(
        'select * from keys where key_id = (select key_id from events where key_id is not null order by position desc limit 1)',
      );
      return rows[0];
    };
    const ending = (backup_retention: string) =>
      call('POST', 'sys/rotate/config', { backup_retention, enabled: false });
    assert.is((await ending('1h')).status, 204);
    const kept = await keyOf(living);
    const gone = await keyOf(destroyed);
    assert.is((await call('PUT', 'secret/destroy/gone', { versions: [1] })).status, 204);
    assert.is((await call('POST', 'sys/rotate')).status, 204);
    const old = (): Term | null => session().authority.terms.get(kept.term);
    await until('everything is wrapped again', () => old()?.rewrappedAt !== null);
    // Somebody puts rows of a backup back.
    await owner.query('update keys set term = $2, wrapped = $3 where key_id = $1', [
      kept.key_id,
      kept.term,
      kept.wrapped,
    ]);
    await owner.query('insert into keys (key_id, kind, owner, term, wrapped) values ($1, $2, $3, $4, $5)', [
      gone.key_id,
      gone.kind,
      gone.owner,
      gone.term,
      gone.wrapped,
    ]);
    assert.is((await ending('0s')).status, 204);
    await until('the term ends', () => old()?.endedAt !== null);
    assert.equal(await termsOf([kept.key_id, gone.key_id]), [kept.term + 1]);
    assert.is((await call('GET', living)).status, 200);
  });

  test('leaves a row that does not open as it is, and says so', () =>
    afterRotation(async () => {
      await owner.query(
        `update keys set wrapped = set_byte(wrapped, 80, 255 - get_byte(wrapped, 80))
          where key_id = (select key_id from keys where kind = 1 limit 1)`,
      );
      const complaints: unknown[] = [];
      await pass(error => complaints.push(error));
      assert.is(complaints.length, 1);
      assert.instance(complaints[0], IntegrityError);
      assert.is(await pass(() => undefined), 0);
    }));

  test('puts a row that was made before the activation under the new term, at the head', async () => {
    const { custody } = session();
    const before = custody.wrap(
      '00000000-0000-4000-8000-000000000001',
      1,
      '00000000-0000-4000-8000-000000000002',
      Buffer.alloc(32, 7),
    );
    assert.is((await call('POST', 'sys/rotate')).status, 204);
    const after = custody.current(before);
    assert.is(after.term, custody.term);
    assert.is(after.term, before.term + 1);
    assert.equal(custody.unwrap(after), Buffer.alloc(32, 7));
    assert.is(custody.current(after), after, 'what lies under it already is left alone');
  });
});
