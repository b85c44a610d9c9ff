/** The smallest parts of the formats: integers, strings, labels, UUIDs. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  concat,
  constantTimeEqual,
  keyBuffer,
  keyCopy,
  keyFromText,
  label,
  passing,
  str,
  u8,
  u16,
  u32,
  u64,
  uuidBytes,
  uuidText,
  wipe,
  ZERO_UUID,
} from '../../src/crypto/bytes.js';
import { describe } from '../support/describe.js';
import { hex } from './support/given.js';

const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(x => Buffer.from(x));

describe('an integer', test => {
  test('is big-endian', () => {
    assert.is(hex(u8(0x01)), '01');
    assert.is(hex(u16(0x0102)), '0102');
    assert.is(hex(u32(0x01020304)), '01020304');
    assert.is(hex(u64(0x01020304050607)), '0001020304050607');
  });

  test('takes its largest value and refuses one more, a negative one and a fraction', () => {
    for (const [write, max] of [
      [u8, 2 ** 8 - 1],
      [u16, 2 ** 16 - 1],
      [u32, 2 ** 32 - 1],
      [u64, Number.MAX_SAFE_INTEGER],
    ] as const) {
      assert.is(BigInt(`0x${hex(write(max))}`), BigInt(max));
      for (const wrong of [max + 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
        assert.throws(() => write(wrong), /not an unsigned integer/);
    }
  });
});

describe('a string', test => {
  test('is its length and its UTF-8', () => {
    assert.is(hex(str('')), '00');
    assert.is(hex(str('é')), '02c3a9');
    assert.is(hex(label('row')), `11${Buffer.from('tallystick/v1/row').toString('hex')}`);
  });

  test('has at most 255 bytes, however many characters', () => {
    assert.is(str('x'.repeat(255)).length, 256);
    assert.throws(() => str('x'.repeat(256)), /255/);
    assert.throws(() => str('é'.repeat(128)), /255/);
  });
});

describe('a UUID', test => {
  test('holds any 16 bytes, also those that mark no version', () => {
    fc.assert(fc.property(sixteen, bytes => assert.equal(uuidBytes(uuidText(bytes)), bytes)));
    assert.equal(uuidBytes(ZERO_UUID), Buffer.alloc(16));
  });

  test('has one text: everything else is refused', () => {
    const right = '00112233-4455-6677-8899-aabbccddeeff';
    assert.is(hex(uuidBytes(right)), '00112233445566778899aabbccddeeff');
    for (const wrong of [
      '',
      right.toUpperCase(),
      right.replaceAll('-', ''),
      right.slice(1),
      `${right}0`,
      ` ${right.slice(1)}`,
      '001122334-455-6677-8899-aabbccddeeff',
      '00112233-4455-6677-8899-aabbccddeefg',
      '00112233-4455-6677-8899-aabbccddeefİ',
      '001122334455667788990011223344556677',
      '0-112233-4455-6677-8899-aabbccddeeff',
    ])
      assert.throws(() => uuidBytes(wrong), /not a UUID/, wrong);
    assert.throws(() => uuidText(Buffer.alloc(15)), /16 bytes/);
  });

  test('differs from right in one character and is refused or is another', () => {
    fc.assert(
      fc.property(
        sixteen,
        fc.nat({ max: 35 }),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
        (bytes, at, c) => {
          const text = uuidText(bytes);
          const changed = text.slice(0, at) + c + text.slice(at + 1);
          fc.pre(changed !== text);
          try {
            assert.is(uuidText(uuidBytes(changed)), changed);
          } catch (error) {
            assert.instance(error, RangeError);
          }
        },
      ),
    );
  });
});

describe('bytes', test => {
  test('of keys are off the heap, where no collection leaves copies of them', () => {
    const before = process.memoryUsage().arrayBuffers;
    const keys = Array.from({ length: 20_000 }, (_, i) => keyCopy(Buffer.alloc(32, i)));
    assert.ok(process.memoryUsage().arrayBuffers - before > 20_000 * 30);
    assert.ok(keys.every((key, i) => key.equals(Buffer.alloc(32, i))));
    assert.equal(keyFromText('ff00', 'hex'), Buffer.from([255, 0]));
    assert.equal(keyFromText('AQI=', 'base64'), Buffer.from([1, 2]));
  });

  test('are zero at first and nobody else’s, whatever was wiped or dropped before', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1500 }), { minLength: 1, maxLength: 200 }), lengths => {
        const all = lengths.map((length, i) => {
          const bytes = keyBuffer(length);
          assert.is(bytes.length, length);
          assert.ok(bytes.every(byte => byte === 0));
          return bytes.fill((i % 255) + 1);
        });
        assert.ok(all.every((bytes, i) => bytes.every(byte => byte === (i % 255) + 1)));
      }),
    );
  });

  test('are joined outside of the pool that Node hands out again uncleared', () => {
    const pool = Buffer.from('pool').buffer;
    for (const joined of [concat(Buffer.from('a'), Buffer.from('bc')), str('abc'), u32(7), uuidBytes(ZERO_UUID)])
      assert.is.not(joined.buffer, pool);
    assert.is(concat(Buffer.from('a'), Buffer.alloc(0), Buffer.from('bc')).toString(), 'abc');
  });

  test('on their way to a hash are the same, however long they are together', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 4 }), parts => {
        assert.equal(Buffer.from(passing(...parts)), concat(...parts));
      }),
    );
  });

  test('are compared by length and content', () => {
    assert.ok(constantTimeEqual(Buffer.from('abc'), Buffer.from('abc')));
    assert.not(constantTimeEqual(Buffer.from('abc'), Buffer.from('abd')));
    assert.not(constantTimeEqual(Buffer.from('abc'), Buffer.from('ab')));
    assert.ok(constantTimeEqual(Buffer.alloc(0), Buffer.alloc(0)));
  });

  test('are zero after they are wiped', () => {
    const [a, b] = [Buffer.from('secret'), Buffer.from('key')];
    wipe(a, b);
    assert.equal([a, b], [Buffer.alloc(6), Buffer.alloc(3)]);
  });
});
