/** Binary arrays, by round trip through a real server: what was put in comes out, and both forms are one value to SQL. */
import fc from 'fast-check';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import * as arrays from '../../src/postgres/arrays.js';
import { testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';

const RUNS = { numRuns: 60 };
const INT8 = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
// Lone surrogates are no text, and PostgreSQL's text has no NUL.
const TEXT = fc.string({ unit: 'grapheme' }).filter(text => !text.includes('\0'));
const JSON_VALUE = fc
  .jsonValue({ depthSize: 'small', maxDepth: 3 })
  .filter(value => value !== null && !/\\u0000|\\ud[89a-f]|-0/.test(JSON.stringify(value)))
  // numeric would keep them, JavaScript's reading of it might not.
  .filter(value => !/\d[eE]|\d\.\d/.test(JSON.stringify(value)));

const nulls = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<(T | null)[]> =>
  fc.array(fc.option(values, { nil: null, freq: 5 }), { maxLength: 40 });

const bytes = fc.uint8Array({ maxLength: 3000 }).map(array => Buffer.from(array));

describe('binary arrays', test => {
  let client: pg.Client;

  test.before(async () => {
    client = await (await testDatabase()).client();
  });

  const comesBack = async <T>(
    type: string,
    encode: (values: readonly (T | null)[]) => Buffer,
    value: fc.Arbitrary<T>,
  ): Promise<void> => {
    const select = `select element from unnest($1::${type}[]) with ordinality as u (element, n) order by n`;
    await fc.assert(
      fc.asyncProperty(nulls(value), async values => {
        const { rows } = await client.query(select, [encode(values)]);
        assert.equal(
          rows.map(row => row.element),
          values,
        );
      }),
      RUNS,
    );
  };

  test('bigints come back', () => comesBack('int8', arrays.int8Array, INT8));
  test('integers come back', () =>
    comesBack('int4', arrays.int4Array, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })));
  test('small integers come back', () =>
    comesBack('int2', arrays.int2Array, fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 })));
  test('UUIDs of any bits come back', () =>
    comesBack(
      'uuid',
      arrays.uuidArray,
      fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .map(raw => Buffer.from(raw).toString('hex'))
        .map(hex => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')),
    ));
  test('bytes come back', () => comesBack('bytea', arrays.byteaArray, bytes));
  test('text comes back, of any script', () => comesBack('text', arrays.textArray, TEXT));
  test('moments come back to the microsecond', () =>
    // As far as safe integers go: the years 1684 to 2255.
    comesBack('timestamptz', arrays.timestamptzArray, INT8));
  test('JSON comes back', () => comesBack<unknown>('jsonb', arrays.jsonbArray, JSON_VALUE));

  test('no element is an empty array, and not null', async () => {
    const { rows } = await client.query('select cardinality($1::bytea[]) as n, $1::bytea[] is null as missing', [
      arrays.byteaArray([]),
    ]);
    assert.equal(rows[0], { n: 0, missing: false });
  });

  test('what is no UUID or does not fit is refused here, not sent', () => {
    assert.throws(() => arrays.uuidArray(['123']), RangeError);
    assert.throws(() => arrays.uuidArray(['zz223344-5566-7788-99aa-bbccddeeff00']), RangeError);
    assert.throws(() => arrays.uuidArray(['11223344-5566-7788-99aa-bbccddeeff0011']), RangeError);
    assert.throws(() => arrays.int2Array([40_000]), RangeError);
    assert.throws(() => arrays.int4Array([2 ** 31]), RangeError);
    assert.throws(() => arrays.int8Array([0.5]), RangeError);
  });
});
