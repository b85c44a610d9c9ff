import * as assert from 'uvu/assert';
import { type Acl, compile } from '../../src/policies/acl.js';
import type { Capability } from '../../src/policies/policy.js';
import { describe } from '../support/describe.js';
import { policyOf } from './support.js';

const rule = (text: string): Acl => compile([policyOf(`path "a" { policy = "sudo" ${text} }`)], null);

const takes = (acl: Acl, fields: Readonly<Record<string, unknown>>, capability: Capability = 'update'): boolean =>
  acl.check({ capability, path: 'a', fields: () => new Map(Object.entries(fields)) }).allowed;

describe('parameter rules', test => {
  test('require every listed field under its lower-case name, which is the one that engines read', () => {
    const acl = rule('required_parameters = ["ttl", "Name"]');
    assert.is(takes(acl, { ttl: 1, name: 'x' }), true);
    assert.is(takes(acl, { TTL: 1, name: 'x' }), false);
    assert.is(takes(acl, { ttl: 1 }), false);
    assert.is(takes(acl, {}), false);
  });

  test('deny a listed field, or some of its values, or every field', () => {
    const acl = rule('denied_parameters = { "id" = [] "Kind" = ["a*", "*z", "*mid*", 3, [1, 2], true] }');
    for (const kind of ['3', 'q,3', ['q', 'abc'], [['q'], 3], 'true', 'q, axe']) assert.is(takes(acl, { kind }), false);
    assert.is(takes(acl, { ID: 'anything' }), false);
    for (const kind of ['a', 'abc', 'xyz', 'a mid dle', 3, [1, 2], true]) assert.is(takes(acl, { kind }), false);
    for (const kind of ['b', 'za', 4, '33', [2, 1], [1, 2, 4], false, null, { a: 3 }])
      assert.is(takes(acl, { kind }), true);
    const none = rule('denied_parameters = { "*" = [] }');
    assert.is(takes(none, { x: 1 }), false);
    assert.is(takes(none, {}), true);
  });

  test('allow by a pattern nothing that engines take for a list with something else in it', () => {
    const acl = rule('allowed_parameters = { "policies" = ["team-*", "*-read", "a,b", "x", "y"] }');
    for (const policies of ['team-a', 'team-a,team-b', 'team-a, x-read', 'a,b', '*-read'])
      assert.is(takes(acl, { policies }), true, policies);
    for (const policies of [
      'x,y',
      'team-a,root',
      'team-a, root, x-read',
      'root,x-read',
      'team-a,',
      'a,b,c',
      ['team-a', 'root'],
    ])
      assert.is(takes(acl, { policies }), false, String(policies));
  });

  test('allow only listed fields with listed values, or all others where there is a *', () => {
    const acl = rule('allowed_parameters = { "id" = [] "kind" = ["a", "b*"] }');
    assert.is(takes(acl, { id: { any: 'thing' }, KIND: 'bcd' }), true);
    assert.is(takes(acl, { kind: 'c' }), false);
    assert.is(takes(acl, { other: 1 }), false);
    assert.is(takes(acl, {}), true);
    const others = rule('allowed_parameters = { "kind" = ["a"] "*" = [] }');
    assert.is(takes(others, { other: 1, kind: 'a' }), true);
    assert.is(takes(others, { other: 1, kind: 'b' }), false);
  });

  test('let a denial win over an allowance', () => {
    const acl = rule('allowed_parameters = { "*" = [] } denied_parameters = { "x" = ["1"] }');
    assert.is(takes(acl, { x: '1' }), false);
    assert.is(takes(acl, { x: '2' }), true);
  });

  test('take a lone * for any string where it denies, and for itself where it allows', () => {
    assert.is(takes(rule('denied_parameters = { "x" = ["*"] }'), { x: 'anything' }), false);
    assert.is(takes(rule('allowed_parameters = { "x" = ["*"] }'), { x: 'anything' }), false);
    assert.is(takes(rule('allowed_parameters = { "x" = ["*"] }'), { x: '*' }), true);
  });

  test('compare numbers, lists and objects as JSON does', () => {
    const acl = rule('allowed_parameters = { "x" = [{ a = 1 b = [true] }, 1.5, 0x10] }');
    assert.is(takes(acl, { x: { b: [true], a: 1 } }), true);
    assert.is(takes(acl, { x: { a: 1 } }), false);
    assert.is(takes(acl, { x: { a: 1, b: [true], c: 0 } }), false);
    assert.is(takes(acl, { x: 1.5 }), true);
    assert.is(takes(acl, { x: 16 }), true);
    assert.is(takes(acl, { x: 2 }), false);
  });

  test('take names of the language itself for names like any other', () => {
    const acl = rule('allowed_parameters = { "__proto__" = ["x"] "constructor" = [] }');
    const fields = (name: string, value: string) => () => new Map([[name, value]]);
    assert.is(acl.check({ capability: 'update', path: 'a', fields: fields('__proto__', 'x') }).allowed, true);
    assert.is(acl.check({ capability: 'update', path: 'a', fields: fields('__proto__', 'y') }).allowed, false);
    assert.is(acl.check({ capability: 'update', path: 'a', fields: fields('toString', 'y') }).allowed, false);
  });

  test('are asked of reads and writes, not of lists and deletes', () => {
    const acl = rule('required_parameters = ["x"]');
    for (const capability of ['read', 'create', 'update'] as const) assert.is(takes(acl, {}, capability), false);
    for (const capability of ['list', 'delete'] as const) assert.is(takes(acl, {}, capability), true);
  });

  test('do not have the fields decoded where no rule asks for them', () => {
    const fields = (): never => {
      throw new Error('decoded for nothing');
    };
    for (const acl of [rule(''), rule('max_wrapping_ttl = "1h"')])
      assert.is(acl.check({ capability: 'update', path: 'a', wrapTtlMs: 1000, fields }).allowed, true);
  });

  test('refuse where nobody says what the fields are', () => {
    const check = (text: string) => rule(text).check({ capability: 'update', path: 'a' }).allowed;
    assert.is(check('denied_parameters = { "x" = [] }'), false);
    assert.is(check('allowed_parameters = { "x" = [] }'), false);
    assert.is(check(''), true);
  });

  test('say that they were the reason', () => {
    const decision = rule('required_parameters = ["x"]').check({ capability: 'update', path: 'a' });
    assert.is(decision.allowed ? null : decision.why, 'parameters');
  });

  test('of one pattern unite, and an empty list absorbs the other', () => {
    const acl = compile(
      [
        policyOf('path "a" { policy = "write" allowed_parameters = { "x" = ["1"] "y" = ["1"] } }', 'p'),
        policyOf('path "a" { allowed_parameters = { "x" = ["2"] "y" = [] } required_parameters = ["x"] }', 'q'),
      ],
      null,
    );
    assert.is(takes(acl, { x: '1' }), true);
    assert.is(takes(acl, { x: '2', y: 'any' }), true);
    assert.is(takes(acl, { x: '3' }), false);
    assert.is(takes(acl, { y: '1' }), false);
  });
});

