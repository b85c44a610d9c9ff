/** Deterministic CBOR: the examples of RFC 8949, the shortest form of everything, one encoding whatever the order. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type CborItem, encodeFacts, encodeItems } from '../../src/crypto/cbor.js';
import type { Fact, Facts } from '../../src/domain/facts.js';
import { describe } from '../support/describe.js';
import { hex } from './support/given.js';

/** One item, without the head of the array around it. */
const one = (item: CborItem): string => hex(encodeItems([item])).slice(2);

const fact: fc.Arbitrary<Fact> = fc.letrec<{ fact: Fact }>(tie => ({
  fact: fc.oneof(
    { maxDepth: 2 },
    fc.nat(),
    fc.maxSafeNat(),
    fc.boolean(),
    fc.uuid(),
    fc.array(tie('fact'), { maxLength: 4 }),
  ),
})).fact;
const name = fc.stringMatching(/^[a-z_]{1,30}$/);
const entries = fc.uniqueArray(fc.tuple(name, fact), { selector: ([key]) => key, maxLength: 8 });

describe('CBOR', test => {
  test('is that of RFC 8949 appendix A', () => {
    const examples: readonly (readonly [CborItem, string])[] = [
      [0, '00'],
      [1, '01'],
      [10, '0a'],
      [23, '17'],
      [24, '1818'],
      [25, '1819'],
      [100, '1864'],
      [1000, '1903e8'],
      [1_000_000, '1a000f4240'],
      [1_000_000_000_000, '1b000000e8d4a51000'],
      [false, 'f4'],
      [true, 'f5'],
      [null, 'f6'],
      [Buffer.alloc(0), '40'],
      [Buffer.from('01020304', 'hex'), '4401020304'],
      ['', '60'],
      ['a', '6161'],
      ['IETF', '6449455446'],
      ['"\\', '62225c'],
      ['ü', '62c3bc'],
      ['水', '63e6b0b4'],
      ['𐅑', '64f0908591'],
      [[], '80'],
      [[1, 2, 3], '83010203'],
      [[1, [2, 3], [4, 5]], '8301820203820405'],
    ];
    for (const [item, expected] of examples) assert.is(one(item), expected);
    assert.is(
      hex(encodeItems(Array.from({ length: 25 }, (_, i) => i + 1))),
      '98190102030405060708090a0b0c0d0e0f101112131415161718181819',
    );
    assert.is(hex(encodeFacts({})), 'a0');
  });

  test('takes the shortest form on both sides of every step', () => {
    for (const [n, expected] of [
      [0xff, '18ff'],
      [0x100, '190100'],
      [0xffff, '19ffff'],
      [0x10000, '1a00010000'],
      [0xffff_ffff, '1affffffff'],
      [0x1_0000_0000, '1b0000000100000000'],
      [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
    ] as const)
      assert.is(one(n), expected);
    for (const [length, head] of [
      [23, '57'],
      [24, '5818'],
      [255, '58ff'],
      [256, '590100'],
      [65_536, '5a00010000'],
    ] as const) {
      assert.is(one(Buffer.alloc(length)).slice(0, head.length), head);
      assert.is(one(Buffer.alloc(length)).length, head.length + 2 * length);
    }
  });

  test('of facts is the same whatever the order of the names', () => {
    fc.assert(
      fc.property(
        entries.chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          assert.equal(encodeFacts(Object.fromEntries(list)), encodeFacts(Object.fromEntries(shuffled)));
        },
      ),
    );
  });

  test('of facts sorts shorter names first, equal lengths by their bytes', () => {
    const keys = hex(encodeFacts({ aaa: 0, b: 0, é: 0, aa: 0, z: 0, zz: 0 }));
    assert.is(keys, 'a661620061' + '7a0062' + '616100627a7a0062c3a90063' + '61616100');
  });

  test('of facts that differ is different', () => {
    fc.assert(
      fc.property(entries, entries, (one, two) => {
        const [a, b]: Facts[] = [Object.fromEntries(one), Object.fromEntries(two)];
        const same = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
        assert.is(encodeFacts(a ?? {}).equals(encodeFacts(b ?? {})), same);
      }),
    );
  });

  test('holds no negative number, fraction, unsafe integer or map', () => {
    for (const wrong of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(
        () => encodeItems([wrong]),
        (error: unknown) => error instanceof RangeError,
      );
      assert.throws(
        () => encodeFacts({ n: [wrong] }),
        (error: unknown) => error instanceof RangeError,
      );
    }
    // What a forged row may hold, whatever the types say.
    for (const wrong of ['{"a":{"b":1}}', '{"a":[{}]}']) {
      const forged: Facts = JSON.parse(wrong);
      assert.throws(
        () => encodeFacts(forged),
        (error: unknown) => error instanceof TypeError,
      );
    }
  });
});

const sorted = (facts: Facts | undefined): [string, Fact][] =>
  Object.entries(facts ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

describe('facts', test => {
  test('of other names never borrow the order of earlier ones, not even where their names run together', () => {
    encodeFacts({ 'a\0b': 1, c: 2 });
    assert.is(hex(encodeFacts({ a: 1, 'b\0c': 2 })), 'a26161016362006302');
  });

  test('without a value are refused', () => {
    const facts: Record<string, never> = Object.fromEntries([['version', undefined as never]]);
    assert.throws(() => encodeFacts(facts), /CBOR/);
  });
});
