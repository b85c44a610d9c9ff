import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { memberAt, members, plainText } from '../../src/cli/arguments/json-text.js';
import { describe } from '../support/describe.js';

describe('JSON taken apart as text', test => {
  test('keeps the text of every number', () => {
    const found = members('{"a":12345678901234567890, "b" : 1.0 ,"c":-0,"d":1e400,"e":[0.1000]}');
    assert.equal(
      [...(found ?? [])],
      [
        ['a', '12345678901234567890'],
        ['b', '1.0'],
        ['c', '-0'],
        ['d', '1e400'],
        ['e', '[0.1000]'],
      ],
    );
  });

  test('finds every member of any object, with a text that means the same value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), (object, indent) => {
        const found = members(JSON.stringify(object, null, indent));
        assert.equal(
          new Map([...(found ?? [])].map(([name, text]) => [name, JSON.parse(text)])),
          new Map(Object.entries(JSON.parse(JSON.stringify(object)))),
        );
      }),
    );
  });

  test('is not confused by brackets, quotes and commas inside strings', () => {
    assert.is(memberAt('{"a":{"x":"}],\\"{","y":[{"b":1}]},"b":{"c":"d"}}', 'b', 'c'), '"d"');
    assert.is(memberAt('{"a":"\\\\","b":2}', 'b'), '2');
  });

  test('takes the last of two members with one name, and __proto__ for a name like any other', () => {
    assert.is(members('{"a":1,"a":2}')?.get('a'), '2');
    assert.is(members('{"__proto__":"x"}')?.get('__proto__'), '"x"');
  });

  test('says null where there is no object or no member', () => {
    assert.is(members('[1]'), null);
    assert.is(members('null'), null);
    assert.is(memberAt('{"a":1}', 'a', 'b'), null);
    assert.equal(members(' {} '), new Map());
  });

  test('shows a string without quotes and anything else as it is written', () => {
    assert.is(plainText('"a\\nb"'), 'a\nb');
    assert.is(plainText('1.0'), '1.0');
    assert.is(plainText('{"a":1.0}'), '{"a":1.0}');
  });
});
