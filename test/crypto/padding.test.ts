/** Padding: lengths tell little, nothing is lost, and what was not padded here is refused. */
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { pad, pad32, padBlock, paddedLength, padText, unpad, unpad32, unpadBlock } from '../../src/crypto/padding.js';
import { describe } from '../support/describe.js';

const anyBytes = fc.uint8Array({ maxLength: 6000 }).map(x => Buffer.from(x));

/** A padded buffer and a bit behind its content that is to be zero; null when there is no room. */
const withBit = (padded: Buffer, from: number, pick: number): Buffer | null => {
  if (from >= padded.length) return null;
  const at = from + (pick % (padded.length - from));
  const copy = Buffer.from(padded);
  copy.writeUInt8(1 << (pick & 7), at);
  return copy;
};

describe('padding', test => {
  test('is taken off again, for any bytes', () => {
    fc.assert(
      fc.property(anyBytes, x => {
        assert.equal(unpad(pad(x)), x);
        assert.equal(unpad32(pad32(x)), x);
      }),
    );
  });

  test('of a text is that of its bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), text => {
        assert.equal(padText(text), pad(Buffer.from(text, 'utf8')));
      }),
    );
  });

  test('goes to multiples of 256 up to 4,096 bytes, length field included', () => {
    for (let n = 0; n <= 4092; n += 1) assert.is(pad(Buffer.alloc(n)).length, Math.ceil((n + 4) / 256) * 256);
  });

  test('goes to a Padmé length above: at most 12 % more, and few lengths', () => {
    const lengths = new Set<number>();
    for (let n = 4097; n < 1_100_000; n += 7) {
      const length = paddedLength(n);
      assert.ok(length >= n && length - n <= n * 0.12);
      assert.is(paddedLength(length), length);
      lengths.add(length);
    }
    assert.ok(lengths.size < 200);
  });

  test('never goes down when the content grows', () => {
    for (let n = 4, last = 0; n < 20_000; n += 1) {
      const length = paddedLength(n);
      assert.ok(length >= last);
      last = length;
    }
  });

  test('of names goes to multiples of 32', () => {
    for (let n = 0; n < 300; n += 1) assert.is(pad32(Buffer.alloc(n)).length, Math.ceil((n + 4) / 32) * 32);
  });

  test('is refused when any byte behind the content is not zero', () => {
    fc.assert(
      fc.property(anyBytes, fc.nat(), (x, pick) => {
        for (const [padded, strip] of [
          [pad(x), unpad],
          [pad32(x), unpad32],
        ] as const) {
          const spoiled = withBit(padded, x.length + 4, pick);
          if (spoiled !== null) assert.is(strip(spoiled), null);
        }
      }),
    );
  });

  test('is refused when its very last byte, or the first behind the content, is not zero', () => {
    for (const n of [0, 1, 200, 4000, 9000]) {
      const padded = pad(Buffer.alloc(n, 9));
      for (const at of [n + 4, padded.length - 1]) {
        const spoiled = Buffer.from(padded);
        spoiled.writeUInt8(1, at);
        assert.is(unpad(spoiled), null);
      }
    }
  });

  test('is refused when it is longer or shorter than it has to be', () => {
    const padded = pad(Buffer.from('value'));
    assert.is(unpad(Buffer.concat([padded, Buffer.alloc(256)])), null);
    assert.is(unpad(padded.subarray(0, 255)), null);
    assert.is(unpad32(Buffer.concat([pad32(Buffer.from('value')), Buffer.alloc(32)])), null);
    for (let n = 0; n < 4; n += 1) assert.is(unpad(Buffer.alloc(n)), null);
  });

  test('is refused when its length field points beyond it', () => {
    const padded = pad(Buffer.from('value'));
    for (const length of [253, 256, 0xffffffff]) {
      padded.writeUInt32BE(length, 0);
      assert.is(unpad(padded), null);
    }
  });
});

describe('a block', test => {
  test('opens to its lines again, padded to a multiple of 4,096', () => {
    fc.assert(
      fc.property(anyBytes, fc.nat({ max: 20 }), (x, times) => {
        const lines = Buffer.concat(Array.from({ length: times }, () => x));
        const padded = padBlock(lines);
        assert.ok(padded.length >= 4096 && padded.length % 4096 === 0);
        assert.equal(unpadBlock(padded), lines);
      }),
    );
  });

  test('of repetitive lines is small: it is compressed before it is padded', () => {
    assert.is(padBlock(Buffer.alloc(100_000, 'GET /v1/secret/data/team/db\n')).length, 4096);
  });

  test('is refused when anything follows the compressed lines', () => {
    const padded = padBlock(Buffer.from('a line\n'));
    const end = deflateRawSync(Buffer.from('a line\n')).length;
    for (const at of [end, end + 1, padded.length - 1]) {
      const spoiled = Buffer.from(padded);
      spoiled.writeUInt8(1, at);
      assert.is(unpadBlock(spoiled), null);
    }
  });

  test('is refused when it has a page too many, is cut, empty or no deflate stream', () => {
    const padded = padBlock(Buffer.from('a line\n'));
    assert.is(unpadBlock(Buffer.concat([padded, Buffer.alloc(4096)])), null);
    assert.is(unpadBlock(padded.subarray(0, 4095)), null);
    assert.is(unpadBlock(Buffer.alloc(0)), null);
    assert.is(unpadBlock(Buffer.alloc(4096, 0xff)), null);
  });

  test('is refused when it inflates beyond 64 MiB', () => {
    assert.is(unpadBlock(padBlock(Buffer.alloc(64 * 1024 * 1024 + 1))), null);
  });
});
