/** What custody holds is held once: whatever it lets go of is overwritten. */
import * as assert from 'uvu/assert';
import { keyCopy } from '../../src/crypto/bytes.js';
import { randomBytes } from '../../src/crypto/random.js';
import { Custody } from '../../src/keys/custody.js';
import { KeyringKind } from '../../src/keys/key-kinds.js';
import { Keyring, newEntry, newKeyring } from '../../src/keys/keyring.js';
import { describe } from '../support/describe.js';

const isWiped = (bytes: Buffer): boolean => bytes.every(byte => byte === 0);

describe('a keyring that another node replaced', test => {
  test('leaves no second copy of a key in memory, and no key that is gone', () => {
    const first = newKeyring(0, 1);
    const custody = new Custody(randomBytes(16), randomBytes(32), first, new Map());
    const share = first.entries.find(({ kind }) => kind === KeyringKind.share);
    assert.ok(share);
    // As it comes out of the database: the same keys in other memory, one gone and one new.
    const kept = first.entries.filter(entry => entry !== share);
    const added = newEntry(KeyringKind.share, 2, 0);
    const read = [...kept.map(entry => ({ ...entry, bytes: keyCopy(entry.bytes) })), added];
    custody.replaceKeyring(new Keyring(2, 1, read));

    assert.ok(isWiped(share.bytes), 'the share that is gone');
    assert.is(custody.keyring.generation, 2);
    assert.is(custody.keyring.share(2), added.bytes);
    for (const [i, { bytes }] of kept.entries()) {
      assert.not(isWiped(bytes), 'a key in use');
      assert.is(custody.keyring.entries[i]?.bytes, bytes, 'the one copy');
      assert.ok(isWiped(read[i]?.bytes ?? bytes), 'the other copy');
    }
    custody.wipe();
    for (const { bytes } of [...first.entries, ...read]) assert.ok(isWiped(bytes));
    assert.is(custody.rowKey(1), null, 'nothing is signed with a key of zeros');
    assert.throws(() => custody.keyring.indexKey, /no key of kind/);
  });
});

describe('custody that has ended', test => {
  test('holds no key that comes late', () => {
    const custody = new Custody(randomBytes(16), randomBytes(32), newKeyring(0, 1), new Map());
    custody.wipe();
    const [root, headerKey, next] = [randomBytes(32), randomBytes(32), newKeyring(0, 1)];
    custody.replaceRoot(root, next);
    custody.addEpoch(2, headerKey);
    for (const bytes of [root, headerKey, custody.rootKey, ...next.entries.map(entry => entry.bytes)])
      assert.ok(isWiped(bytes));
    assert.is(custody.dayKey(2, 1), null);
    assert.throws(() => custody.keyring.indexKey, /no key of kind/);
  });
});
