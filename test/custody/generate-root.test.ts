/** A new root token by enough shares, without any token: hidden behind a one-time pad, or encrypted to somebody's PGP key. */
import nodeVault from 'node-vault';
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { damaged, pgpPerson } from './support.js';

interface Reply {
  readonly status: number;
  readonly body: Json;
  readonly text: string;
}

describe('a new root token', test => {
  let cluster: TestCluster;
  const call = (method: string, path: string, body?: object): Promise<Reply> =>
    cluster.node.call(method, `sys/generate-root/${path}`, body, { token: null });
  const give = (key: string | undefined, nonce: string): Promise<Reply> => call('PUT', 'update', { key, nonce });
  const refused = (reply: Reply, words: RegExp): void => {
    assert.is(reply.status, 400, reply.text);
    assert.match(reply.body.errors.join(), words);
  };
  const decoded = (encoded: string, otp: string): string => {
    const pad = Buffer.from(otp);
    return Buffer.from(Buffer.from(encoded, 'base64').map((byte, i) => byte ^ (pad[i] ?? 0))).toString();
  };

  test.before(async () => {
    cluster = await testCluster({ shares: 3, threshold: 2 }, { openRekey: 'yes' });
  });
  test.after.each(async () => {
    await call('DELETE', 'attempt');
  });
  test.after(() => cluster.stop());

  test('is hidden by a pad that the server makes, and may do everything', async () => {
    const before = (await call('GET', 'attempt')).body;
    assert.equal([before.started, before.progress, before.required, before.otp_length], [false, 0, 2, 28]);
    const started = (await call('PUT', 'attempt', {})).body;
    assert.is(started.otp.length, 28);
    assert.is((await call('GET', 'attempt')).body.otp, '');
    const first = (await give(cluster.keys[0], started.nonce)).body;
    assert.equal([first.progress, first.complete, first.encoded_token, first.otp_length], [1, false, '', 0]);
    const done = (await give(cluster.keys[2], started.nonce)).body;
    assert.equal([done.complete, done.started, done.progress], [true, true, 2]);
    assert.is(done.encoded_root_token, done.encoded_token);
    assert.is(done.encoded_token.includes('='), false);
    const token = decoded(done.encoded_token, started.otp);
    assert.match(token, /^hvs\.[A-Za-z0-9]{24}$/);
    const self = (await cluster.node.call('GET', 'auth/token/lookup-self', undefined, { token })).body.data;
    assert.equal([self.policies, self.ttl, self.orphan], [['root'], 0, true]);
    assert.is((await call('GET', 'attempt')).body.started, false);
  });

  test('is hidden by a pad of the caller, of the right length', async () => {
    refused(await call('PUT', 'attempt', { otp: 'too short' }), /^OTP string has incorrect length$/);
    const otp = 'abcdefghijklmnopqrstuvwxyz12';
    const started = (await call('PUT', 'attempt', { otp })).body;
    assert.is(started.otp, '');
    await give(cluster.keys[1], started.nonce);
    const { encoded_token } = (await give(cluster.keys[0], started.nonce)).body;
    assert.match(decoded(encoded_token, otp), /^hvs\./);
  });

  test('is made by an unmodified client', async () => {
    const client = nodeVault({ endpoint: cluster.node.address, token: '' });
    const otp = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ12';
    const { nonce } = await client.generateRootInit({ otp });
    await client.generateRootUpdate({ key: cluster.keys[0], nonce });
    const done = await client.generateRootUpdate({ key: cluster.keys[1], nonce });
    assert.equal([done.complete, done.progress, done.required], [true, 2, 2]);
    const token = decoded(done.encoded_root_token, otp);
    assert.is((await nodeVault({ endpoint: cluster.node.address, token }).tokenLookupSelf()).data.policies[0], 'root');
  });

  test('is encrypted to a PGP key', async () => {
    const ada = await pgpPerson('ada');
    const started = (await call('PUT', 'attempt', { pgp_key: ada.publicKey })).body;
    assert.equal([started.pgp_fingerprint, started.otp], [ada.fingerprint, '']);
    await give(cluster.keys[1], started.nonce);
    const { encoded_token } = (await give(cluster.keys[2], started.nonce)).body;
    assert.match(await ada.decrypt(Buffer.from(encoded_token, 'base64')), /^hvs\.[A-Za-z0-9]{24}$/);
  });

  test('is refused in the words that clients know', async () => {
    refused(await give(cluster.keys[0], ''), /^no root generation in progress$/);
    const { nonce } = (await call('PUT', 'attempt', {})).body;
    refused(await call('PUT', 'attempt', {}), /^root generation already in progress/);
    refused(
      await give(cluster.keys[0], 'x'),
      new RegExp(`^incorrect nonce supplied; nonce for this root generation operation is "${nonce}"$`),
    );
    await give(cluster.keys[0], nonce);
    refused(await give(cluster.keys[0], nonce), /already been provided during this generation operation$/);
    refused(await give(damaged(cluster.keys[1] ?? ''), nonce), /do not open their slot/);
    assert.is((await call('DELETE', 'attempt')).status, 204);
    assert.is((await call('GET', 'attempt')).body.nonce, '');
  });

  test('asks for a token in the newer form, and for an open server in any', async () => {
    const newer = 'sys/generate-root-token/attempt';
    assert.is((await cluster.node.call('GET', newer, undefined, { token: null })).status, 403);
    assert.is((await cluster.node.call('GET', newer)).body.data.otp_length, 28);
    const sealed = await cluster.newNode({ unseal: false });
    assert.is((await sealed.call('GET', 'sys/generate-root/attempt', undefined, { token: null })).status, 503);
  });

  test('is on record: whoever gave shares is a quorum, and the token is not in it', async () => {
    const trail = await cluster.node.call('GET', 'sys/ledger/events?type=token.created&limit=1000');
    const made = trail.body.data.events.filter((each: Json) => each.op === 'operator.generate-root');
    assert.is(made.length, 4);
    for (const { via, path } of made) assert.equal([via.method, path], ['shares', 'sys/generate-root/update']);
    assert.is(/hvs\./.test(trail.text + cluster.node.log.join('\n')), false);
  });
});
