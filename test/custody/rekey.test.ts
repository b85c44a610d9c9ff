/** Rekey over HTTP: enough of today's shares agree on new ones; verified, encrypted, put aside, cancelled, refused by name. */
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import * as assert from 'uvu/assert';
import { Attempt } from '../../src/operations/custody/attempt.js';
import { Quorum, shareSlotOf } from '../../src/operations/custody/quorum.js';
import { type Json, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { damaged, pgpMessageText, pgpPerson, reopen } from './support.js';

interface Reply {
  readonly status: number;
  readonly body: Json;
  readonly text: string;
}

describe('rekey', test => {
  let cluster: TestCluster;
  /** The shares that open the ledger now. */
  let shares: readonly string[];
  /** Everything that was handed out, to be looked for where it must not be. */
  const seen: string[] = [];

  const call = (method: string, path: string, body?: object): Promise<Reply> => cluster.node.call(method, path, body);
  const start = async (body: object): Promise<string> => {
    const started = await call('PUT', 'sys/rekey/init', body);
    assert.is(started.status, 200, started.text);
    return started.body.nonce;
  };
  const give = (key: string, nonce: string, path = 'sys/rekey/update'): Promise<Reply> =>
    call('PUT', path, { key, nonce });
  const refused = (reply: Reply, words: RegExp): void => {
    assert.is(reply.status, 400, reply.text);
    assert.match(reply.body.errors.join(), words);
  };
  const handedOut = (keys: readonly string[]): readonly string[] => {
    seen.push(...keys);
    return keys;
  };

  test.before(async () => {
    cluster = await testCluster({ shares: 3, threshold: 2 });
    shares = handedOut(cluster.keys);
  });
  test.after.each(async () => {
    await call('DELETE', 'sys/rekey/init');
  });
  test.after(() => cluster.stop());

  test('asks for a token unless it is told to be open', async () => {
    for (const path of ['sys/rekey/init', 'sys/rekey/update', 'sys/rotate/root/init'])
      assert.is(
        (await cluster.node.call('PUT', path, { key: 'ab', nonce: '' }, { token: null })).status,
        path.endsWith('init') ? 400 : 403,
      );
    assert.is((await cluster.node.call('GET', 'sys/rekey/init', undefined, { token: null })).status, 403);
    assert.is((await cluster.node.call('DELETE', 'sys/rekey/init', undefined, { token: 'hvs.none' })).status, 403);
  });

  test('has a status before it begins, in both forms', async () => {
    const none = {
      ...{ nonce: '', started: false, t: 0, n: 0, progress: 0, required: 2 },
      ...{ pgp_fingerprints: null, backup: false, verification_required: false },
    };
    assert.equal((await call('GET', 'sys/rekey/init')).body, none);
    const newer = (await call('GET', 'sys/rotate/root/init')).body;
    assert.equal(newer.data, { started: false, t: 0, n: 0, required: 2 });
  });

  test('refuses what it cannot begin with, in the words that clients know', async () => {
    const three = { secret_shares: 3, secret_threshold: 2 };
    const init = (body: object): Promise<Reply> => call('PUT', 'sys/rekey/init', body);
    refused(await init({ secret_shares: 0 }), /^invalid rekey seal configuration: shares must be at least one$/);
    refused(await init({ secret_shares: 2, secret_threshold: 3 }), /threshold cannot be larger than shares/);
    refused(await init({ ...three, pgp_keys: ['AAAA'] }), /^incorrect number of PGP keys for rekey$/);
    refused(
      await init({ ...three, backup: true }),
      /^cannot request a backup of the new keys without providing PGP keys/,
    );
    refused(
      await init({ ...three, pgp_keys: ['AAAA', 'BBBB', await pgpMessageText()] }),
      /^a PGP key is the base64 of one public key/,
    );
    refused(
      await init({ ...three, age_recipients: ['age1x', 'age1y', 'age1z'] }),
      /^an age recipient begins with age1/,
    );
    refused(await give(shares[0] ?? '', ''), /^no barrier rekey in progress$/);
    refused(await give('', ''), /^'key' must be specified in request body as JSON$/);
    refused(await give('no key!', ''), /^'key' must be a valid hex or base64 string$/);
    refused(await call('GET', 'sys/rekey/verify'), /^no rekey configuration found$/);
    refused(await call('GET', 'sys/rekey/backup'), /^no backed-up keys found$/);
    await start(three);
    refused(await init(three), /^rekey already in progress$/);
    refused(await call('GET', 'sys/rekey/verify'), /^no rekey verification in progress$/);
  });

  test('names what is wrong with a share, and begins again when enough of them open nothing', async () => {
    const nonce = await start({ secret_shares: 3, secret_threshold: 2 });
    const [one = '', two = ''] = shares;
    refused(
      await give(one, 'another'),
      new RegExp(`^incorrect nonce supplied; nonce for this rekey operation is "${nonce}"$`),
    );
    assert.is((await give(one, nonce)).body.progress, 1);
    refused(await give(one, nonce), /^given key has already been provided during this generation operation$/);
    refused(await give(damaged(one), nonce), /a different share of the same number was given before/);
    refused(await give(two.slice(2), nonce), /^a share has 33 bytes \(66 hexadecimal digits\); this one has 32/);
    refused(await give(`${two.slice(0, 64)}00`, nonce), /no share has the number 0/);
    refused(
      await give(damaged(two), nonce),
      /^the shares do not open their slot: at least one is damaged, of an older set, or of another ledger/,
    );
    assert.is((await call('GET', 'sys/rekey/init')).body.progress, 0);
  });

  test('overwrites the shares that were given when the server is sealed, not when somebody asks again', async () => {
    const { nexus } = cluster.node.program;
    const { session } = nexus;
    assert.ok(session);
    const [attempt, quorum] = [new Attempt<{ end(): void }>(), new Quorum('generation')];
    attempt.begin(session, { end: () => quorum.forget() });
    await quorum.give(session.custody.ledger, await shareSlotOf(session), Buffer.from(shares[0] ?? '', 'hex'));
    assert.is(quorum.progress, 1);
    await nexus.seal();
    assert.is(quorum.progress, 0);
    await reopen(cluster.node, shares.slice(0, 2));
  });

  test('exchanges the shares: the new ones open, the old ones do not', async () => {
    const nonce = await start({ secret_shares: 5, secret_threshold: 3 });
    const [one = '', two = ''] = shares;
    const first = await give(Buffer.from(one, 'hex').toString('base64'), nonce);
    assert.equal([first.body.progress, first.body.started, first.body.t, first.body.n], [1, true, 3, 5]);
    const done = await give(two, nonce);
    assert.equal([done.body.complete, done.body.nonce, done.body.keys.length], [true, nonce, 5]);
    assert.is(done.body.keys_base64[4], Buffer.from(done.body.keys[4], 'hex').toString('base64'));
    const fresh = handedOut(done.body.keys);
    const status = await call('GET', 'sys/seal-status');
    assert.equal([status.body.t, status.body.n], [3, 5]);
    const old = await reopen(cluster.node, shares);
    assert.is(old.status, 400, old.text);
    assert.match(old.text, /of an older set, or of another ledger/);
    const mixed = await reopen(cluster.node, [shares[0] ?? '', fresh[0] ?? '', fresh[1] ?? '']);
    assert.is(mixed.status, 400, mixed.text);
    const opened = await reopen(
      cluster.node,
      [4, 0, 2].map(i => fresh[i] ?? ''),
    );
    assert.is(opened.body.sealed, false);
    shares = fresh;
  });

  test('with verification, the old shares open until enough of the new were given back', async () => {
    const nonce = await start({ secret_shares: 3, secret_threshold: 2, require_verification: true });
    for (const share of shares.slice(0, 2)) await give(share, nonce);
    const done = (await give(shares[2] ?? '', nonce)).body;
    assert.equal([done.complete, done.verification_required], [true, true]);
    const fresh = handedOut(done.keys);
    const verify = (key: string, verifying: string): Promise<Reply> => give(key, verifying, 'sys/rekey/verify');
    const started = (await call('GET', 'sys/rekey/verify')).body;
    assert.equal(started, { nonce: done.verification_nonce, started: true, t: 2, n: 3, progress: 0 });
    assert.is((await call('GET', 'sys/rekey/init')).body.verification_nonce, done.verification_nonce);
    refused(await give(shares[0] ?? '', nonce), /^rekey operation already finished; verification must be performed/);
    refused(await verify(fresh[0] ?? '', nonce), /nonce for this verify operation is/);
    assert.is((await verify(fresh[0] ?? '', started.nonce)).body.progress, 1);
    refused(await verify(fresh[0] ?? '', started.nonce), /already been provided during this verify operation$/);
    refused(await verify(damaged(fresh[1] ?? ''), started.nonce), /do not open their slot/);
    const again = (await call('GET', 'sys/rekey/verify')).body;
    assert.is.not(again.nonce, started.nonce);
    const restarted = (await call('DELETE', 'sys/rekey/verify')).body;
    assert.equal([restarted.progress, restarted.nonce === again.nonce], [0, false]);
    assert.is((await verify(fresh[2] ?? '', restarted.nonce)).status, 200);
    assert.equal((await verify(fresh[1] ?? '', restarted.nonce)).body, { nonce: restarted.nonce, complete: true });
    refused(await call('GET', 'sys/rekey/verify'), /^no rekey configuration found$/);
    assert.is((await reopen(cluster.node, shares.slice(0, 2))).status, 400);
    assert.is((await reopen(cluster.node, fresh.slice(0, 2))).body.sealed, false);
    shares = fresh;
  });

  test('that is not verified changes nothing', async () => {
    const nonce = await start({ secret_shares: 1, secret_threshold: 1, require_verification: true });
    for (const share of shares.slice(0, 2)) await give(share, nonce);
    assert.is((await call('DELETE', 'sys/rekey/init')).status, 204);
    assert.is((await reopen(cluster.node, shares.slice(1))).body.sealed, false);
  });

  test('encrypts each share to its holder, and keeps them until somebody says that they arrived', async () => {
    const people = await Promise.all(['ada', 'bob', 'cy'].map(pgpPerson));
    const nonce = await start({
      secret_shares: 3,
      secret_threshold: 2,
      backup: true,
      pgp_keys: people.map(each => each.publicKey),
    });
    await give(shares[0] ?? '', nonce);
    const done = (await give(shares[1] ?? '', nonce)).body;
    assert.equal(
      done.pgp_fingerprints,
      people.map(each => each.fingerprint),
    );
    const own = await Promise.all(people.map((each, i) => each.decrypt(Buffer.from(done.keys[i], 'hex'))));
    assert.is((await reopen(cluster.node, own.slice(0, 2))).body.sealed, false);
    shares = handedOut(own);
    const { data } = (await call('GET', 'sys/rekey/backup')).body;
    assert.is(data.nonce, nonce);
    for (const [i, { fingerprint }] of people.entries()) {
      assert.equal(data.keys[fingerprint], [done.keys[i]]);
      assert.equal(data.keys_base64[fingerprint], [done.keys_base64[i]]);
    }
    const owner = await cluster.db.client();
    const rows = async (): Promise<number> =>
      Number((await owner.query('select count(*) from keys where kind = 4')).rows[0].count);
    const before = await rows();
    assert.is((await call('DELETE', 'sys/rekey/backup')).status, 204);
    assert.is(await rows(), before - 1);
    refused(await call('GET', 'sys/rekey/backup'), /^no backed-up keys found$/);
  });

  test('encrypts to age recipients, in the newer form as well', async () => {
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    const begun = await call('POST', 'sys/rotate/root/init', {
      secret_shares: 1,
      secret_threshold: 1,
      age_recipients: [recipient],
    });
    const { nonce } = begun.body.data;
    await give(shares[0] ?? '', nonce, 'sys/rotate/root/update');
    const done = (await give(shares[1] ?? '', nonce, 'sys/rotate/root/update')).body.data;
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const one = await decrypter.decrypt(Uint8Array.from(Buffer.from(done.keys[0], 'hex')), 'text');
    assert.match(one, /^[0-9a-f]{64}$/);
    assert.is((await reopen(cluster.node, [one])).body.sealed, false);
    shares = handedOut([one]);
  });

  test('ends with the session in which it began', async () => {
    await start({ secret_shares: 1, secret_threshold: 1 });
    await reopen(cluster.node, shares);
    assert.is((await call('GET', 'sys/rekey/init')).body.started, false);
  });

  test('is told by the audit trail, which holds no share; nor does the log', async () => {
    const trail = await cluster.node.call('GET', 'sys/ledger/events?type=keystore.changed&limit=1000');
    const changes = trail.body.data.events.map((each: Json) => each.change.what);
    assert.equal(changes, ['created', 'rekey', 'rekey', 'rekey', 'backup-removed', 'rekey']);
    await cluster.node.program.nexus.session?.recorder.flush();
    const failures = await cluster.node.call('GET', 'sys/ledger/events?outcome=failed&limit=1000');
    const ofShares = failures.body.data.events.filter((each: Json) => each.reason_code === 'shares');
    assert.equal(
      ofShares.map((each: Json) => each.path),
      ['sys/rekey/update', 'sys/rekey/verify'],
    );
    const everything = trail.text + failures.text + cluster.node.log.join('\n');
    for (const share of seen)
      for (const text of [share, Buffer.from(share, 'hex').toString('base64')])
        assert.is(everything.includes(text), false);
  });
});
