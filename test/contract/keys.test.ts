/** Terms of erasure keys over HTTP: what old clients ask for, and what only this server has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { armor, Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

describe('terms of erasure keys', test => {
  let cluster: TestCluster;
  const call = (method: string, path: string, body?: unknown) => cluster.node.call(method, path, body);
  const status = async (): Promise<Json> => (await call('GET', 'sys/ledger/keys')).body.data;
  const term = async (number: number): Promise<Json> =>
    (await status()).terms.find((each: Json) => each.term === number);
  const lines = (): string[] => readFileSync(join(cluster.node.folder, 'erasure-keys'), 'utf8').trim().split('\n');

  test.before(async () => {
    cluster = await testCluster();
    assert.is((await call('POST', 'secret/data/a', { data: { v: 'before' } })).status, 200);
  });
  test.after(() => cluster.stop());

  test('begin with 1, at the top level for old clients too', async () => {
    const { body } = await call('GET', 'sys/key-status');
    assert.is(body.term, 1);
    assert.is(body.data.term, 1);
    assert.ok(body.data.encryptions > 0);
    assert.match(body.data.install_time, /^\d{4}-\d\d-\d\dT/);
  });

  test('rotate by time, thirty days apart unless somebody says otherwise', async () => {
    const { data } = (await call('GET', 'sys/rotate/config')).body;
    assert.equal(data, { max_operations: 0, enabled: true, interval: '720h0m0s', backup_retention: '840h0m0s' });
    assert.is((await call('POST', 'sys/rotate/config', { max_operations: 5 })).status, 400);
    assert.is((await call('POST', 'sys/rotate/config', { interval: '1s' })).status, 400);
    assert.is((await call('POST', 'sys/rotate/config', { backup_retention: '0s', enabled: false })).status, 204);
    const { data: changed } = (await call('GET', 'sys/rotate/config')).body;
    assert.equal([changed.enabled, changed.interval, changed.backup_retention], [false, '720h0m0s', '0s']);
  });

  test('leave a copy for people who keep it elsewhere', async () => {
    const identity = await generateX25519Identity();
    const recipients = [await identityToRecipient(identity)];
    assert.is((await call('POST', 'sys/ledger/keys/escrow', { recipients: ['age1nonsense'] })).status, 400);
    const made = await call('POST', 'sys/ledger/keys/escrow', { recipients });
    assert.is(made.status, 200, made.text);
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const opened = await decrypter.decrypt(armor.decode(made.body.data.file), 'text');
    const [kept = ''] = lines();
    assert.equal(opened.trim().split(' ').slice(0, 4), kept.split(' ').slice(0, 4));
    assert.not.match(made.text, kept.split(' ')[3] ?? '');
    const [copy] = (await term(1)).copies.filter(({ kind }: Json) => kind === 'escrow');
    assert.equal([copy.holder, copy.recipients, copy.gone], [made.body.data.id, recipients, null]);
  });

  test('rise by one with each rotation, for which sudo is asked', async () => {
    await call('POST', 'sys/policies/acl/mild', { policy: 'path "sys/*" { capabilities = ["update", "read"] }' });
    const { body } = await call('POST', 'auth/token/create', { policies: ['mild'] });
    const mild = await cluster.node.call('POST', 'sys/rotate', {}, { token: body.auth.client_token });
    assert.is(mild.status, 403);
    assert.is((await call('PUT', 'sys/rotate')).status, 204);
    assert.is((await call('GET', 'sys/key-status')).body.term, 2);
    assert.is((await call('POST', 'sys/rotate/keyring')).status, 204);
    assert.is((await call('GET', 'sys/key-status')).body.term, 3);
    const rotated = await call('POST', 'sys/ledger/keys/rotate');
    assert.is(rotated.body.data.term, 4);
    assert.is((await call('POST', 'secret/data/a', { data: { v: 'after' } })).status, 200);
  });

  test('open a header epoch each', async () => {
    const epochs = await call('GET', 'sys/ledger/events?type=epoch.opened');
    assert.is(epochs.body.data.events.length, 4);
    assert.is((await call('GET', 'sys/ledger/head')).body.data.epoch, 4);
  });

  test('take every key along, and end; what they wrapped stays readable', async () => {
    await until('term 3 ended', async () => (await term(3)).state === 'ended');
    const { terms } = await status();
    assert.equal(
      terms.map(({ rows }: Json) => rows > 0),
      [false, false, false, true],
    );
    assert.is((await call('GET', 'secret/data/a?version=1')).body.data.data.v, 'before');
    assert.is((await call('GET', 'secret/data/a')).body.data.data.v, 'after');
  });

  test('end with their erasure keys: the lines are overwritten where they lie', async () => {
    const overwritten = /^1 [0-9a-f]{32} \d -+$/;
    await until('three are overwritten', () => lines().filter(line => overwritten.test(line)).length === 3);
    const [, , , fourth = ''] = lines();
    assert.match(fourth, /^1 [0-9a-f]{32} 4 [A-Za-z0-9+/]{43}= /);
  });

  test('are not destroyed while a copy is left, and say which', async () => {
    await until('term 1 ended', async () => (await term(1)).state === 'ended');
    const waiting = await status();
    const [escrow] = (await term(1)).copies.filter(({ kind }: Json) => kind === 'escrow');
    assert.match(waiting.waiting_for[0], `escrow ${escrow.holder}`);
    assert.is((await call('POST', 'sys/ledger/keys/copy-gone', { term: 1, holder: 'nobody' })).status, 404);
    const gone = await call('POST', 'sys/ledger/keys/copy-gone', { term: 1, holder: escrow.holder });
    assert.is(gone.status, 204);
    assert.is((await term(3)).state, 'ended', 'what lay under it may have lain under term 1 before');
    await until('term 1 is destroyed', async () => (await term(1)).state === 'destroyed');
    await until('term 3 is destroyed', async () => (await term(3)).state === 'destroyed');
    assert.equal((await status()).waiting_for, []);
  });

  test('are in the audit trail, with who reported what', async () => {
    const { events } = (await call('GET', 'sys/ledger/events?type=term.destroyed')).body.data;
    const first = events.find((event: Json) => event.reports.length === 2);
    assert.equal(
      first.reports.map(({ kind }: Json) => kind),
      ['node', 'escrow'],
    );
    assert.is(first.actor_kind, 'system');
  });

  test('are found by a node that starts after all that', async () => {
    const other = await cluster.newNode();
    assert.is((await other.call('GET', 'secret/data/a?version=1')).body.data.data.v, 'before');
  });
});
