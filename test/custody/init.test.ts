/** Init with shares that only their holders can read, and a root token that only one person can. */
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import * as assert from 'uvu/assert';
import { freshNode, type TestNode } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { pgpPerson } from './support.js';

describe('init with recipients', test => {
  let node: TestNode;
  test.before.each(async () => {
    node = await freshNode();
  });
  test.after.each(() => node.stop());

  test('encrypts each share and the root token to a PGP key, and makes no ledger of one that cannot be used', async () => {
    const people = await Promise.all(['ada', 'bob'].map(pgpPerson));
    const [ada, bob] = people;
    if (ada === undefined || bob === undefined) throw new Error('two people');
    const wanted = { secret_shares: 2, secret_threshold: 2 };
    const few = await node.call('PUT', 'sys/init', { ...wanted, pgp_keys: [ada.publicKey] });
    assert.equal(few.body.errors, [
      'invalid seal configuration: count mismatch between number of provided PGP keys and number of shares',
    ]);
    const wrong = await node.call('PUT', 'sys/init', { ...wanted, pgp_keys: [ada.publicKey, 'AAAA'] });
    assert.is(wrong.status, 400);
    assert.is((await node.call('GET', 'sys/init')).body.initialized, false);
    const made = await node.call('PUT', 'sys/init', {
      ...{ ...wanted, pgp_keys: people.map(each => each.publicKey), root_token_pgp_key: bob.publicKey },
    });
    assert.is(made.status, 200, made.text);
    const { keys, keys_base64, root_token } = made.body;
    const own = await Promise.all(people.map((each, i) => each.decrypt(Buffer.from(keys[i], 'hex'))));
    assert.is(await ada.decrypt(Buffer.from(keys_base64[0], 'base64')), own[0]);
    for (const key of own) await node.call('PUT', 'sys/unseal', { key });
    const token = await bob.decrypt(Buffer.from(root_token, 'base64'));
    assert.is((await node.call('GET', 'auth/token/lookup-self', undefined, { token })).status, 200);
  });

  test('encrypts shares to age recipients', async () => {
    const identity = await generateX25519Identity();
    const made = await node.call('PUT', 'sys/init', {
      ...{ secret_shares: 1, secret_threshold: 1, age_recipients: [await identityToRecipient(identity)] },
    });
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const key = await decrypter.decrypt(Uint8Array.from(Buffer.from(made.body.keys[0], 'hex')), 'text');
    assert.is((await node.call('PUT', 'sys/unseal', { key })).body.sealed, false);
  });
});
