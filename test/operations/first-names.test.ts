/** The first of many names, against sorting them all. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { FirstNames, isAfter } from '../../src/operations/kv/first-names.js';
import { describe } from '../support/describe.js';

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const anyName = fc.oneof(
  fc.string({ maxLength: 3 }),
  // Where UTF-16 and UTF-8 disagree about the order.
  fc.constantFrom('\u{10000}', '\uffee', '\ud7ff', 'é', '￿', '😀a'),
);

describe('the first names', test => {
  test('are those that sorting by bytes puts first, each once', () => {
    fc.assert(
      fc.property(fc.array(anyName, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (names, most) => {
        const first = new FirstNames(most);
        for (const name of names) first.add({ name });
        const expected = [...new Set(names)].sort(byBytes).slice(0, most);
        assert.equal(
          first.all().map(({ name }) => name),
          expected,
        );
      }),
    );
  });

  test('of very many are kept without the rest', () => {
    const first = new FirstNames(10);
    for (let n = 0; n < 100_000; n += 1) first.add({ name: `n${(n * 7919) % 100_003}` });
    const all = Array.from({ length: 100_000 }, (_, n) => `n${(n * 7919) % 100_003}`).sort(byBytes);
    assert.equal(
      first.all().map(({ name }) => name),
      all.slice(0, 10),
    );
  });

  test('after another are after its bytes', () => {
    fc.assert(
      fc.property(anyName, anyName, (name, after) => assert.is(isAfter(name, after), byBytes(name, after) > 0)),
    );
    assert.ok(isAfter('', null));
  });
});
