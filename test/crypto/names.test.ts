/** Names as keyed ids, and the column that carries their boxes. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { uuidText } from '../../src/crypto/bytes.js';
import { decodeNames, encodeNames, mountIndexKey, type NameEntry, node, stream } from '../../src/crypto/names.js';
import { describe } from '../support/describe.js';
import { indexKey, ledger, mount, mountKey, seq } from './support/given.js';

const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(uuidText);
const box = fc.uint8Array({ maxLength: 200 }).map(x => Buffer.from(x));
const entries: fc.Arbitrary<NameEntry[]> = fc.array(
  fc.record({ node: uuid, parent: uuid, box }, { noNullPrototype: true }),
  { maxLength: 6 },
);

describe('a node', test => {
  test('differs by parent, segment, mount key and ledger', () => {
    fc.assert(
      fc.property(uuid, uuid, fc.string(), fc.string(), (a, b, x, y) => {
        fc.pre(a !== b && x !== y);
        const ids = [
          node(mountKey, ledger, a, x),
          node(mountKey, ledger, b, x),
          node(mountKey, ledger, a, y),
          node(seq(1, 32), ledger, a, x),
          node(mountKey, seq(1, 16), a, x),
        ];
        assert.is(new Set(ids).size, ids.length);
      }),
    );
  });

  test('of the same name under the same parent is the same', () => {
    fc.assert(
      fc.property(uuid, fc.string(), (a, x) => assert.is(node(mountKey, ledger, a, x), node(mountKey, ledger, a, x))),
    );
  });

  test('of a path has nothing in common with the same path in another mount', () => {
    const otherKey = mountIndexKey(indexKey, ledger, uuidText(seq(1, 16)));
    assert.not.equal(otherKey, mountKey);
    assert.is.not(node(otherKey, ledger, mount, 'team'), node(mountKey, ledger, mount, 'team'));
  });

  test('takes a segment of 65,535 bytes and no longer one', () => {
    assert.is(node(mountKey, ledger, mount, 'x'.repeat(65_535)).length, 36);
    assert.throws(
      () => node(mountKey, ledger, mount, 'x'.repeat(65_536)),
      (e: unknown) => e instanceof RangeError,
    );
  });
});

describe('a stream', test => {
  test('differs by kind and name, also where their letters are the same in a row', () => {
    const ids = [
      stream(indexKey, ledger, 'policy', 'ops'),
      stream(indexKey, ledger, 'policyo', 'ps'),
      stream(indexKey, ledger, 'polic', 'yops'),
      stream(indexKey, ledger, 'token', 'ops'),
      stream(indexKey, seq(1, 16), 'policy', 'ops'),
      stream(indexKey, ledger, 'policy', ''),
    ];
    assert.is(new Set(ids).size, ids.length);
  });

  test('takes its name as text or as bytes', () => {
    assert.is(stream(indexKey, ledger, 'policy', 'ö'), stream(indexKey, ledger, 'policy', Buffer.from('ö', 'utf8')));
  });
});

describe('the names column', test => {
  test('is read as it was written', () => {
    fc.assert(fc.property(entries, list => assert.equal(decodeNames(encodeNames(list)), list)));
  });

  test('is refused when it is cut anywhere but between two entries', () => {
    fc.assert(
      fc.property(entries, list => {
        const whole = encodeNames(list);
        const borders = new Set([0]);
        for (let i = 1; i <= list.length; i += 1) borders.add(encodeNames(list.slice(0, i)).length);
        for (let length = 0; length <= whole.length; length += 1)
          assert.is(decodeNames(whole.subarray(0, length)) !== null, borders.has(length));
      }),
      { numRuns: 30 },
    );
  });

  test('holds a box of 65,535 bytes and no larger one', () => {
    const entry = { node: mount, parent: mount, box: Buffer.alloc(65_535, 1) };
    assert.equal(decodeNames(encodeNames([entry])), [entry]);
    assert.throws(
      () => encodeNames([{ ...entry, box: Buffer.alloc(65_536) }]),
      (e: unknown) => e instanceof RangeError,
    );
  });
});
