/** The sealed box: what was sealed opens, and nothing that differs in any way does. */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  BOX_OVERHEAD,
  type BoxLabel,
  boxKey,
  knownAnswerTest,
  open,
  openingKey,
  openWith,
  type Provider,
  type Suite,
  seal,
} from '../../src/crypto/box.js';
import { randomBytes } from '../../src/crypto/random.js';
import { describe } from '../support/describe.js';
import { ledger, salt, seq } from './support/given.js';

const key = boxKey('body', seq(0x40, 32));
const context = Buffer.from('context');
const plaintext = Buffer.from('the launch code is 0000');

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(x => Buffer.from(x));
const anyBytes = fc.uint8Array({ maxLength: 600 }).map(x => Buffer.from(x));
const suites = fc.constantFrom<Suite>(1, 2);
const providers = fc.constantFrom<Provider>('native', 'noble');
const LABELS: readonly BoxLabel[] = [
  'header',
  'body',
  'block',
  'name',
  'key',
  'slot',
  'keyring',
  'snapshot',
  'plan',
  'batch-token',
];

const EVERY_WAY: readonly (readonly [Suite, Provider])[] = [
  [1, 'native'],
  [1, 'noble'],
  [2, 'native'],
  [2, 'noble'],
];

describe('a sealed box', test => {
  test('opens for any bytes, context, key, suite and pair of providers', () => {
    fc.assert(
      fc.property(
        bytesOf(32),
        bytesOf(16),
        anyBytes,
        anyBytes,
        suites,
        providers,
        providers,
        (k, l, c, x, suite, by, to) => {
          const box = seal('body', boxKey('body', k), l, c, x, { suite, provider: by });
          assert.is(box.length, x.length + BOX_OVERHEAD);
          assert.is(box[0], suite);
          assert.equal(open('body', boxKey('body', k), l, c, box, { provider: to }), x);
        },
      ),
    );
  });

  test('opens for a body of 1 MiB, and for none at all', () => {
    for (const [suite, provider] of EVERY_WAY)
      for (const x of [Buffer.alloc(1_048_576, 7), Buffer.alloc(0)])
        assert.equal(open('body', key, ledger, context, seal('body', key, ledger, context, x, { suite, provider })), x);
  });

  test('is the same bytes from both providers', () => {
    fc.assert(
      fc.property(anyBytes, bytesOf(24), suites, (x, s, suite) => {
        const [native, noble] = (['native', 'noble'] as const).map(provider =>
          seal('body', key, ledger, context, x, { suite, salt: s, provider }),
        );
        assert.equal(native, noble);
      }),
    );
  });

  test('is another one each time, since its salt is random', () => {
    const boxes = Array.from({ length: 64 }, () => seal('body', key, ledger, context, plaintext).toString('hex'));
    assert.is(new Set(boxes).size, 64);
  });

  test('leaves key, context and plaintext as they were', () => {
    const [k, c, x] = [Buffer.from(key), Buffer.from(context), Buffer.from(plaintext)];
    const box = seal('body', key, ledger, context, plaintext);
    const sealed = Buffer.from(box);
    open('body', key, ledger, context, box);
    assert.equal([Buffer.from(key), context, plaintext, box], [k, c, x, sealed]);
  });

  test('does not hold its plaintext', () => {
    for (const [suite, provider] of EVERY_WAY)
      assert.not(
        seal('body', key, ledger, context, plaintext, { suite, provider }).includes(plaintext.subarray(4, 12)),
      );
  });
});

