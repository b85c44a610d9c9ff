/** Header epochs retired: what stays readable, what does not and says so, and what a start needs from then on. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exportOnce } from '../../src/key-export/keeper.js';
import { KeystoreMoved, makeExport } from '../../src/key-export/make.js';
import { writeSnapshot } from '../../src/nexus/snapshots.js';
import { tally } from '../cli/support/tally.js';
import { type Json, type Reply, startNode, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { type Dump, dumpLedger, restoreDump } from '../support/copy-ledger.js';
import { describe } from '../support/describe.js';
import { standing } from '../support/standing.js';
import { until } from '../support/until.js';

const EPOCHS = 'sys/ledger/epochs';

describe('a header epoch', test => {
  const home = mkdtempSync(join(tmpdir(), 'tallystick-epochs-'));
  let cluster: TestCluster;
  let node: TestNode;
  let other: TestNode;
  let third: TestNode;
  let old: { readonly token: string; readonly version: number; readonly erasure: number; readonly end: number };
  let before: Dump;

  const ok = async (reply: Promise<Reply>, status = 200): Promise<Json> => {
    const { status: answered, text, body } = await reply;
    assert.is(answered, status, text);
    return body;
  };
  const stays = async (words: RegExp): Promise<void> => {
    const { status, text } = await node.call('POST', `${EPOCHS}/retire`, { epoch: 1 });
    assert.is(status, 400, text);
    assert.match(text, words);
  };
  const states = async (of = node): Promise<readonly string[]> =>
    (await ok(of.call('GET', EPOCHS))).data.epochs.map(({ state }: Json) => state);
  const newEpoch = () => ok(node.call('POST', 'sys/ledger/keys/rotate'));
  const reopened = async (): Promise<Reply> => {
    await node.program.nexus.seal();
    return node.call('POST', 'sys/unseal', { key: cluster.key });
  };
  const once = { headers: { 'idempotency-key': 'the-same' } };
  const keyRows = async (): Promise<readonly Json[]> => {
    const client = await cluster.db.client();
    const { rows } = await client.query('select * from keys where kind = 6 order by owner');
    await client.end();
    return rows;
  };

  test.before(async () => {
    cluster = await testCluster();
    ({ node } = cluster);
    await ok(node.call('POST', 'sys/rotate/config', { enabled: false }), 204);
    await ok(
      node.call('POST', 'sys/policies/acl/team', { policy: 'path "secret/*" { capabilities = ["read"] }' }),
      204,
    );
    const { client_token: token } = (await ok(node.call('POST', 'auth/token/create', { policies: ['team'] }))).auth;
    const { version } = (await ok(node.call('POST', 'secret/data/a', { data: { n: 1 } }, once))).data;
    await ok(node.call('POST', 'secret/data/gone', { data: { n: 1 } }));
    await ok(node.call('PUT', 'secret/destroy/gone', { versions: [1] }), 204);
    const erasure = node.program.nexus.session?.known.head.size ?? 0;
    assert.is((await node.call('GET', 'secret/data/a', undefined, { token: 'hvs.wrong' })).status, 403);
    await node.program.nexus.session?.recorder.flush();
    before = await dumpLedger(cluster.db);
    await newEpoch();
    old = { token, version, erasure, end: node.program.nexus.session?.known.head.size ?? 0 };
    other = await cluster.newNode();
  });
  test.after(async () => {
    await cluster.stop();
    rmSync(home, { recursive: true, force: true });
  });

  test('is retired only when a rule lets it, never the current one, and not under a legal hold', async () => {
    assert.equal(await states(), ['closed', 'current']);
    await stays(/no rule says/);
    await ok(node.call('POST', EPOCHS, { keep: '400d' }), 204);
    await stays(/keeps its headers until 20\d\d-/);
    await ok(node.call('POST', EPOCHS, { keep: '0s' }), 204);
    const why = { headers: { 'x-tallystick-reason': 'a case' } };
    await ok(node.call('POST', 'sys/ledger/holds/court', { mount: 'secret/', path: 'a' }, why), 204);
    await stays(/legal hold court/);
    await ok(node.call('DELETE', 'sys/ledger/holds/court'), 204);
    const current = await node.call('POST', `${EPOCHS}/retire`, { epoch: 2 });
    assert.match(current.text, /sealed under it now/);
    assert.is((await node.call('POST', `${EPOCHS}/retire`, { epoch: 9 })).status, 404);
    const { client_token: token } = (await ok(node.call('POST', 'auth/token/create', { policies: ['default'] }))).auth;
    assert.is((await node.call('POST', `${EPOCHS}/retire`, { epoch: 1 }, { token })).status, 403);
  });

  test('says before what goes, and then goes on every node', async () => {
    const { data: plan } = await ok(node.call('POST', `${EPOCHS}/retire`, { dry_run: true }));
    const [first] = plan.epochs;
    assert.equal([plan.retired, plan.epochs.length, first.epoch, first.from_position], [false, 1, 1, 1]);
    assert.ok(first.events > 12 && first.authority_events > 9 && first.request_blocks >= 1, JSON.stringify(first));
    const [genuine, ...current] = await keyRows();
    assert.is(current.length, 1);
    const owner = await cluster.db.client();
    const copy = '00000000-0000-4000-8000-0000000000ff';
    await owner.query(
      'insert into keys (key_id, kind, owner, term, wrapped) select $2, kind, owner, term, wrapped from keys where key_id = $1',
      [genuine.key_id, copy],
    );
    const unaware = other.program.nexus.session;
    assert.ok(unaware);
    const exported = async (): Promise<string> => (await makeExport(unaware, 0)).content.toString('latin1');
    const { data: done } = await standing(unaware, async () => {
      const answer = await ok(node.call('POST', `${EPOCHS}/retire`, { epoch: 1 }));
      const made = await exported().catch((error: unknown) => error);
      assert.instance(made, KeystoreMoved, 'without that key, and without the snapshot that stands for it');
      return answer;
    });
    await unaware.catchUp();
    assert.match(await exported(), new RegExp(`\nsnapshot ${done.begins_at} `));
    assert.is(done.retired, true);
    assert.ok(done.begins_at > old.end);
    await owner.query('delete from keys where key_id = $1', [copy]);
    assert.equal(await keyRows(), current, 'the key went, whatever lay beside it');
    assert.equal(await states(other), ['retired', 'current']);
    for (const each of [node, other]) {
      assert.is(each.program.nexus.session?.custody.dayKey(1, 20_000), null);
      const key = each.program.nexus.session?.authority.epochs.get(1)?.retired?.key ?? '';
      await until('its erasure list names the key', () => each.program.nexus.session?.erased.has(key) === true);
    }
    assert.match((await node.call('POST', `${EPOCHS}/retire`, { epoch: 1 })).text, /retired already/);
  });

  test('leaves values, tokens and policies as they are, on a node that starts after it too', async () => {
    third = await cluster.newNode();
    for (const each of [node, other, third]) {
      assert.is((await ok(each.call('GET', 'secret/data/a'))).data.data.n, 1);
      const asked = await each.call('GET', 'secret/data/a', undefined, { token: old.token });
      assert.is(asked.status, 200, asked.text);
      assert.is((await each.call('POST', 'secret/data/a', { data: {} }, { token: old.token })).status, 403);
    }
    assert.is((await ok(node.call('POST', 'secret/data/a', { data: { n: 1 } }, once))).data.version, old.version);
    assert.is((await ok(node.call('GET', 'secret/metadata/a'))).data.current_version, 1);
  });

  test('leaves in the trail what is in the clear, and says that the rest is retired', async () => {
    const { events } = (await ok(node.call('GET', 'sys/ledger/events?limit=1000'))).data;
    const shown = events.filter(({ position }: Json) => position <= old.erasure);
    assert.ok(shown.length > 10);
    for (const event of shown) assert.equal([event.header, event.path], ['retired', null]);
    const written = shown.find(({ type }: Json) => type === 'secret.written');
    assert.equal([written.change.version, typeof written.actor.id], [1, 'string']);
    assert.ok(events.some(({ header, path }: Json) => header === undefined && typeof path === 'string'));
    const erasures = (await ok(node.call('GET', 'sys/ledger/erasures'))).data.erasures;
    assert.is(erasures[0].scope, '(header retired)');
    assert.is((await node.call('GET', `sys/ledger/erasures/${old.erasure}`)).status, 410);
    const can = (position: number): Promise<Reply> =>
      node.call('GET', `sys/ledger/can?actor=root&capability=read&path=secret/data/a&position=${position}`);
    const then = await can(old.erasure);
    assert.is(then.status, 410, then.text);
    assert.match(then.text, /can no longer be told/);
    assert.is((await ok(can(node.program.nexus.session?.known.head.size ?? 0))).data.allowed, true);
  });

  test('is shown on the command line for what it is', async () => {
    const run = (...args: string[]) =>
      tally(args, { home, env: { TALLYSTICK_ADDR: node.address, TALLYSTICK_TOKEN: cluster.rootToken } });
    const list = await run('keys', 'epochs', 'list');
    assert.match(list.stdout, /1 +retired.*\n2 +current/, list.stderr);
    assert.match(list.stdout, /can be told from +position \d+/);
    const nothing = await run('keys', 'epochs', 'retire');
    assert.equal([nothing.code, /No epoch may be retired now/.test(nothing.stdout)], [0, true], nothing.stderr);
    for (const args of [['history', 'secret/a'], ['audit', 'replay', '--limit', '500'], ['erasures']]) {
      const shown = await run(...args);
      assert.is(shown.code, 0, `${args.join(' ')}: ${shown.stderr}`);
    }
    const set = await run('keys', 'epochs', 'keep', '0s', '--reason', 'as before');
    assert.is(set.code, 0, set.stderr);
    assert.is((await run('keys', 'epochs', 'keep')).code, 3);
  });

  test('needs its snapshot from then on: without it nothing starts, and says what to put back', async () => {
    const owner = await cluster.db.client();
    await owner.query('create table kept as select * from snapshots');
    await owner.query('delete from snapshots');
    const refused = await reopened();
    assert.is(refused.status, 500, refused.text);
    assert.match(
      node.program.nexus.degraded.join(),
      /can only begin with a snapshot.*none in the database opens.*put the table/,
    );
    await owner.query('insert into snapshots select * from kept');
    assert.is((await node.call('POST', 'sys/unseal', { key: cluster.key })).body.sealed, false);
  });

  test('stays retired when its key row is put back by hand', async () => {
    const [row] = JSON.parse(before.get('keys') ?? '[]').filter(({ kind }: Json) => kind === 6);
    const owner = await cluster.db.client();
    await owner.query('insert into keys select * from json_populate_record(null::keys, $1)', [JSON.stringify(row)]);
    assert.is((await reopened()).body.sealed, false);
    assert.is((await keyRows()).length, 1, 'the erasure list takes it away again');
    assert.is(node.program.nexus.session?.custody.holdsEpoch(1), false);
  });

  test('is missed when its row is lost and nobody retired it', async () => {
    // Each has erasure keys of its own: a new term would wait for them.
    for (const each of [other, third]) await each.stop();
    const owner = await cluster.db.client();
    await owner.query('create table lost as select * from keys where kind = 6');
    await newEpoch();
    const { session } = node.program.nexus;
    assert.ok(session);
    await session.catchUp();
    assert.ok(await writeSnapshot(session), 'nothing of that epoch is folded at the next start');
    await owner.query(`delete from keys where key_id in (select key_id from lost)`);
    assert.is((await reopened()).status, 500);
    assert.match(
      node.program.nexus.degraded.join(),
      /key row of header epoch 2 is missing, and the ledger does not say/,
    );
    await owner.query('insert into keys select * from lost on conflict do nothing');
    assert.is((await node.call('POST', 'sys/unseal', { key: cluster.key })).body.sealed, false);
  });

  test('is recovered with a newer export: the snapshot is in it; a database from before is refused by name', async () => {
    const session = node.program.nexus.session;
    assert.ok(session);
    // The export is never older than it: a rotation of terms goes on meanwhile.
    const now = await dumpLedger(cluster.db);
    await exportOnce(session, { kind: 'folder', path: join(home, 'export') });
    const machine = async (
      dump: Dump,
    ): Promise<{ code: number | null; stderr: string; start: () => Promise<TestNode> }> => {
      const data = mkdtempSync(join(home, 'machine-'));
      copyFileSync(join(cluster.node.folder, 'erasure-keys'), join(data, 'erasure-keys'));
      const db = await restoreDump(dump, ['keys', 'slots', 'keyring']);
      const more = ['--from', join(home, 'export'), '--data', data, '--accept-older-database'];
      const ran = await tally(['operator', 'recover', ...more], { home, env: { DATABASE_URL: db.url } });
      return { code: ran.code, stderr: ran.stderr, start: () => startNode(db, data, () => cluster.rootToken, {}) };
    };
    const early = await machine(before);
    assert.is(early.code, 23, early.stderr);
    assert.match(early.stderr, /header epochs were retired at event/);
    const whole = await machine(now);
    assert.is(whole.code, 0, whole.stderr);
    const fresh = await whole.start();
    const opened = await fresh.call('POST', 'sys/unseal', { key: cluster.key, accept_rollback: true });
    assert.is(opened.body.sealed, false, opened.text);
    assert.is((await fresh.call('GET', 'secret/data/a')).body.data.data.n, 1);
    await fresh.stop();
  });

  test('is retired by itself where the rule says so, and the root key can still be rotated', async () => {
    await ok(node.call('POST', EPOCHS, { keep: '0s', automatic: true }), 204);
    await until('it is retired', async () => (await states())[1] === 'retired');
    await ok(node.call('POST', EPOCHS, { for_ever: true }), 204);
    const start = { password: cluster.admin.password };
    const { nonce } = (await ok(node.call('POST', 'sys/ledger/root-key', start))).data;
    const give = (key: string): Promise<Json> => ok(node.call('POST', 'sys/ledger/root-key/update', { key, nonce }));
    const [fresh] = (await give(cluster.key)).data.keys;
    assert.is((await give(fresh)).data.complete, true);
    await node.program.nexus.seal();
    assert.is((await node.call('POST', 'sys/unseal', { key: fresh })).body.sealed, false);
    assert.is((await node.call('GET', 'secret/data/a', undefined, { token: old.token })).status, 200);
  });
});