const wraps = (acl: Acl, seconds: number): boolean =>
  acl.check({ capability: 'read', path: 'a', wrapTtlMs: seconds * 1000 }).allowed;

describe('wrapping rules', test => {
  test('force wrapping within their bounds', () => {
    const acl = rule('min_wrapping_ttl = "10s" max_wrapping_ttl = "1m"');
    assert.equal(
      [0, 9, 10, 60, 61].map(seconds => wraps(acl, seconds)),
      [false, false, true, true, false],
    );
    assert.equal(
      [0, 1, 60, 61].map(seconds => wraps(rule('max_wrapping_ttl = 60'), seconds)),
      [false, true, true, false],
    );
    assert.equal(
      [0, 1, 2, 900].map(seconds => wraps(rule('min_wrapping_ttl = 2'), seconds)),
      [false, false, true, true],
    );
  });

  test('of one pattern take the smaller bounds; if these leave nothing, nothing is allowed', () => {
    const both = (a: string, b: string): Acl =>
      compile([policyOf(`path "a" { policy = "read" ${a} } path "a" { ${b} }`)], null);
    const acl = both('min_wrapping_ttl = 20 max_wrapping_ttl = 60', 'min_wrapping_ttl = 10 max_wrapping_ttl = 90');
    assert.equal(
      [9, 10, 60, 61].map(seconds => wraps(acl, seconds)),
      [false, true, true, false],
    );
    const none = both('min_wrapping_ttl = 20', 'max_wrapping_ttl = 10');
    assert.equal(
      [0, 10, 15, 20].map(seconds => wraps(none, seconds)),
      [false, false, false, false],
    );
  });

  test('are gone when a deny joins them', () => {
    const acl = compile(
      [policyOf('path "a" { policy = "read" max_wrapping_ttl = 9 } path "a" { policy = "deny" }')],
      null,
    );
    const decision = acl.check({ capability: 'read', path: 'a' });
    assert.is(decision.allowed ? null : decision.why, 'deny');
  });
});
