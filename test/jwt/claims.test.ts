/** Claims against what a role expects: times at their edges, pointers, and anything at all. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { claimAt, complaintAbout, type Expected } from '../../src/jwt/claims.js';
import { describe } from '../support/describe.js';

const ANY: Expected = {
  ...{ issuer: null, audiences: [], subject: '', bound: {}, boundType: 'string' },
  ...{ expirationLeeway: 0, notBeforeLeeway: 0, clockSkewLeeway: 0 },
};
const NONE: Expected = { ...ANY, expirationLeeway: -1, notBeforeLeeway: -1, clockSkewLeeway: -1 };

const NOW = 1_000_000;

const good = (claims: Readonly<Record<string, unknown>>, expected: Expected): boolean =>
  complaintAbout(claims, expected, NOW) === null;

describe('the times of a JWT', test => {
  const CASES: readonly (readonly [string, Readonly<Record<string, unknown>>, Expected, boolean])[] = [
    ['exp, within the skew of a minute', { exp: NOW - 59 }, ANY, true],
    ['exp, at the end of the skew', { exp: NOW - 60 }, ANY, false],
    ['exp, without skew', { exp: NOW }, NONE, false],
    ['exp, a second before it', { exp: NOW + 1, iat: NOW }, NONE, true],
    ['exp, under a skew of its own', { exp: NOW - 4 }, { ...ANY, clockSkewLeeway: 5 }, true],
    ['no exp: 150 seconds from iat', { iat: NOW - 149 - 60 }, ANY, true],
    ['no exp: 150 seconds from iat, over', { iat: NOW - 150 - 60 }, ANY, false],
    ['no exp: from nbf where it is later', { iat: 1, nbf: NOW - 100 }, ANY, true],
    ['no exp, no leeway: never', { iat: NOW }, NONE, false],
    ['nbf, within the skew', { nbf: NOW + 60, exp: NOW + 100 }, ANY, true],
    ['nbf, beyond it', { nbf: NOW + 61, exp: NOW + 100 }, ANY, false],
    ['iat, beyond the skew', { iat: NOW + 61, nbf: 1, exp: NOW + 100 }, ANY, false],
    ['neither nbf nor iat: 150 seconds before exp', { exp: NOW + 150 }, NONE, false],
    ['neither nbf nor iat: within the skew of that', { exp: NOW + 210 }, ANY, true],
    ['infinite', { exp: Number.POSITIVE_INFINITY }, ANY, false],
    ['negative', { exp: NOW + 10, nbf: -1 }, ANY, false],
  ];
  for (const [what, claims, expected, fits] of CASES)
    test(`${fits ? 'are good' : 'are not good'}: ${what}`, () => assert.is(good(claims, expected), fits));
});

describe('a claim', test => {
  const claims = { a: { 'b/c': [{ d: 1 }], '~': 2 }, '/x': 3 };

  test('is found by its name, or by a pointer', () => {
    assert.equal(claimAt(claims, 'a'), claims.a);
    assert.is(claimAt(claims, '/a/b~1c/0/d'), 1);
    assert.is(claimAt(claims, '/a/~0'), 2);
    for (const name of ['b', '/a/b', '/x', '/a/b~1c/1', '/a/b~1c/length', '/__proto__', '/a/constructor', 'toString'])
      assert.is(claimAt(claims, name), undefined, name);
  });
});

describe('any claims at all', test => {
  test('are judged, never thrown over, and good only with a time', () => {
    const expected: Expected = { ...ANY, bound: { a: 'x', '/b/c': [1, true] }, audiences: ['us'] };
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'b', 'exp', 'nbf', 'iat', 'aud', 'iss', 'sub'), fc.jsonValue()),
        claims => {
          const complaint = complaintAbout(claims, expected, NOW);
          if (complaint === null) assert.ok('exp' in claims || 'nbf' in claims || 'iat' in claims);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
