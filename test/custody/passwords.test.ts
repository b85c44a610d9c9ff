/** Which passwords may open a ledger, and slots that are wrapped again: under a pepper, and at a higher cost. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { passwordComplaint } from '../../src/keys/common-passwords.js';
import { isOutdated, newPasswordSlot } from '../../src/keys/password-slots.js';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

describe('a password that opens a ledger', test => {
  for (const common of [
    'passwordpassword',
    'Password12345678!',
    'P@ssw0rdP@ssw0rd',
    'qwertyuiopasdfghjkl',
    '1q2w3e4r5t6y7u8i',
    'Summer2024Summer2024!',
    'admin-admin-admin1',
    'correct horse battery staple',
    'correcthorsebatterystaple1',
    'Welcome2Tallystick!',
    'abcdefghijklmnop',
    'letmein-1234567890',
    'aaaaaaaaaaaaaaaaaaaaaaaa',
    'hunter2hunter2hunter2',
    'maytheforcebewithyou2025',
  ])
    test(`is not ${common}`, () => {
      assert.match(passwordComplaint(common) ?? '', /tried first/);
    });

  test('has 16 characters, counted as people count them', () => {
    assert.match(passwordComplaint('fifteen letters') ?? '', /at least 16 characters/);
    assert.match(passwordComplaint('x'.repeat(1025)) ?? '', /at most 1024 characters/);
    assert.match(passwordComplaint('🔑🗝🔒🔓🔐'.repeat(3)) ?? '', /at least 16 characters/);
  });

  test('is anything that was drawn at random, and words that nobody put together before', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ23456789'.split('');
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(...letters), { minLength: 18, maxLength: 40 }),
        drawn => passwordComplaint(drawn.join('')) === null,
      ),
      { seed: 20, numRuns: 300 },
    );
    for (const words of ['correct lantern copper violin', 'glide-olive-thunder-paper-moth-ivory'])
      assert.is(passwordComplaint(words), null);
  });
});

describe('a slot of yesterday', test => {
  test('is outdated when it cost less work, or another pepper comes first', async () => {
    const root = { key: randomBytes(32), generation: 1 };
    const cost = { memoryKib: 19_456, iterations: 2, parallelism: 1 };
    const pepper = { id: '00000000-0000-4000-8000-000000000001', key: randomBytes(32) };
    const slot = await newPasswordSlot(randomBytes(16), root, 'any password at all', cost, null);
    assert.is(isOutdated(slot, cost, null), false);
    assert.is(isOutdated(slot, { ...cost, memoryKib: 20_000 }, null), true);
    assert.is(isOutdated(slot, { ...cost, iterations: 1 }, null), false);
    assert.is(isOutdated(slot, cost, pepper), true);
  });
});

describe('a pepper that comes, and is replaced', test => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-pepper-'));
  let cluster: TestCluster;
  const pepper = (name: string): string => {
    const path = join(folder, name);
    writeFileSync(path, randomBytes(32), { mode: 0o600 });
    return path;
  };
  const [first, second] = [pepper('first'), pepper('second')];
  const adaOn = async (node: TestNode): Promise<Json> => {
    const { slots } = (await node.call('GET', 'sys/ledger/slots')).body.data;
    return slots.find((slot: Json) => slot.name === 'ada');
  };
  const login = (node: TestNode) =>
    node.call('POST', 'auth/administrators/login/ada', { password: cluster.admin.password }, { token: null });

  test.before(async () => {
    cluster = await testCluster();
  });
  test.after(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('wraps each password again when it is used, and the old row is gone', async () => {
    const before = await adaOn(cluster.node);
    assert.is(before.pepper, 'none');
    const node = await cluster.newNode({ settings: { pepperFile: first } });
    assert.is((await login(node)).status, 200);
    const after = await adaOn(node);
    assert.equal([after.pepper, after.id === before.id, after.entity_id], ['here', false, before.entity_id]);
    const owner = await cluster.db.client();
    assert.is((await owner.query('select 1 from slots where slot_id = $1', [before.id])).rowCount, 0);
    assert.is((await login(node)).status, 200);
    assert.is((await adaOn(node)).id, after.id);
  });

  test('is missing where a node does not have it', async () => {
    assert.is((await adaOn(cluster.node)).pepper, 'missing');
    assert.is((await login(cluster.node)).status, 400);
  });

  test('gives way to a new one, both being set, at an unseal too', async () => {
    const node = await cluster.newNode({ unseal: false, settings: { pepperFile: `${second}:${first}` } });
    const { name, password } = cluster.admin;
    assert.is((await node.call('POST', 'sys/unseal', { name, password })).body.sealed, false);
    const only = await cluster.newNode({ settings: { pepperFile: second } });
    assert.is((await adaOn(only)).pepper, 'here');
    assert.is((await login(only)).status, 200);
  });

  test('leaves the shares as the last slot that opens by itself where it is not', async () => {
    const { slots } = (await cluster.node.call('GET', 'sys/ledger/slots')).body.data;
    const shares = slots.find((slot: Json) => slot.kind === 'shares');
    const refused = await cluster.node.call('DELETE', `sys/ledger/slots/${shares.id}`);
    assert.match(refused.text, /last slot that opens the ledger by itself/);
  });
});
