/**
 * A ledger that a transit key opens at the start: well, away, slow, forbidden. It stays sealed or goes on serving, and says
 * which, since when and why.
 */
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { nodeReports } from '../../src/nexus/node-report.js';
import { startTransit, type TransitServer } from '../kms/support/transit-server.js';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

describe('a ledger under a transit key', test => {
  let transit: TransitServer;
  let cluster: TestCluster;
  const tokens: string[] = [];

  const state = async (node: TestNode): Promise<Json> => (await node.call('GET', 'sys/seal-status')).body;
  /** The state, once it is as wanted; as it is, when that takes too long even for pauses that grow. */
  const settled = async (node: TestNode, wanted: (state: Json) => boolean): Promise<Json> => {
    const end = Date.now() + 30_000;
    for (;;) {
      const now = await state(node);
      if (wanted(now) || Date.now() > end) return now;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  };
  const open = ({ sealed }: Json): boolean => !sealed;
  const troubled = ({ degraded }: Json): boolean => degraded !== undefined;
  const saying =
    (word: string) =>
    ({ degraded = [] }: Json): boolean =>
      degraded.join().includes(word);
  const freshToken = (): void => {
    transit.renew();
    tokens.push(readFileSync(transit.tokenFile, 'utf8').trim());
  };

  test.before(async () => {
    transit = await startTransit();
    cluster = await testCluster({ shares: 1, threshold: 1 }, { kms: transit.setting });
    await cluster.node.call('POST', 'secret/data/a', { data: { v: 1 } });
  });
  test.before.each(() => {
    transit.mode = 'well';
    freshToken();
  });
  test.after(async () => {
    await cluster.stop();
    await transit.stop();
  });

  test('has a slot that names the key, and nothing of how it is reached', async () => {
    const added = await cluster.node.call('POST', 'sys/ledger/slots', { kind: 'kms', name: 'auto', uri: transit.uri });
    assert.is(added.status, 200, added.text);
    const { slots } = (await cluster.node.call('GET', 'sys/ledger/slots')).body.data;
    const slot = slots.find((each: Json) => each.name === 'auto');
    assert.equal([slot.kind, slot.uri, slot.entity_id], ['kms', transit.uri, null]);
    assert.equal(transit.asked.slice(0, 2), ['POST encrypt', 'POST decrypt']);
  });

  test('opens by itself at the start', async () => {
    const node = await cluster.newNode({ unseal: false });
    assert.is((await settled(node, open)).sealed, false);
    assert.is((await node.call('GET', 'secret/data/a')).body.data.data.v, 1);
    await node.stop();
  });

  for (const [mode, word, options] of [
    ['sealed', 'answers 503', ''],
    ['away', 'cannot be reached', ''],
    ['slow', 'no answer within 1 s', '&timeout=1'],
  ] as const)
    test(`stays sealed while the key is ${mode}, says so, and opens once it is well`, async () => {
      transit.mode = mode;
      const node = await cluster.newNode({ unseal: false, settings: { kms: `${transit.setting}${options}` } });
      const { sealed, degraded } = await settled(node, saying(word));
      assert.is(sealed, true);
      assert.match(degraded.join(), new RegExp(`^sealed: waiting since \\d{4}-.*Z for ${transit.uri}: .*${word}`));
      const health = await node.call('GET', 'sys/health');
      assert.equal([health.status, health.body.degraded], [503, degraded]);
      transit.mode = 'well';
      assert.is((await settled(node, open)).sealed, false);
      assert.is((await settled(node, each => !troubled(each))).degraded, undefined);
      await node.stop();
    });

  test('says that the ledger is refused while the key is well, and opens soon after it is not any more', async () => {
    const erasureKeys = join(transit.folder, 'erasure-keys');
    const settings = { erasureKey: `file:${erasureKeys}` };
    // Longer than anybody here waits: only what is not well is looked at again sooner.
    const node = await cluster.newNode({ unseal: false, settings, kmsProbeMs: 600_000 });
    const { sealed, degraded } = await settled(node, saying('waiting since'));
    assert.equal([sealed, degraded.length], [true, 2]);
    assert.match(degraded[0], /^the erasure key of term 1 is not in file:.*: put it back/);
    assert.match(
      degraded[1],
      /^sealed: waiting since .*Z for transit:.*: its slot opens, and the ledger .* is refused$/,
    );
    copyFileSync(join(cluster.node.folder, 'erasure-keys'), erasureKeys);
    assert.is((await settled(node, open)).sealed, false);
    assert.is((await settled(node, each => !troubled(each))).degraded, undefined);
    await node.stop();
  });

  test('goes on serving when permission is taken away, and says that a restart would not open it', async () => {
    transit.revoke();
    const { sealed, degraded } = await settled(cluster.node, saying('denied'));
    assert.is(sealed, false);
    assert.match(
      degraded.join(),
      /^serving, but since \d{4}-.*Z a restart would stay sealed: transit:.*permission denied \(403\)/,
    );
    assert.is((await cluster.node.call('GET', 'secret/data/a')).status, 200);
    assert.is((await cluster.node.call('POST', 'secret/data/a', { data: { v: 2 } })).status, 200);
    const rotated = await cluster.node.call('POST', 'sys/ledger/slots/auto/rotate', {});
    assert.equal([rotated.status, /permission denied/.test(rotated.text)], [502, true]);
    freshToken();
    assert.is((await settled(cluster.node, each => !troubled(each))).degraded, undefined);
  });

  test('is wrapped again when its slot is rotated', async () => {
    const before = await cluster.node.call('GET', 'sys/ledger/slots');
    assert.is((await cluster.node.call('POST', 'sys/ledger/slots/auto/rotate', {})).status, 200);
    const after = await cluster.node.call('GET', 'sys/ledger/slots');
    const idOf = ({ body }: Json) => body.data.slots.find((each: Json) => each.name === 'auto').id;
    assert.is.not(idOf(after), idOf(before));
    const node = await cluster.newNode({ unseal: false });
    assert.is((await settled(node, open)).sealed, false);
    await node.stop();
  });

  test('moves to another key while both are named; one that only the database names is asked nothing', async () => {
    const other = await startTransit();
    try {
      const both = await cluster.newNode({ settings: { kms: `${transit.setting} ${other.setting}` } });
      const added = await both.call('POST', 'sys/ledger/slots', { kind: 'kms', name: 'next', uri: other.uri });
      assert.is(added.status, 200, added.text);
      await both.stop();
      const asked = other.asked.length;
      const unmoved = await cluster.newNode({ unseal: false });
      assert.is((await settled(unmoved, open)).sealed, false);
      assert.is(other.asked.length, asked);
      const moved = await cluster.newNode({ unseal: false, settings: { kms: other.setting } });
      assert.is((await settled(moved, open)).sealed, false);
      assert.is((await moved.call('DELETE', 'sys/ledger/slots/auto')).status, 204);
      for (const node of [unmoved, moved]) await node.stop();
    } finally {
      await other.stop();
    }
  });

  test('that a person sealed stays sealed, with nothing to complain of', async () => {
    const node = await cluster.newNode();
    assert.is((await node.call('PUT', 'sys/seal')).status, 204);
    // Three times as long as it takes to look again.
    await new Promise(resolve => setTimeout(resolve, 300));
    assert.equal([(await state(node)).sealed, (await state(node)).degraded], [true, undefined]);
    await node.stop();
  });

  test('cannot lose the last slot that opens it by itself, nor be given a key that no setting names', async () => {
    assert.is((await cluster.node.call('DELETE', 'sys/ledger/slots/ada')).status, 204);
    const { slots } = (await cluster.node.call('GET', 'sys/ledger/slots')).body.data;
    const shares = slots.find((each: Json) => each.kind === 'shares');
    const refused = await cluster.node.call('DELETE', `sys/ledger/slots/${shares.id}`);
    assert.equal([refused.status, /last slot that opens the ledger by itself/.test(refused.text)], [400, true]);
    const other = { kind: 'kms', name: 'other', uri: 'transit:https://elsewhere.example/transit/k' };
    const unnamed = await cluster.node.call('POST', 'sys/ledger/slots', other);
    assert.equal([unnamed.status, /TALLYSTICK_KMS does not name/.test(unnamed.text)], [400, true]);
  });

  test('opens another node again after the root key was rotated, without a hand, and it is waited for', async () => {
    const call = async (path: string, body: object): Promise<Json> => {
      const reply = await cluster.node.call('POST', path, body);
      assert.is(reply.status, 200, reply.text);
      return reply.body.data;
    };
    await call('sys/ledger/slots', { kind: 'kms', name: 'again', uri: transit.uri });
    const tokenFile = join(transit.folder, 'of-the-other');
    const settings = { kms: `${transit.uri}#token-file=${tokenFile}` };
    copyFileSync(transit.tokenFile, tokenFile);
    const other = await cluster.newNode({ unseal: false, settings });
    assert.is((await settled(other, open)).sealed, false);
    const process = other.program.nexus.session?.presence.process;
    rmSync(tokenFile);
    const { nonce } = await call('sys/ledger/root-key', { drop: ['next'] });
    const [fresh] = (await call('sys/ledger/root-key/update', { key: cluster.key, nonce })).keys;
    assert.equal((await call('sys/ledger/root-key/update', { key: fresh, nonce })).dropped, ['next']);
    assert.is((await settled(other, each => !open(each))).sealed, true);
    // Its turn comes when the session has ended altogether.
    await other.program.nexus.exclusive(() => Promise.resolve());
    // Would the new term begin without it, its erasure key would be missing here.
    const { session } = cluster.node.program.nexus;
    if (session === null) throw new Error('the node is sealed');
    const living = (await nodeReports(session.ports.runner, session.custody)).filter(({ live }) => live);
    assert.ok(living.some(each => each.process === process));
    copyFileSync(transit.tokenFile, tokenFile);
    const generation = () => other.program.nexus.session?.custody.keyring.rootGeneration;
    await settled(other, () => generation() === 2);
    assert.is(generation(), 2);
    assert.is((await other.call('GET', 'secret/data/a')).status, 200);
    // A new root key is followed by a new term, whose erasure key this node was not given.
    const ofTheTerm = /^the erasure key of term 2 is not in /;
    const complaints = ({ degraded = [] }: Json): string[] =>
      degraded.filter((reason: string) => !ofTheTerm.test(reason));
    assert.equal(complaints(await settled(other, each => complaints(each).length === 0)), []);
  });

  test('leaves neither tokens nor ciphertexts of the key in any log', () => {
    assert.ok(tokens.length > 5);
    const lines = cluster.node.log.join('\n');
    for (const token of tokens) assert.is(lines.includes(token), false);
    assert.is(lines.includes('vault:v1:'), false);
    assert.match(lines, /KmsError transit:http:\/\/127\.0\.0\.1:\d+\/keys\/transit\/tallystick: permission denied/);
  });
});
