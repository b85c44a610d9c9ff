/** JSON taken apart and merged as text: numbers, names and everything that is not named stay as they were written. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { JsonError, jsonTree, members, objectText } from '../../src/domain/json/members.js';
import { mergePatch } from '../../src/domain/json/merge-patch.js';
import { subkeys } from '../../src/domain/json/subkeys.js';
import { describe } from '../support/describe.js';

const merged = (target: string, patch: string): string => mergePatch(jsonTree(target), jsonTree(patch));

/** Values of JSON, without the zero that JSON.parse and `deepStrictEqual` disagree about. */
const json = fc.jsonValue({ maxDepth: 4 }).map(value => JSON.parse(JSON.stringify(value)) as unknown);
const object = fc
  .dictionary(fc.string({ maxLength: 4 }), json, { maxKeys: 5 })
  .map(value => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7396 §2, word for word, on values. */
const model = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch;
  const result = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch))
    if (value === null) result.delete(name);
    else result.set(name, model(result.get(name), value));
  return Object.fromEntries(result);
};

describe('a merge patch', test => {
  const rows: readonly (readonly [target: string, patch: string, result: string])[] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ];
  for (const [target, patch, result] of rows)
    test(`of ${patch} onto ${target} is ${result}, as RFC 7396 lists it`, () => {
      assert.is(merged(target, patch), result);
    });

  test('keeps the text of what it does not name', () => {
    const target = '{"big":12345678901234567890,"one":1.0,"in":{"e":1E5, "z":-0,"x":1},"list":[ 1e400 ]}';
    assert.is(
      merged(target, '{"in":{"x":2.50,"new":0.1000}}'),
      '{"big":12345678901234567890,"one":1.0,"in":{"e":1E5,"z":-0,"x":2.50,"new":0.1000},"list":[ 1e400 ]}',
    );
  });

  test('keeps nulls of a new list, and takes names such as __proto__ for names', () => {
    assert.is(merged('{}', '{"a":[{"b":null}],"__proto__":{"c":1}}'), '{"a":[{"b":null}],"__proto__":{"c":1}}');
  });

  test('is what the RFC’s own procedure gives on values, for any values', () => {
    fc.assert(
      fc.property(json, object, (target, patch) => {
        const text = merged(JSON.stringify(target), JSON.stringify(patch));
        assert.equal(JSON.parse(text), model(target, patch));
      }),
      { numRuns: 500 },
    );
  });

  test('changes nothing the second time', () => {
    fc.assert(
      fc.property(object, object, (target, patch) => {
        const [before, change] = [JSON.stringify(target), JSON.stringify(patch)];
        assert.is(merged(merged(before, change), change), merged(before, change));
      }),
    );
  });

  const digits = fc.stringMatching(/^-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,4})?$/);
  test('never touches the text of a number, whichever member is patched', () => {
    fc.assert(
      fc.property(fc.array(digits, { minLength: 1, maxLength: 6 }), fc.nat(), digits, (numbers, at, number) => {
        const place = at % numbers.length;
        const text = objectText(numbers.map((each, i) => [`n${i}`, each] as const));
        const found = members(merged(text, `{"n${place}":${number}}`));
        assert.equal(
          [...(found?.values() ?? [])],
          numbers.map((each, i) => (i === place ? number : each)),
        );
      }),
    );
  });
});

describe('an object taken apart', test => {
  test('is the same value put together again', () => {
    fc.assert(
      fc.property(object, value => {
        assert.equal(JSON.parse(objectText(members(JSON.stringify(value)) ?? [])), value);
      }),
    );
  });

  test('is looked into in one pass, however deep it is', () => {
    const deep = `${'{"a":'.repeat(120)}"${'x'.repeat(500_000)}"${'}'.repeat(120)}`;
    const startedAt = performance.now();
    assert.is(merged(deep, `${'{"a":'.repeat(120)}1${'}'.repeat(120)}`).length, 120 * 6 + 1);
    assert.ok(performance.now() - startedAt < 1000);
  });

  for (const text of ['{"a":1', '{"a":01}', '{"a":"\u0001"}', '{"a":1}}', '{a:1}', '{"a":1,}', '', '{"a":"\\x"}'])
    test(`is refused where it is no JSON: ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => jsonTree(text),
        (error: unknown) => error instanceof JsonError,
      );
    });
});

describe('subkeys', test => {
  const value = '{"a":{"b":{"c":1,"d":[{"e":2}]},"f":{}},"g":null,"h":"x"}';
  const rows: readonly (readonly [depth: number, result: string])[] = [
    [0, '{"a":{"b":{"c":null,"d":null},"f":null},"g":null,"h":null}'],
    [-1, '{"a":{"b":{"c":null,"d":null},"f":null},"g":null,"h":null}'],
    [1, '{"a":null,"g":null,"h":null}'],
    [2, '{"a":{"b":null,"f":null},"g":null,"h":null}'],
    [3, '{"a":{"b":{"c":null,"d":null},"f":null},"g":null,"h":null}'],
  ];
  for (const [depth, result] of rows)
    test(`to depth ${depth} show names and nothing of what they hold`, () => {
      assert.is(subkeys(jsonTree(value), depth), result);
    });

  test('of nothing are nothing', () => {
    assert.is(subkeys(jsonTree('{}'), 0), '{}');
  });
});
