/** The bytes of the key store: slot records and the keyring. What is not known here is kept as it is. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { uuidText } from '../../src/crypto/bytes.js';
import { decodeKeyring, encodeKeyring, type KeyringEntry } from '../../src/crypto/keyring-tlv.js';
import {
  decodeKeyFileParams,
  decodeKmsParams,
  decodePasswordParams,
  decodeSharesParams,
  decodeSlotRecord,
  encodeKeyFileParams,
  encodeKmsParams,
  encodePasswordParams,
  encodeSharesParams,
  encodeSlotRecord,
  type SlotRecord,
} from '../../src/crypto/slot-record.js';
import { describe } from '../support/describe.js';
import { hex, seq } from './support/given.js';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map(x => Buffer.from(x));
const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(uuidText);
const u8 = fc.integer({ min: 0, max: 0xff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const plain = { noNullPrototype: true } as const;

const slots: fc.Arbitrary<SlotRecord> = fc.record(
  { slotId: uuid, kind: u8, params: bytes(300), rootGeneration: u32, box: bytes(120) },
  plain,
);
const keyrings: fc.Arbitrary<KeyringEntry[]> = fc.array(
  fc.record({ kind: u8, id: u32, createdAt: fc.maxSafeNat(), state: u8, bytes: bytes(64) }, plain),
  { maxLength: 6 },
);

describe('a slot record', test => {
  test('is laid out as formats.md §3 says', () => {
    const record = {
      slotId: uuidText(seq(0xb0, 16)),
      kind: 3,
      params: seq(1, 16),
      rootGeneration: 2,
      box: seq(0x40, 4),
    };
    assert.is(
      hex(encodeSlotRecord(record)),
      'b0b1b2b3b4b5b6b7b8b9babbbcbdbebf' + '03' + '0010' + '0102030405060708090a0b0c0d0e0f10' + '00000002' + '40414243',
    );
  });

  test('is read as it was written, and written as it was read, also of a kind that nobody knows', () => {
    fc.assert(
      fc.property(slots, slot => {
        const record = encodeSlotRecord(slot);
        const decoded = decodeSlotRecord(record);
        assert.equal(decoded, slot);
        assert.equal(decoded && encodeSlotRecord(decoded), record);
      }),
    );
  });

  test('is refused when it ends before its box begins', () => {
    fc.assert(
      fc.property(slots, slot => {
        const record = encodeSlotRecord(slot);
        const boxAt = record.length - slot.box.length;
        for (let length = 0; length <= record.length; length += 1)
          assert.is(decodeSlotRecord(record.subarray(0, length)) !== null, length >= boxAt);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the parameters of a slot', test => {
  test('of a password are laid out as formats.md §3 says, and read again', () => {
    const params = {
      memoryKib: 131_072,
      iterations: 3,
      parallelism: 1,
      salt: seq(0, 16),
      pepperId: uuidText(seq(0x10, 16)),
    };
    const encoded = encodePasswordParams(params);
    assert.is(
      hex(encoded),
      '00000013' +
        '00020000' +
        '00000003' +
        '00000001' +
        '000102030405060708090a0b0c0d0e0f' +
        '101112131415161718191a1b1c1d1e1f',
    );
    assert.equal(decodePasswordParams(encoded), params);
    assert.throws(() => encodePasswordParams({ ...params, salt: seq(0, 15) }), /16 bytes/);
  });

  test('of a password are refused with another length or Argon2 version', () => {
    const encoded = Buffer.alloc(48);
    assert.is(decodePasswordParams(encoded), null);
    encoded.writeUInt32BE(0x13, 0);
    assert.ok(decodePasswordParams(encoded));
    assert.is(decodePasswordParams(encoded.subarray(0, 47)), null);
    assert.is(decodePasswordParams(Buffer.concat([encoded, Buffer.alloc(1)])), null);
    encoded.writeUInt32BE(0x10, 0);
    assert.is(decodePasswordParams(encoded), null);
  });

  test('of shares are n, k and the set, and are refused when they make no sense', () => {
    const params = { shares: 5, threshold: 3, setId: uuidText(seq(0, 16)) };
    assert.is(hex(encodeSharesParams(params)), '0503000102030405060708090a0b0c0d0e0f');
    assert.equal(decodeSharesParams(encodeSharesParams(params)), params);
    assert.ok(decodeSharesParams(encodeSharesParams({ ...params, shares: 1, threshold: 1 })));
    for (const [shares, threshold] of [
      [0, 0],
      [3, 0],
      [2, 3],
    ] as const) {
      assert.throws(() => encodeSharesParams({ ...params, shares, threshold }), /shares are needed/);
      assert.is(decodeSharesParams(Buffer.from([shares, threshold, ...seq(0, 16)])), null);
    }
    assert.throws(() => encodeSharesParams({ ...params, shares: 256 }), /unsigned/);
    assert.is(decodeSharesParams(encodeSharesParams(params).subarray(1)), null);
  });

  test('of a key that others keep are its URI and what it wrapped, each behind its length', () => {
    const params = { uri: 'exec:/w', ciphertext: seq(1, 3) };
    const encoded = encodeKmsParams(params);
    assert.is(hex(encoded), '0007657865633a2f770003010203');
    assert.equal(decodeKmsParams(encoded), params);
    for (let length = 0; length < encoded.length; length += 1)
      assert.is(decodeKmsParams(encoded.subarray(0, length)), null);
    assert.is(decodeKmsParams(Buffer.concat([encoded, Buffer.alloc(1)])), null);
    assert.throws(() => encodeKmsParams({ ...params, uri: 'x'.repeat(65_536) }), /unsigned/);
  });

  test('of a key file are its id', () => {
    assert.equal(encodeKeyFileParams(uuidText(seq(0, 16))), seq(0, 16));
    assert.is(decodeKeyFileParams(seq(0, 16)), uuidText(seq(0, 16)));
    assert.is(decodeKeyFileParams(seq(0, 15)), null);
    assert.is(decodeKeyFileParams(seq(0, 17)), null);
  });
});

describe('the keyring', test => {
  test('is laid out as formats.md §3 says', () => {
    const entry = { kind: 8, id: 3, createdAt: 1_764_000_000_000_000, state: 1, bytes: seq(0xa0, 4) };
    assert.is(hex(encodeKeyring([entry])), '08' + '00000003' + '0006445941624000' + '01' + '0004' + 'a0a1a2a3');
  });

  test('is read as it was written, entries of unknown kinds included', () => {
    fc.assert(fc.property(keyrings, entries => assert.equal(decodeKeyring(encodeKeyring(entries)), entries)));
    assert.equal(decodeKeyring(Buffer.alloc(0)), []);
  });

  test('has entries that live on when its plaintext is wiped', () => {
    const plaintext = encodeKeyring([{ kind: 1, id: 1, createdAt: 1, state: 1, bytes: seq(0, 32) }]);
    const entries = decodeKeyring(plaintext);
    plaintext.fill(0);
    assert.equal(entries?.[0]?.bytes, seq(0, 32));
    assert.is.not(entries?.[0]?.bytes.buffer, Buffer.from('pool').buffer);
  });

  test('is refused when it is cut anywhere but between two entries', () => {
    fc.assert(
      fc.property(keyrings, entries => {
        const whole = encodeKeyring(entries);
        const borders = new Set(entries.map((_, i) => encodeKeyring(entries.slice(0, i)).length)).add(whole.length);
        for (let length = 0; length <= whole.length; length += 1)
          assert.is(decodeKeyring(whole.subarray(0, length)) !== null, borders.has(length));
      }),
      { numRuns: 30 },
    );
  });

  test('is refused when a time is beyond what a number holds exactly', () => {
    const encoded = encodeKeyring([
      { kind: 1, id: 1, createdAt: Number.MAX_SAFE_INTEGER, state: 1, bytes: seq(0, 32) },
    ]);
    assert.ok(decodeKeyring(encoded));
    encoded.writeBigUInt64BE(2n ** 53n, 5);
    assert.is(decodeKeyring(encoded), null);
  });
});
