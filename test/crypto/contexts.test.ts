/** Contexts: a box opens where it was sealed and nowhere else, whichever single field is another. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { boxKey, open, seal } from '../../src/crypto/box.js';
import { type Uuid, uuidText } from '../../src/crypto/bytes.js';
import {
  blockContext,
  bodyContext,
  headerContext,
  keyContext,
  keyringContext,
  nameContext,
  slotContext,
  snapshotContext,
} from '../../src/crypto/contexts.js';
import { describe } from '../support/describe.js';
import { hex, ledger, seq } from './support/given.js';

const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(uuidText);
const u8 = fc.integer({ min: 0, max: 0xff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.maxSafeNat();
const type = fc.stringMatching(/^[a-z.]{0,40}$/);
const bytes = fc.uint8Array({ maxLength: 80 }).map(x => Buffer.from(x));
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(x => Buffer.from(x));

const key = boxKey('key', seq(0, 32));
const opens = (sealedIn: Buffer, openedIn: Buffer): boolean =>
  open('key', key, ledger, openedIn, seal('key', key, ledger, sealedIn, Buffer.from('x'))) !== null;

/** Two lists of fields that differ: half of the time in a single one. What was sealed in one context opens in it alone. */
const binds = <Fields extends unknown[]>(
  fields: fc.Arbitrary<Fields>,
  context: (...fields: Fields) => Buffer,
): void => {
  fc.assert(
    fc.property(fields, fields, fc.nat(), fc.boolean(), (one, other, pick, single) => {
      const at = pick % one.length;
      const changed = single ? (one.map((field, i) => (i === at ? other[i] : field)) as Fields) : other;
      fc.pre(JSON.stringify(one) !== JSON.stringify(changed));
      const [a, b] = [context(...one), context(...changed)];
      assert.is.not(hex(a), hex(b));
      assert.ok(opens(a, context(...one)));
      assert.not(opens(a, b));
    }),
  );
};

describe('the context', test => {
  test('of a header binds event, stream, epoch, day and type', () => {
    binds(fc.tuple(uuid, uuid, u32, u32, type), headerContext);
  });
  test('of a body binds event, stream, key and type', () => {
    binds(fc.tuple(uuid, uuid, uuid, type), bodyContext);
  });
  test('of a block binds event, epoch and day', () => {
    binds(fc.tuple(uuid, u32, u32), blockContext);
  });
  test('of a name binds node and parent', () => {
    binds(fc.tuple(uuid, uuid), nameContext);
  });
  test('of a key row binds id, kind, owner and term', () => {
    binds(fc.tuple(uuid, u8, uuid, u32), keyContext);
  });
  test('of a slot binds id, kind, root generation and parameters', () => {
    binds(fc.tuple(uuid, u8, u32, bytes), slotContext);
  });
  test('of the keyring binds both generations', () => {
    binds(fc.tuple(u64, u32), keyringContext);
  });
  test('of a snapshot binds position, chain and the part of how many', () => {
    binds(fc.tuple(u64, u64, hash, u32, u32), snapshotContext);
  });

  test('is not the same when two ids change places', () => {
    const [a, b]: [Uuid, Uuid] = [uuidText(seq(0, 16)), uuidText(seq(16, 16))];
    assert.not.equal(nameContext(a, b), nameContext(b, a));
    assert.not.equal(bodyContext(a, b, a, 'x'), bodyContext(b, a, a, 'x'));
    assert.not.equal(headerContext(a, b, 1, 2, 'x'), headerContext(a, b, 2, 1, 'x'));
  });

  test('is not made of what does not fit', () => {
    const id = uuidText(seq(0, 16));
    assert.throws(() => headerContext(id, id, 2 ** 32, 0, 'x'), /unsigned/);
    assert.throws(() => headerContext(id, id, 1, -1, 'x'), /unsigned/);
    assert.throws(() => bodyContext(id, id, 'no-uuid', 'x'), /not a UUID/);
    assert.throws(() => bodyContext(id, id, id, 'x'.repeat(256)), /255/);
    assert.throws(() => slotContext(id, 1, 1, Buffer.alloc(65_536)), /unsigned/);
  });
});
