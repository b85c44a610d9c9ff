/** The root key rotated while a server serves: what ends with the old one, and what lives on. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { SLOT_QUEUE } from '../../src/crypto/argon2.js';
import { keyCopy } from '../../src/crypto/bytes.js';
import { rowMac } from '../../src/crypto/event-hash.js';
import { frontierBytes } from '../../src/crypto/merkle.js';
import { nodeReportMac } from '../../src/crypto/node-report-mac.js';
import { randomUuid4 } from '../../src/crypto/random.js';
import { exportOnce } from '../../src/key-export/keeper.js';
import { KeyringKind } from '../../src/keys/key-kinds.js';
import { newKeyFileSlot } from '../../src/keys/slots.js';
import { authenticate, leafOf } from '../../src/ledger/event.js';
import { believeHead, macOf } from '../../src/ledger/head.js';
import { IntegrityError } from '../../src/ledger/integrity.js';
import { authorityTailAfter } from '../../src/ledger/known.js';
import { nodeReports } from '../../src/nexus/node-report.js';
import { changeKeystore } from '../../src/operations/custody/keystore-change.js';
import { systemActor } from '../../src/operations/terms/steps.js';
import { tally } from '../cli/support/tally.js';
import { type Json, type Reply, startNode, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { dumpLedger, restoreDump } from '../support/copy-ledger.js';
import { describe } from '../support/describe.js';
import { withMeanwhile } from '../support/meanwhile.js';
import { until } from '../support/until.js';

const PATH = 'sys/ledger/root-key';
const BOB = 'another lantern copper violin';

describe('a rotation of the root key', test => {
  let cluster: TestCluster;
  let node: TestNode;
  let keyFile: string;
  /** One share of one, as it is handed out last. */
  let share: string;

  const ok = async (reply: Promise<Reply>, status = 200): Promise<Json> => {
    const { status: answered, text, body } = await reply;
    assert.is(answered, status, text);
    return body;
  };
  const refused = async (reply: Promise<Reply>, words: RegExp): Promise<void> => {
    const { status, text } = await reply;
    assert.is(status, 400, text);
    assert.match(text, words);
  };
  const give = (key: string, nonce: string): Promise<Reply> => node.call('POST', `${PATH}/update`, { key, nonce });
  const session = (of: TestNode) => {
    const { session } = of.program.nexus;
    if (session === null) throw new Error('the node is sealed');
    return session;
  };
  const slots = async (): Promise<readonly Json[]> => (await ok(node.call('GET', 'sys/ledger/slots'))).data.slots;
  const start = async (): Promise<string> =>
    (await ok(node.call('POST', PATH, { password: cluster.admin.password, key_file: keyFile, drop: ['bob'] }))).data
      .nonce;

  test.before(async () => {
    cluster = await testCluster();
    ({ node, key: share } = cluster);
    await ok(node.call('POST', 'auth/userpass/users/bob', { password: BOB, policies: 'root' }), 204);
    keyFile = (await ok(node.call('POST', 'sys/ledger/slots', { kind: 'key-file', name: 'machine' }))).data.key;
    await ok(node.call('POST', 'secret/data/a', { data: { n: 1 } }));
  });
  test.after(() => cluster.stop());

  test('names every slot that would be lost, and does nothing', async () => {
    await refused(
      node.call('POST', PATH, { password: cluster.admin.password }),
      /nothing was changed.*opens (?=.*bob \(password\))(?=.*machine \(key-file\))/,
    );
    await refused(
      node.call('POST', PATH, { password: 'no such password at all', drop: ['bob'] }),
      /no slot that stays/,
    );
    await refused(node.call('POST', PATH, { drop: ['nobody'] }), /no slot of a name/);
    const all = (await slots()).map(({ id }) => id);
    await refused(node.call('POST', PATH, { drop: all }), /a slot has to stay/);
    assert.is((await ok(node.call('GET', PATH))).data.started, false);
    assert.is(session(node).custody.keyring.rootGeneration, 1);
    const { client_token: token } = (await ok(node.call('POST', 'auth/token/create', { policies: ['default'] }))).auth;
    assert.is((await node.call('POST', PATH, {}, { token })).status, 403);
  });

  test('changes nothing until the new shares were given back', async () => {
    const nonce = await start();
    await refused(give(share, '00000000-0000-4000-8000-000000000000'), /incorrect nonce/);
    await refused(give('ab'.repeat(32), nonce), /does not open its slot/);
    const made = (await ok(give(share, nonce))).data;
    assert.equal([made.stage, made.keys.length, made.dropped], ['verify', 1, ['bob']]);
    await refused(give(share, nonce), /does not open its slot/);
    assert.is(session(node).custody.keyring.rootGeneration, 1);
    await ok(node.call('DELETE', PATH), 204);
    await node.program.nexus.seal();
    await ok(node.call('POST', 'sys/unseal', { key: share }));
  });

  test('never leaves a slot behind that was added while it was planned', async () => {
    let goOn = (): void => undefined;
    const standing = SLOT_QUEUE.run(() => new Promise<void>(resolve => (goOn = resolve)));
    // What is planned has read the slots by then, and waits for a turn to try the password.
    let read = (): void => undefined;
    const reading = new Promise<void>(resolve => (read = resolve));
    const starting = withMeanwhile(cluster.db, 'slots', start, async () => read());
    await reading;
    await ok(node.call('POST', 'sys/ledger/slots', { kind: 'key-file', name: 'late' }));
    goOn();
    await standing;
    const nonce = await starting;
    const [fresh = ''] = (await ok(give(share, nonce))).data.keys;
    await refused(give(fresh, nonce), /the slots were changed meanwhile/);
    await ok(node.call('DELETE', PATH), 204);
    await ok(node.call('DELETE', 'sys/ledger/slots/late'), 204);
  });

  test('happens under load, and everything that was made before is known and readable', async () => {
    const { client_token: token } = (await ok(node.call('POST', 'auth/token/create', { policies: ['root'] }))).auth;
    const batch = (await ok(node.call('POST', 'auth/token/create', { type: 'batch', policies: ['default'] }))).auth
      .client_token;
    const once = { headers: { 'idempotency-key': 'the-same' } };
    const first = (await ok(node.call('POST', 'secret/data/once', { data: { n: 1 } }, once))).data.version;
    await ok(node.call('POST', 'sys/auth/approle', { type: 'approle' }), 204);
    await ok(node.call('POST', 'auth/approle/role/ci', { token_policies: 'default' }), 204);
    const { role_id } = (await ok(node.call('GET', 'auth/approle/role/ci/role-id'))).data;
    const { secret_id } = (await ok(node.call('POST', 'auth/approle/role/ci/secret-id'))).data;
    const oldTerm = session(node).authority.keystore?.term ?? 0;

    const answers: number[] = [];
    let going = true;
    const load = Array.from({ length: 4 }, async (_, worker) => {
      for (let n = 0; going; n += 1) {
        answers.push((await node.call('POST', `secret/data/load/${worker}`, { data: { n } })).status);
        answers.push((await node.call('GET', `secret/data/load/${worker}`)).status);
      }
    });
    const nonce = await start();
    const [fresh = ''] = (await ok(give(share, nonce))).data.keys;
    const done = (await ok(give(fresh, nonce))).data;
    assert.equal([done.complete, done.root_generation, done.dropped], [true, 2, ['bob']]);
    share = fresh;
    await until('the term is rotated', () => (session(node).authority.keystore?.term ?? 0) > oldTerm);
    going = false;
    await Promise.all(load);
    assert.ok(answers.length > 20);
    assert.equal(
      answers.filter(status => status !== 200),
      [],
    );

    assert.is((await node.call('GET', 'auth/token/lookup-self', undefined, { token })).status, 200);
    assert.is((await node.call('GET', 'auth/token/lookup-self', undefined, { token: batch })).status, 403);
    assert.is((await ok(node.call('POST', 'secret/data/once', { data: { n: 1 } }, once))).data.version, first);
    await ok(node.call('POST', 'auth/approle/login', { role_id, secret_id }));
    assert.is((await ok(node.call('GET', 'secret/data/a'))).data.data.n, 1);
    const types = (await ok(node.call('GET', 'sys/ledger/events?type=checkpoint.key'))).data;
    assert.is(types.events.length, 1, JSON.stringify(types));
  });

  test('ends what opened the ledger before, and what was dropped', async () => {
    const generations = (await slots()).map(({ root_generation }) => root_generation);
    assert.equal(new Set(generations), new Set([2]));
    const opens = async (body: object): Promise<boolean> => {
      await node.program.nexus.seal();
      node.program.nexus.attempts.succeeded('unseal address 127.0.0.1');
      const reply = await node.call('POST', 'sys/unseal', body);
      return reply.status === 200 && reply.body.sealed === false;
    };
    assert.is(await opens({ key: cluster.key }), false);
    assert.is(await opens({ name: 'bob', password: BOB }), false);
    assert.is(await opens({ name: cluster.admin.name, password: cluster.admin.password }), true);
    assert.is(await opens({ key: keyFile }), true);
    assert.is(await opens({ key: share }), true);
    assert.ok(session(node).snapshotCount > 0, 'it begins with the snapshot under the new key');
    assert.is((await node.call('POST', 'auth/userpass/login/bob', { password: BOB })).status, 400);
  });
});

