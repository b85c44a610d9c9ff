/** Lines of the erasure-key file and the erasure list, byte for byte. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { uuidText } from '../../src/crypto/bytes.js';
import {
  decodeErasedLine,
  decodeErasureKeyLine,
  type ErasureKeyLine,
  encodeErasedLine,
  encodeErasureKeyLine,
} from '../../src/crypto/erasure-lines.js';
import { describe } from '../support/describe.js';
import { erasureKey, keyId, ledger, rowKey, seq } from './support/given.js';

const entry: ErasureKeyLine = { ledger, term: 3, key: erasureKey, created: '2025-11-24T16:00:00.000Z' };
const LINE =
  '1 101112131415161718191a1b1c1d1e1f 3 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA= 2025-11-24T16:00:00.000Z';

describe('an erasure-key line', test => {
  test('is version, ledger id, term, key and time', () => {
    assert.is(encodeErasureKeyLine(entry), LINE);
  });

  test('is read as it was written', () => {
    const of = (n: number) => fc.uint8Array({ minLength: n, maxLength: n }).map(x => Buffer.from(x));
    const when = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
    fc.assert(
      fc.property(of(16), fc.integer({ min: 1, max: 0xffffffff }), of(32), when, (id, term, key, date) => {
        const line = { ledger: id, term, key, created: date.toISOString() };
        assert.equal(decodeErasureKeyLine(encodeErasureKeyLine(line)), line);
      }),
    );
  });

  test('gives a key that lies in no pool of slices, so that wiping it ends it', () => {
    assert.is.not(decodeErasureKeyLine(LINE)?.key.buffer, Buffer.from('pool').buffer);
  });

  test('is refused in any other form', () => {
    for (const wrong of [
      '',
      ` ${LINE}`,
      `${LINE} `,
      `${LINE}\n`,
      `${LINE}\n${LINE}`,
      LINE.replace(/^1/, '2'),
      LINE.replace('1a1b', '1A1B'),
      LINE.replace('101112', '1011'),
      LINE.replace(' 3 ', ' 0 '),
      LINE.replace(' 3 ', ' 03 '),
      LINE.replace(' 3 ', ' -3 '),
      LINE.replace(' 3 ', ' 4294967296 '),
      LINE.replace(' 3 ', '  3 '),
      LINE.replace('HyA=', 'HyB='),
      LINE.replace('HyA=', 'HyA'),
      LINE.replace('HyA=', 'Hy=='),
      LINE.replace('AQID', 'AQI-'),
      LINE.replace('2025-11-24T16:00:00.000Z', 'yesterday'),
      LINE.replace('Z', '+01:00'),
    ])
      assert.is(decodeErasureKeyLine(wrong), null, wrong);
  });

  test('is not written when it could not be read again, and the refusal does not show the key', () => {
    for (const wrong of [
      { ledger: seq(0, 15) },
      { key: seq(0, 31) },
      { term: 0 },
      { term: 2 ** 32 },
      { created: 'now' },
    ]) {
      try {
        encodeErasureKeyLine({ ...entry, ...wrong });
        assert.unreachable();
      } catch (error) {
        assert.instance(error, RangeError);
        assert.not.match(String(error), 'AQID');
      }
    }
  });
});

describe('an erased line', test => {
  test('is position, key id and their MAC, in hex', () => {
    const line = encodeErasedLine(rowKey, ledger, { position: 7, keyId });
    assert.match(line, /^0000000000000007303132333435363738393a3b3c3d3e3f[0-9a-f]{64}$/);
    assert.equal(decodeErasedLine(rowKey, ledger, line), { position: 7, keyId });
  });

  test('is read as it was written', () => {
    const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(uuidText);
    fc.assert(
      fc.property(fc.maxSafeNat(), uuid, (position, id) => {
        const line = encodeErasedLine(rowKey, ledger, { position, keyId: id });
        assert.equal(decodeErasedLine(rowKey, ledger, line), { position, keyId: id });
      }),
    );
  });

  test('is refused when any bit of it is another, or its key or ledger', () => {
    const line = encodeErasedLine(rowKey, ledger, { position: 7, keyId });
    const bytes = Buffer.from(line, 'hex');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.is(decodeErasedLine(rowKey, ledger, flipped.toString('hex')), null);
    }
    assert.is(decodeErasedLine(seq(1, 32), ledger, line), null);
    assert.is(decodeErasedLine(rowKey, seq(1, 16), line), null);
  });

  test('is refused when it is cut, lengthened or in capitals', () => {
    const line = encodeErasedLine(rowKey, ledger, { position: 7, keyId });
    for (const wrong of ['', line.slice(0, 111), line.slice(0, 48), `${line}0`, `${line}\n`, line.toUpperCase()])
      assert.is(decodeErasedLine(rowKey, ledger, wrong), null);
  });
});