describe('a box that is not the one that was sealed', test => {
  test('does not open when any single bit is flipped', () => {
    for (const [suite, provider] of EVERY_WAY) {
      const box = seal('body', key, ledger, context, plaintext, { suite, provider });
      for (let bit = 0; bit < box.length * 8; bit += 1) {
        const flipped = Buffer.from(box);
        flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        assert.is(open('body', key, ledger, context, flipped, { provider }), null, `bit ${bit}`);
      }
    }
  });

  test('does not open under a key that differs in any single bit', () => {
    const box = seal('body', key, ledger, context, plaintext);
    for (let bit = 0; bit < 256; bit += 1) {
      const other = Buffer.from(key);
      other.writeUInt8(other.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.is(open('body', boxKey('body', other), ledger, context, box), null);
    }
  });

  test('does not open in another ledger', () => {
    fc.assert(
      fc.property(bytesOf(16), other => {
        fc.pre(!other.equals(ledger));
        assert.is(open('body', key, other, context, seal('body', key, ledger, context, plaintext)), null);
      }),
    );
  });

  test('does not open in another context, not even in one that is longer or shorter', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (c, other) => {
        fc.pre(!other.equals(c));
        const box = seal('body', key, ledger, c, plaintext);
        assert.is(open('body', key, ledger, other, box), null);
        assert.is(open('body', key, ledger, Buffer.concat([c, Buffer.alloc(1)]), box), null);
      }),
    );
  });

  test('does not open under any other label, with the same bytes as key', () => {
    for (const sealedAs of LABELS) {
      const box = seal(sealedAs, boxKey(sealedAs, key), ledger, context, plaintext);
      for (const openedAs of LABELS) {
        const opened = open(openedAs, boxKey(openedAs, key), ledger, context, box);
        assert.equal(opened, openedAs === sealedAs ? plaintext : null);
      }
    }
  });

  test('does not open when it is cut or lengthened', () => {
    const box = seal('body', key, ledger, context, plaintext);
    for (let length = 0; length < box.length; length += 1)
      assert.is(open('body', key, ledger, context, box.subarray(0, length)), null);
    assert.is(open('body', key, ledger, context, Buffer.concat([box, Buffer.alloc(1)])), null);
  });

  test('does not open as another suite, known or unknown', () => {
    const box = seal('body', key, ledger, context, plaintext);
    for (const suite of [0, 2, 3, 255]) {
      const other = Buffer.from(box);
      other.writeUInt8(suite, 0);
      assert.is(open('body', key, ledger, context, other), null);
    }
  });

  test('does not open when it is noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), noise => {
        assert.is(open('body', key, ledger, context, Buffer.from([1, ...noise])), null);
      }),
    );
  });
});

const openingOf = (box: Buffer): Buffer => {
  const opening = openingKey('body', key, ledger, context, box);
  if (opening === null) throw new Error('the box is its own');
  return opening;
};

describe('the opening key of a box', test => {
  test('opens that box, again and again, by either provider, and stays as it was', () => {
    for (const [suite, provider] of EVERY_WAY) {
      const box = seal('body', key, ledger, context, plaintext, { suite });
      const opening = openingOf(box);
      const before = Buffer.from(opening);
      for (const _ of [1, 2]) assert.equal(openWith(opening, box, { provider }), plaintext);
      assert.equal(opening, before);
    }
  });

  test('is not made with another label, key, ledger or context, nor for a box that is cut', () => {
    const box = seal('body', key, ledger, context, plaintext);
    assert.is(openingKey('header', boxKey('header', key), ledger, context, box), null);
    assert.is(openingKey('body', boxKey('body', seq(0x41, 32)), ledger, context, box), null);
    assert.is(openingKey('body', key, seq(9, 16), context, box), null);
    assert.is(openingKey('body', key, ledger, Buffer.from('other'), box), null);
    assert.is(openingKey('body', key, ledger, context, box.subarray(0, BOX_OVERHEAD - 1)), null);
  });

  test('opens no other box, not even of the same key and plaintext, and not its own once that was changed', () => {
    const box = seal('body', key, ledger, context, plaintext);
    const other = seal('body', key, ledger, context, plaintext);
    const opening = openingOf(box);
    assert.is(openWith(opening, other), null);
    for (let at = 57; at < box.length; at += 1) {
      const flipped = Buffer.from(box);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
      assert.is(openWith(opening, flipped), null, `byte ${at}`);
    }
    assert.is(openWith(opening, box.subarray(0, 60)), null);
  });
});