describe('after a rotation of the root key', test => {
  let cluster: TestCluster;
  let before: Awaited<ReturnType<typeof dumpLedger>>;
  let oldRowKey: Buffer;
  let other: TestNode;

  const rotate = async (share: string): Promise<string> => {
    const call = async (path: string, body: object): Promise<Json> => {
      const reply = await cluster.node.call('POST', path, body);
      assert.is(reply.status, 200, reply.text);
      return reply.body.data;
    };
    const { nonce } = await call(PATH, { drop: [cluster.admin.name] });
    const [fresh] = (await call(`${PATH}/update`, { key: share, nonce })).keys;
    assert.is((await call(`${PATH}/update`, { key: fresh, nonce })).complete, true);
    return fresh;
  };
  let share: string;
  const home = mkdtempSync(join(tmpdir(), 'tallystick-root-key-'));
  /** A folder with the erasure keys of the cluster's node. */
  const machine = (): string => {
    const data = mkdtempSync(join(home, 'machine-'));
    copyFileSync(join(cluster.node.folder, 'erasure-keys'), join(data, 'erasure-keys'));
    return data;
  };

  test.before(async () => {
    cluster = await testCluster();
    other = await cluster.newNode();
    await cluster.node.call('POST', 'secret/data/a', { data: { n: 1 } });
    before = await dumpLedger(cluster.db);
    oldRowKey = Buffer.from(
      cluster.node.program.nexus.session?.custody.keyring.entries.find(({ kind }) => kind === KeyringKind.row)?.bytes ??
        [],
    );
    share = await rotate(cluster.key);
  });
  test.after(async () => {
    await cluster.stop();
    rmSync(home, { recursive: true, force: true });
  });

  test('another node is sealed, says why, and serves again when it is given the new share', async () => {
    await until('it notices', async () => (await other.call('GET', 'secret/data/a')).status === 503);
    await until('it is sealed', () => other.program.nexus.session === null);
    assert.match(other.program.nexus.degraded.join(), /root key was rotated elsewhere/);
    assert.is((await other.call('POST', 'sys/unseal', { key: cluster.key })).status, 400);
    const opened = await other.call('POST', 'sys/unseal', { key: share });
    assert.is(opened.body.sealed, false, opened.text);
    assert.is((await other.call('POST', 'secret/data/b', { data: { n: 2 } })).status, 200);
    assert.is((await cluster.node.call('GET', 'secret/data/b')).body.data.data.n, 2);
  });

  test('an old copy of the database is opened by what opened it then: that is what rotation does not help against', async () => {
    const db = await restoreDump(before);
    const node = await startNode(db, machine(), () => cluster.rootToken, {});
    try {
      assert.is((await node.call('POST', 'sys/unseal', { key: cluster.key })).body.sealed, false);
      assert.is((await node.call('GET', 'secret/data/a')).body.data.data.n, 1);
    } finally {
      await node.stop();
      await db.drop();
    }
  });

  test('an older database and an export from after it are recovered together, under the new root key', async () => {
    const { session } = cluster.node.program.nexus;
    assert.ok(session);
    const from = join(home, 'export');
    await exportOnce(session, { kind: 'folder', path: from });
    const [db, data] = [await restoreDump(before), machine()];
    const args = ['operator', 'recover', '--from', from, '--data', data, '--accept-older-database'];
    const ran = await tally(args, { home, env: { DATABASE_URL: db.url } });
    assert.is(ran.code, 0, ran.stderr);
    const node = await startNode(db, data, () => cluster.rootToken, {});
    try {
      assert.is((await node.call('POST', 'sys/unseal', { key: cluster.key })).status, 400);
      const accepted = await node.call('POST', 'sys/unseal', { key: share, accept_rollback: true });
      assert.is(accepted.body.sealed, false, accepted.text);
      assert.is((await node.call('GET', 'secret/data/a')).body.data.data.n, 1);
      assert.is((await node.call('POST', 'secret/data/c', { data: {} })).status, 200);
      assert.is(node.program.nexus.session?.authority.rootGeneration, 2);
      await node.program.nexus.seal();
      assert.is((await node.call('POST', 'sys/unseal', { key: share })).body.sealed, false);
    } finally {
      await node.stop();
      await db.drop();
    }
  });

  test('an old slot that is put back by hand is refused by name', async () => {
    const owner = await cluster.db.client();
    const now = (await owner.query('select slot_id from slots')).rows.map(({ slot_id }) => slot_id);
    await owner.query('insert into slots select * from json_populate_recordset(null::slots, $1)', [
      before.get('slots'),
    ]);
    await cluster.node.program.nexus.seal();
    const reply = await cluster.node.call('POST', 'sys/unseal', { key: share });
    assert.is(reply.status, 500, reply.text);
    assert.match(cluster.node.program.nexus.degraded.join(), /old slot was put back/);
    const old = await cluster.node.call('POST', 'sys/unseal', { key: cluster.key });
    assert.is(old.status, 500, old.text);
    assert.match(cluster.node.program.nexus.degraded.join(), /is of root key 1, others are of root key 2/);
    await owner.query('delete from slots where slot_id <> all ($1)', [now]);
    assert.is((await cluster.node.call('POST', 'sys/unseal', { key: share })).body.sealed, false);
  });

  test('a slot that was made while it happened is not recorded: it holds the root key of before', async () => {
    const { session } = cluster.node.program.nexus;
    assert.ok(session);
    await session.catchUp();
    const slot = newKeyFileSlot(
      session.custody.ledger,
      { key: Buffer.alloc(32, 1), generation: 1 },
      Buffer.alloc(32, 2),
    );
    const change = { change: 'slot-added', slots: { add: [{ slot, owner: { name: 'late', entity: null } }] } };
    const failure = await changeKeystore(session, systemActor(session, 'operator.slot-add'), change).catch(
      error => error.failure,
    );
    assert.equal(failure, { kind: 'busy', retryAfterSeconds: 1 });
    assert.is(session.authority.slotNamed('late'), null);
  });

  test('a root key that is told again, or does not open the keyring, is not kept', async () => {
    const { session } = cluster.node.program.nexus;
    assert.ok(session);
    const { custody, roots } = session;
    const { rootGeneration: generation } = custody.keyring;
    const [again, wrong] = [keyCopy(custody.rootKey), Buffer.alloc(32, 1)];
    await roots.told({ key: again, generation });
    const refused = await roots.told({ key: wrong, generation: generation + 1 }).catch((error: unknown) => error);
    assert.instance(refused, IntegrityError);
    assert.equal([again, wrong], [Buffer.alloc(32), Buffer.alloc(32)]);
    assert.is((await cluster.node.call('GET', 'secret/data/a')).body.data.data.n, 1);
  });

  test('who has the old row key speaks for no node of after it', async () => {
    const { session } = cluster.node.program.nexus;
    assert.ok(session);
    const { custody, known, ports, authority } = session;
    const [rotation] = authority.rotations;
    assert.ok(rotation && known.head.lastRecordedAt > rotation.recordedAt);
    const owner = await cluster.db.client();
    const heard = async (told: number): Promise<boolean> => {
      const words = { process: randomUuid4(), node: 'elsewhere', holds: new Map(), keeps: [], ended: true, told };
      const mac = nodeReportMac(oldRowKey, custody.ledger, words);
      await owner.query(
        `insert into nodes (process, node, holds, keeps, ended, told, mac) values ($1, $2, '[]', '{}', true, $3, $4)`,
        [words.process, words.node, told, mac],
      );
      const reports = await nodeReports(ports.runner, custody);
      return reports.some(({ process }) => process === words.process);
    };
    assert.is(await heard(rotation.recordedAt), true, 'a process that was not told the new root key');
    assert.is(await heard(known.head.lastRecordedAt), false);
    await owner.query(`delete from nodes where node = 'elsewhere'`);
  });

  test('who has the old row key forges nothing that comes after it', async () => {
    const { session } = cluster.node.program.nexus;
    assert.ok(session);
    await session.catchUp();
    const events = await session.ports.runner.run(authorityTailAfter, [0]);
    const genuine = events.find(({ type }) => type === 'mount.enabled');
    assert.ok(genuine);
    const { custody } = session;
    const forgedAt = (position: number) => {
      const moved = { ...genuine, position };
      const leaf = leafOf(custody.ledger, moved);
      return { ...moved, rowMac: leaf === null ? Buffer.alloc(32) : rowMac(oldRowKey, custody.ledger, leaf) };
    };
    const [rotation] = session.authority.rotations;
    assert.ok(rotation);
    assert.ok(authenticate(custody, forgedAt(rotation.at)), 'the key is the right one, and serves up to the rotation');
    assert.is(authenticate(custody, forgedAt(rotation.at + 1)), null);
    assert.throws(() => session.known.foldAuthority([forgedAt(session.known.head.size + 1)]), /event/);
    const head = { ...session.known.head, size: session.known.head.size + 1, epoch: 1 };
    const forgedHead = {
      ...head,
      frontierBytes: frontierBytes(head.frontier),
      headMac: macOf(custody, oldRowKey, head),
    };
    assert.throws(() => believeHead(custody, forgedHead), /batch/);
  });
});
