/**
 * Why a box commits to its key (formats.md §1): bare ChaCha20-Poly1305 does not. Whoever may choose two keys can make one
 * ciphertext that opens under both, to two values. The key store is mutable, so a body could be given a second meaning.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import * as assert from 'uvu/assert';
import { boxKey, open } from '../../src/crypto/box.js';
import { concat, label } from '../../src/crypto/bytes.js';
import { describe } from '../support/describe.js';
import { ledger, salt, seq } from './support/given.js';

const NONCE = Buffer.alloc(12);
const P = 2n ** 130n - 5n;
const TWO_128 = 2n ** 128n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

const number = (bytes: Buffer): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
const block = (n: bigint): Buffer => Buffer.from(n.toString(16).padStart(32, '0'), 'hex').reverse();
const mod = (n: bigint): bigint => ((n % P) + P) % P;

const inverse = (n: bigint): bigint => {
  // Fermat: n^(P−2) mod P.
  let [result, base] = [1n, mod(n)];
  for (let e = P - 2n; e > 0n; e >>= 1n) {
    if (e & 1n) result = mod(result * base);
    base = mod(base * base);
  }
  return result;
};

/** RFC 8439 §2.6: r and s are the first 32 bytes of the key stream's block 0. */
const poly1305Key = (key: Buffer): { readonly r: bigint; readonly s: bigint } => {
  const counterAndNonce = Buffer.alloc(16);
  const stream = createCipheriv('chacha20', key, counterAndNonce).update(Buffer.alloc(32));
  return { r: number(stream.subarray(0, 16)) & CLAMP, s: number(stream.subarray(16)) };
};

/** RFC 8439 §2.5, over the ciphertext and then its length; before s is added. */
const poly = (r: bigint, ciphertext: readonly bigint[]): bigint => {
  const lengths = BigInt(16 * ciphertext.length) << 64n;
  return [...ciphertext, lengths].reduce((sum, n) => mod((sum + n + TWO_128) * r), 0n);
};

/**
 * Two blocks and one tag for two keys. Both tags are linear in the second block, so it is solved for; it must come out
 * below 2^128, which every few first blocks it does.
 */
const collide = (one: Buffer, two: Buffer): Buffer => {
  const [a, b] = [poly1305Key(one), poly1305Key(two)];
  const slope = inverse(a.r * a.r - b.r * b.r);
  for (let first = 0n; ; first += 1n) {
    const apart = poly(a.r, [first, 0n]) - poly(b.r, [first, 0n]);
    const wanted = (b.s - a.s + TWO_128) % TWO_128;
    for (let carry = -4n; carry < 4n; carry += 1n) {
      const second = mod((wanted + carry * TWO_128 - apart) * slope);
      if (second >= TWO_128) continue;
      const tags = [a, b].map(({ r, s }) => (poly(r, [first, second]) + s) % TWO_128);
      if (tags[0] === tags[1]) return concat(block(first), block(second), block(tags[0] ?? 0n));
    }
  }
};

/** Throws when the tag is wrong. */
const openBare = (key: Buffer, sealed: Buffer): Buffer => {
  const decipher = createDecipheriv('chacha20-poly1305', key, NONCE, { authTagLength: 16 });
  decipher.setAuthTag(sealed.subarray(-16));
  return concat(decipher.update(sealed.subarray(0, -16)), decipher.final());
};

describe('one ciphertext for two keys', test => {
  test('opens under both, to two values, with bare ChaCha20-Poly1305', () => {
    const [one, two] = [seq(1, 32), seq(101, 32)];
    const both = collide(one, two);
    const values = [openBare(one, both), openBare(two, both)];
    assert.is(values[0]?.length, 32);
    assert.not.equal(values[0], values[1]);
    assert.throws(() => openBare(seq(2, 32), both));
  });

  test('opens under one at most as a sealed box, whichever of the two it commits to', () => {
    const keys = [boxKey('body', seq(1, 32)), boxKey('body', seq(101, 32))] as const;
    const context = Buffer.from('where it belongs');
    const head = concat(Buffer.from([1]), salt);
    const derived = keys.map(key =>
      createHmac('sha512', key)
        .update(concat(head, label('body'), ledger, context))
        .digest(),
    );
    const [m, n] = derived;
    if (m === undefined || n === undefined) throw new Error('two keys were derived');
    const both = collide(m.subarray(0, 32), n.subarray(0, 32));
    // Without the commitment either key would open it …
    assert.not.equal(openBare(m.subarray(0, 32), both), openBare(n.subarray(0, 32), both));
    // … and with it, one does and the other does not.
    const boxes = [m, n].map(secret => concat(head, secret.subarray(32), both));
    const opened = boxes.map(box => keys.map(key => open('body', key, ledger, context, box) !== null));
    assert.equal(opened, [
      [true, false],
      [false, true],
    ]);
  });
});