describe('the key of a box', test => {
  test('cannot seal or open under another label: that does not compile', () => {
    const headerKey = boxKey('header', randomBytes(32));
    // @ts-expect-error A header key is no body key.
    const box = seal('body', headerKey, ledger, context, plaintext);
    // @ts-expect-error Nor does one open with it.
    open('body', headerKey, ledger, context, box);
    // @ts-expect-error And plain bytes are no key.
    open('body', Buffer.alloc(32), ledger, context, box);
  });

  test('has 32 bytes, the ledger id 16, the salt of a vector 24', () => {
    assert.throws(() => boxKey('body', Buffer.alloc(31)), /32 bytes/);
    assert.throws(() => boxKey('body', Buffer.alloc(33)), /32 bytes/);
    assert.throws(() => seal('body', key, Buffer.alloc(15), context, plaintext), /16 bytes/);
    assert.throws(() => seal('body', key, ledger, context, plaintext, { salt: salt.subarray(1) }), /24 bytes/);
  });
});

/** Runs `work` while the platform's `name` is another function, and puts it back. */
const withPlatform = async (
  name: 'createCipheriv' | 'createDecipheriv' | 'createHmac',
  other: unknown,
  work: () => void | Promise<void>,
): Promise<void> => {
  const real = crypto[name];
  const replace = (by: unknown): void => {
    Object.assign(crypto, { [name]: by });
    syncBuiltinESMExports();
  };
  replace(other);
  try {
    await work();
  } finally {
    replace(real);
  }
};

describe('the known-answer test', test => {
  const { createCipheriv, createDecipheriv, createHmac } = crypto;

  test('passes on this build', () => {
    knownAnswerTest();
  });

  test('throws when the platform encrypts otherwise than the reference', async () => {
    const otherwise = (name: 'aes-256-gcm', k: Buffer, iv: Buffer) =>
      createCipheriv(name, Buffer.from(k).reverse(), iv);
    await withPlatform('createCipheriv', otherwise, () => assert.throws(knownAnswerTest, /suite 1 \(native\) failed/));
  });

  test('throws when the platform takes any tag', async () => {
    const credulous = (name: 'aes-256-gcm', k: Buffer, iv: Buffer, options: { authTagLength: number }) =>
      Object.assign(createDecipheriv(name, k, iv, options), { final: () => Buffer.alloc(0) });
    await withPlatform('createDecipheriv', credulous, () => assert.throws(knownAnswerTest, /failed/));
  });

  test('throws when both providers agree on other bytes than the stored ones', async () => {
    const otherwise = (name: string, k: Buffer) => createHmac(name, Buffer.from(k).reverse());
    await withPlatform('createHmac', otherwise, () => assert.throws(knownAnswerTest, /failed/));
    knownAnswerTest();
  });

  test('passes on a platform without ChaCha20, where boxes are the same bytes by the reference', async () => {
    const lacking = (name: 'aes-256-gcm', k: Buffer, iv: Buffer, options: { authTagLength: number }) => {
      if (name !== 'aes-256-gcm') throw new Error('Unknown cipher');
      return createCipheriv(name, k, iv, options);
    };
    await withPlatform('createCipheriv', lacking, async () => {
      const url = new URL('../../src/crypto/box.js?lacking', import.meta.url).href;
      const there: typeof import('../../src/crypto/box.js') = await import(url);
      there.knownAnswerTest();
      for (const suite of [1, 2] as const) {
        const box = there.seal('body', key, ledger, context, plaintext, { suite, salt });
        assert.equal(box, seal('body', key, ledger, context, plaintext, { suite, salt, provider: 'noble' }));
        assert.equal(there.open('body', key, ledger, context, box), plaintext);
      }
    });
  });
});
