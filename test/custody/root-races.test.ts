/** A rotation of the root key whose answer is late, and two at the same moment: no process goes on under keys that are not the ledger's. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Failure } from '../../src/failure.js';
import { E, type Either } from '../../src/fp.js';
import { epochKeyRows } from '../../src/keys/store.js';
import { snapshotAt } from '../../src/nexus/snapshots.js';
import { type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

const PATH = 'sys/ledger/root-key';

describe('a rotation of the root key whose end is late, or another one’s', test => {
  let cluster: TestCluster;
  let other: TestNode;
  let share: string;

  const call = async (node: TestNode, path: string, body: object): Promise<Reply> => node.call('POST', path, body);
  const begun = async (node: TestNode): Promise<{ readonly nonce: string; readonly fresh: string }> => {
    const { nonce } = (await call(node, PATH, { drop: [], password: cluster.admin.password })).body.data;
    const [fresh] = (await call(node, `${PATH}/update`, { key: share, nonce })).body.data.keys;
    return { nonce, fresh };
  };
  const sessionOf = (node: TestNode) => {
    const { session } = node.program.nexus;
    if (session === null) throw new Error('the node is sealed');
    return session;
  };
  /** What is submitted once a new root key is expected waits for `before`, and is answered with what `after` makes of it. */
  const withLastStep = (
    { roots, appender }: ReturnType<typeof sessionOf>,
    before: () => Promise<void>,
    after: (answer: Either<Failure, unknown>) => Either<Failure, never> | null,
  ): void => {
    const [expect, submit] = [roots.expect.bind(roots), appender.submit.bind(appender)];
    let expecting = false;
    roots.expect = next => {
      [expecting, roots.expect] = [true, expect];
      expect(next);
    };
    appender.submit = async command => {
      if (!expecting) return submit(command);
      [expecting, appender.submit] = [false, submit];
      await before();
      const answer = await submit(command);
      return after(answer) ?? answer;
    };
  };

  test.before(async () => {
    cluster = await testCluster();
    share = cluster.key;
    const erasureKey = `file:${join(cluster.node.folder, 'erasure-keys')}`;
    other = await cluster.newNode({ settings: { erasureKey } });
    await call(cluster.node, 'secret/data/a', { data: { n: 1 } });
  });
  test.after(() => cluster.stop());

  test('is taken over where the answer only says that nobody knows, and its keys stay', async () => {
    const { node } = cluster;
    const { nonce, fresh } = await begun(node);
    const session = sessionOf(node);
    withLastStep(
      session,
      async () => undefined,
      () => E.left({ kind: 'timeout', during: 'asking what became of a commit' }),
    );
    const answer = await call(node, `${PATH}/update`, { key: fresh, nonce });
    assert.ok(answer.status >= 500, answer.text);
    assert.is(session.custody.keyring.rootGeneration, 2);
    for (const { bytes } of session.custody.keyring.entries) assert.not.equal(bytes, Buffer.alloc(32));
    share = fresh;
    const written = await call(node, 'secret/data/b', { data: { n: 2 } });
    assert.is(written.status, 200, written.text);
    await until('the other one notices', () => other.program.nexus.session === null);
    assert.is((await other.call('POST', 'sys/unseal', { key: share })).body.sealed, false);
    assert.is((await other.call('GET', 'secret/data/b')).body.data.data.n, 2);
  });

  test('does not take its own root key for the one that another node’s rotation recorded', async () => {
    const { node } = cluster;
    await node.call('DELETE', PATH);
    const [mine, theirs] = [await begun(node), await begun(other)];
    withLastStep(
      sessionOf(node),
      async () => {
        const done = await call(other, `${PATH}/update`, { key: theirs.fresh, nonce: theirs.nonce });
        assert.is(done.status, 200, done.text);
      },
      () => null,
    );
    const answer = await call(node, `${PATH}/update`, { key: mine.fresh, nonce: mine.nonce });
    assert.ok(answer.status >= 500, answer.text);
    await call(node, 'secret/data/c', { data: { n: 3 } });
    share = theirs.fresh;
    const read = await other.call('GET', 'secret/data/b');
    assert.is(read.status, 200, read.text);
    assert.is((await call(other, 'secret/data/d', { data: { n: 4 } })).status, 200);
    await until('it is sealed', () => node.program.nexus.session === null);
    assert.match(node.program.nexus.degraded.join(), /root key was rotated elsewhere/);
    assert.is((await node.call('POST', 'sys/unseal', { key: share })).body.sealed, false);
    assert.is((await node.call('GET', 'secret/data/d')).body.data.data.n, 4);
  });

  test('leaves a snapshot that opens, where a header epoch is retired in the middle of it', async () => {
    const { node } = cluster;
    const session = sessionOf(node);
    /** Each rotation of the root key asks for one; wrapping keys again changes the key store, too. */
    const termFollows = (): Promise<void> =>
      until('a new term is in use, and every key lies under it', () => {
        const { terms, keystore, rotations } = session.authority;
        const preparedAt = terms.get(keystore?.term ?? 0)?.preparedAt ?? 0;
        const open = terms.all.some(({ followedAt, rewrappedAt }) => followedAt !== null && rewrappedAt === null);
        return terms.prepared === null && !open && preparedAt > (rotations.at(-1)?.recordedAt ?? 0);
      });
    const retire = async (): Promise<Reply> => call(node, 'sys/ledger/epochs/retire', {});
    const give = ({ nonce, fresh }: { readonly nonce: string; readonly fresh: string }): Promise<Reply> =>
      call(node, `${PATH}/update`, { key: fresh, nonce });
    const beginning = async (): Promise<void> => {
      const { authority, custody, ports } = session;
      assert.ok(authority.base);
      assert.ok(await snapshotAt(ports.runner, custody, authority.base), 'what a start can begin with');
    };
    // No term is to wait for it.
    await other.stop();
    const owner = await cluster.db.client();
    await owner.query('delete from nodes');
    await call(node, 'sys/ledger/epochs', { keep: '0s' });
    await termFollows();
    const { nonce, fresh } = await begun(node);
    withLastStep(
      session,
      async () => {
        const retired = await retire();
        assert.is(retired.status, 200, retired.text);
      },
      () => null,
    );
    const outdated = await give({ nonce, fresh });
    await beginning();
    assert.is(outdated.status, 503, outdated.text);
    assert.is((await give({ nonce, fresh })).status, 200);
    share = fresh;
    await beginning();

    // And the other way round: its snapshot is under the key of before, and newer than that of the rotation.
    await termFollows();
    const next = await begun(node);
    let [release, reached] = [(): void => undefined, false];
    const gate = new Promise<void>(resolve => (release = resolve));
    withLastStep(
      session,
      () => {
        reached = true;
        return gate;
      },
      () => null,
    );
    const rotating = give(next);
    await until('it is about to be recorded', () => reached);
    const { runner } = session.ports;
    const run = runner.run.bind(runner);
    runner.run = async (query, values) => {
      if (query.name === epochKeyRows.name) {
        runner.run = run;
        release();
        await rotating;
      }
      return run(query, values);
    };
    const late = await retire();
    assert.is((await rotating).status, 200);
    await beginning();
    assert.is(late.status, 503, late.text);
    assert.is((await retire()).status, 200);
    await beginning();
    share = next.fresh;
    await node.program.nexus.seal();
    assert.is((await node.call('POST', 'sys/unseal', { key: share })).body.sealed, false);
  });
});
