import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { compile } from '../../src/policies/acl.js';
import { AUDITOR_POLICY, DEFAULT_POLICY, RESPONSE_WRAPPING_POLICY } from '../../src/policies/built-in.js';
import { type Capability, rootPolicy } from '../../src/policies/policy.js';
import { describe } from '../support/describe.js';
import { chosen, chosenForList, type PlainRule, wordsOf } from './reference.js';
import { aclOf, allows, decidedBy, policyOf, rulesOf } from './support.js';

/** Patterns, a path, and which of them decides a read of it. */
const CHOICES: readonly (readonly [patterns: string, path: string, decides: string | null])[] = [
  ['a', 'a', 'a'],
  ['a', 'ab', null],
  ['a', 'A', null],
  ['s/*', 's/', null],
  ['s*', 's', 's*'],
  ['s/*', 's/a/b/c', 's/*'],
  ['s/a*', 's/a', 's/a*'],
  ['s/a*', 's/abc/d', 's/a*'],
  ['s/*', 's', null],
  ['*', 'anything/at/all', '*'],
  ['s/*/x', 's/a/x', null],
  ['s/*/x', 's/*/x', 's/*/x'],
  ['+', 'a', '+'],
  ['+', 'a/b', null],
  ['s/+', 's/a', 's/+'],
  ['s/+', 's/a/', 's/+'],
  ['s/+', 's/a/b', null],
  ['s/+', 's', null],
  ['s/+/x', 's//x', 's/+/x'],
  ['s/a+', 's/ab', null],
  ['s/a+', 's/a+', 's/a+'],
  ['s/+/*', 's/a', null],
  ['s/+/*', 's/a/b/c', 's/+/*'],
  ['s/+/b*', 's/a/bcd/e', 's/+/b*'],
  // Exact before everything.
  ['s/* s/a', 's/a', 's/a'],
  ['s/+ s/a', 's/a', 's/a'],
  // The first wildcard stands later.
  ['s/* s/a*', 's/ab', 's/a*'],
  ['s/a/* s/+/x', 's/a/x', 's/a/*'],
  ['+/a/+ +/+/b', 'x/a/b', '+/a/+'],
  ['s/a/+/d s/+/c/d', 's/a/c/d', 's/a/+/d'],
  // Not ending in `*`.
  ['s/+/x s/*', 's/a/x', 's/+/x'],
  ['s/+/+ s/+/*', 's/a/b', 's/+/+'],
  ['s/+ s/*', 's/a', 's/+'],
  ['s/+/b s/+/b*', 's/a/b', 's/+/b'],
  // Fewer `+`.
  ['s/+/b/+ s/+/+/+', 's/a/b/c', 's/+/b/+'],
  ['s/+/+/c s/+/b/+', 's/a/b/c', 's/+/b/+'],
  ['s/* s/+/*', 's/a/b', 's/*'],
  // Longer.
  ['s/+/ba* s/+/b*', 's/a/bar', 's/+/ba*'],
  ['s/+/bb/+ s/+/+/ccc', 's/a/bb/ccc', 's/+/+/ccc'],
  // Lexicographically greater.
  ['s/+/+/c s/+/b/+', 's/a/b/c', 's/+/b/+'],
];

describe('choosing the rule', test => {
  for (const [patterns, path, decides] of CHOICES)
    test(`of ${patterns}, ${decides ?? 'none'} decides on ${path}`, () => {
      const acl = aclOf(Object.fromEntries(patterns.split(' ').map(pattern => [pattern, 'read'])));
      assert.is(decidedBy(acl, 'read', path), decides);
    });

  test('lets only the chosen rule count', () => {
    const acl = aclOf({ 's/*': 'read', 's/a': 'update' });
    assert.is(allows(acl, 'update', 's/a'), true);
    assert.is(allows(acl, 'read', 's/a'), false);
    assert.is(allows(acl, 'read', 's/b'), true);
  });

  test('does not let a deny reach past a more specific rule', () => {
    const acl = aclOf({ 's/*': 'deny', 's/a': 'read' });
    assert.is(allows(acl, 'read', 's/a'), true);
    assert.is(allows(acl, 'read', 's/b'), false);
  });

  test('agrees with the obvious matcher on any rules and paths', () => {
    const segment = fc.constantFrom('a', 'b', 'ab', '+', 'é', '𝒳', '');
    const pattern = fc
      .tuple(fc.array(segment, { minLength: 1, maxLength: 5 }), fc.constantFrom('', '*', '/*', '', 'a*'))
      .map(([segments, end]) => segments.join('/') + end)
      .filter(text => !text.includes('+*') && !text.startsWith('/'));
    const words = fc.subarray(['read', 'list', 'update', 'deny']);
    const rule: fc.Arbitrary<PlainRule> = fc.record({ path: pattern, words });
    const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'aba', 'é', '𝒳', '+', ''), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.array(rule, { maxLength: 8 }), { maxLength: 4 }), path, (policies, segments) => {
        const rules = policies.flat();
        const acl = compile(
          policies.map((each, index) => policyOf(textOf(each), `p${index}`)),
          null,
        );
        const key = segments.join('/').replace(/^\/+|\/+$/g, '');
        for (const [capability, wanted] of [
          ['read', chosen(rules, key)],
          ['update', chosen(rules, key)],
          ['list', chosenForList(rules, `${key}/`)],
        ] as const) {
          const decision = acl.check({ capability, path: key });
          assert.is(decision.rule?.path ?? null, wanted, `${capability} of ${key}`);
          assert.is(decision.allowed, wordsOf(rules, wanted).includes(capability));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

const textOf = (rules: readonly PlainRule[]): string =>
  rules
    .map(({ path, words }) => `path ${JSON.stringify(path)} { capabilities = ${JSON.stringify(words)} }`)
    .join('\n') || '# none';

describe('listing a folder', test => {
  test('is allowed by a rule with a slash, without one, or with a wildcard behind it', () => {
    for (const path of ['m/app/*', 'm/app/', 'm/app', 'm/+', 'm/+/', '+/app', 'm/*'])
      for (const asked of ['m/app', 'm/app/'])
        assert.is(allows(aclOf({ [path]: 'list' }), 'list', asked), true, `${path} for ${asked}`);
  });

  test('asks for the folder with its slash first', () => {
    assert.is(allows(aclOf({ 'm/*': 'list', 'm/app/*': 'deny' }), 'list', 'm/app'), false);
    assert.is(allows(aclOf({ 'm/*': 'deny', 'm/app/*': 'list' }), 'list', 'm/app/'), true);
    assert.is(allows(aclOf({ 'm/app/': 'list', 'm/app': 'deny' }), 'list', 'm/app'), true);
  });
});

describe('merging rules with one pattern', test => {
  test('unites capabilities over blocks and policies', () => {
    const acl = compile([rulesOf({ 's/*': 'read' }, 'b'), rulesOf({ 's/*': 'list' }, 'a')], null);
    assert.equal(acl.capabilitiesOf('s/x'), ['list', 'read']);
    const decision = acl.check({ capability: 'read', path: 's/x' });
    assert.equal(decision, { allowed: true, rule: { policy: 'b', path: 's/*', capability: 'read' } });
  });

  test('lets a deny win, whichever comes first', () => {
    for (const policies of [
      [rulesOf({ 's/*': 'read' }, 'a'), rulesOf({ 's/*': 'deny' }, 'b')],
      [rulesOf({ 's/*': 'deny' }, 'a'), rulesOf({ 's/*': 'read' }, 'b')],
    ]) {
      const decision = compile(policies, null).check({ capability: 'read', path: 's/x' });
      assert.is(decision.allowed, false);
      assert.is(decision.rule?.policy, policies.find(policy => policy.rules[0]?.deny)?.name);
      assert.equal(compile(policies, null).capabilitiesOf('s/x'), ['deny']);
    }
  });

  test('counts a policy once, however often it is named', () => {
    const policy = rulesOf({ a: 'read' });
    assert.equal(compile([policy, policy], null).capabilitiesOf('a'), ['read']);
  });
});

describe('asking', test => {
  test('is denied without any policy, and says that nothing matched', () => {
    const acl = compile([], null);
    assert.equal(acl.check({ capability: 'read', path: 'a' }), { allowed: false, why: 'no-rule', rule: null });
    assert.equal(acl.capabilitiesOf('a'), ['deny']);
    assert.is(acl.hasSudo('a'), false);
  });

  test('is always allowed with the policy root', () => {
    const acl = compile([rulesOf({ '*': 'deny' }), rootPolicy], null);
    assert.equal(acl.check({ capability: 'delete', path: 'sys/seal' }), {
      allowed: true,
      rule: { policy: 'root', path: '*', capability: 'delete' },
    });
    assert.equal(acl.capabilitiesOf('x'), ['root']);
    assert.is(acl.hasSudo('x'), true);
    assert.is(acl.isRoot, true);
  });

  test('needs sudo as well on protected paths', () => {
    const acl = aclOf({ 'sys/*': 'update read list', 'sys/seal': 'update sudo' });
    assert.is(allows(acl, 'update', 'sys/seal'), true);
    assert.equal(acl.check({ capability: 'update', path: 'sys/auth/x' }), {
      allowed: false,
      why: 'sudo',
      rule: { policy: 'test', path: 'sys/*', capability: 'update' },
    });
    assert.is(allows(acl, 'list', 'sys/leases/lookup'), false);
    assert.is(allows(acl, 'read', 'sys/auth'), true);
    assert.is(acl.hasSudo('sys/seal'), true);
    assert.is(acl.hasSudo('sys/mounts'), false);
  });

  test('reads names of policies without regard to case, as the server does', () => {
    for (const path of ['sys/policies/acl/Admin', 'sys/policies/acl/admin', 'sys/+/acl/ADMIN']) {
      const acl = aclOf({ 'sys/policies/acl/*': 'update', [path]: 'deny' });
      for (const name of ['admin', 'ADMIN', 'Admin/'])
        assert.is(allows(acl, 'update', `sys/policies/acl/${name}`), path.includes('+'), `${path} ${name}`);
    }
    assert.is(allows(aclOf({ 'sys/+/acl/ADMIN': 'read' }), 'read', 'sys/policies/acl/Admin'), true);
    assert.is(allows(aclOf({ 'sys/policy/Ops*': 'read' }), 'read', 'sys/policy/oPSx'), true);
    assert.is(allows(aclOf({ 'secret/data/Admin': 'read' }), 'read', 'secret/data/admin'), false);
  });

  test('reads such names so behind any wildcard, and every other name as it is written', () => {
    const word = fc.constantFrom('sys', 'policies', 'acl', 'policy', 'auth', 'role', 'roles', 'users', 'login', 'x');
    const segment = fc.oneof(word, fc.constantFrom('Ab', 'ab', 'AB'));
    /** From here on case means nothing. */
    const namesBegin = (path: string): number => {
      const [first, second, third, ...more] = path.split('/');
      if (first === 'sys' && second === 'policy' && third !== undefined) return 2;
      if (first === 'sys' && second === 'policies' && third === 'acl' && more.length > 0) return 3;
      const lead = [third, ...more].findIndex(each => ['role', 'users', 'login'].includes(each ?? ''));
      return first === 'auth' && lead >= 0 && lead < more.length ? lead + 3 : Number.POSITIVE_INFINITY;
    };
    const lowered = (text: string, from: number): string =>
      text
        .split('/')
        .map((each, place) => (place < from ? each : each.toLowerCase()))
        .join('/');
    const patterns = fc.record({
      segments: fc.array(segment, { minLength: 1, maxLength: 6 }),
      end: fc.nat({ max: 3 }),
    });
    const paths = fc.array(segment, { minLength: 1, maxLength: 6 });
    /** Mostly the path itself, in part, in another spelling, and with `+`. */
    const near = fc
      .tuple(paths, fc.array(fc.constantFrom('as it is', 'as it is', '+', 'lower'), { minLength: 6, maxLength: 6 }))
      .chain(([path, how]) => {
        const changed = path.map((each, place) =>
          how[place] === '+' ? '+' : how[place] === 'lower' ? each.toLowerCase() : each,
        );
        return fc.tuple(
          fc.constant(path),
          fc.oneof(
            patterns,
            patterns.map(({ end }) => ({ segments: changed, end })),
          ),
        );
      });
    fc.assert(
      fc.property(near, ([path, { segments, end }]) => {
        const body = segments.join('/');
        const pattern = end === 0 && !body.endsWith('+') ? `${body.slice(0, -1)}*` : body;
        if (pattern.includes('+*')) return;
        const [asked, from] = [path.join('/'), namesBegin(path.join('/'))];
        const wanted = chosen([{ path: lowered(pattern, from), words: [] }], lowered(asked, from)) !== null;
        assert.is(decidedBy(aclOf({ [pattern]: 'deny' }), 'read', asked) !== null, wanted, `${pattern} of ${asked}`);
      }),
      { numRuns: 5000 },
    );
  });

  test('shows such a rule once among those that a token has', () => {
    assert.equal([...aclOf({ 'sys/+/Team': 'read', '+/+/+/X*': 'read' }).grants()].map(({ path }) => path).sort(), [
      '+/+/+/X',
      'sys/+/Team',
    ]);
  });

  test('says why not', () => {
    const acl = aclOf({ a: 'read', b: 'deny' });
    const why = (capability: Capability, path: string): string | null => {
      const decision = acl.check({ capability, path });
      return decision.allowed ? null : decision.why;
    };
    assert.equal(
      [why('read', 'a'), why('update', 'a'), why('read', 'b'), why('read', 'c')],
      [null, 'capability', 'deny', 'no-rule'],
    );
  });
});

describe('the built-in policies', test => {
  const identity = { id: 'e1', name: 'ann', metadata: {}, aliases: {} };

  test('default lets a token look after itself and nothing else', () => {
    const acl = compile([policyOf(DEFAULT_POLICY, 'default')], identity);
    for (const [capability, path] of [
      ['read', 'auth/token/lookup-self'],
      ['update', 'auth/token/renew-self'],
      ['update', 'auth/token/revoke-self'],
      ['update', 'sys/capabilities-self'],
      ['create', 'cubbyhole/a/b'],
      ['list', 'cubbyhole/'],
      ['update', 'sys/wrapping/unwrap'],
      ['read', 'identity/entity/id/e1'],
      ['read', 'identity/entity/name/ann'],
      ['update', 'identity/oidc/provider/x/authorize'],
    ] as const)
      assert.is(allows(acl, capability, path), true, path);
    for (const [capability, path] of [
      ['read', 'secret/data/a'],
      ['update', 'auth/token/create'],
      ['read', 'identity/entity/id/e2'],
      ['update', 'auth/token/lookup-self'],
    ] as const)
      assert.is(allows(acl, capability, path), false, path);
  });

  test('auditor sees what happened and where, and no value', () => {
    const acl = compile([policyOf(AUDITOR_POLICY, 'auditor')], null);
    for (const path of ['head', 'events', 'projections'])
      assert.is(allows(acl, 'read', `sys/ledger/${path}`), true, path);
    for (const path of ['sys/metrics', 'sys/mounts', 'sys/auth', 'secret/metadata/a/b'])
      assert.is(allows(acl, 'read', path), true, path);
    assert.is(allows(acl, 'update', 'sys/ledger/projections/verify'), true);
    assert.is(allows(acl, 'list', 'secret/metadata'), true);
    assert.is(allows(acl, 'list', 'secret/metadata/a/'), true);
    assert.is(allows(acl, 'read', 'secret/metadata'), false);
    assert.is(allows(acl, 'update', 'secret/metadata/a'), false);
    assert.is(allows(acl, 'read', 'secret/data/a'), false);
  });

  test('response-wrapping unwraps', () => {
    const acl = compile([policyOf(RESPONSE_WRAPPING_POLICY, 'response-wrapping')], null);
    assert.is(allows(acl, 'update', 'sys/wrapping/unwrap'), true);
    assert.is(allows(acl, 'read', 'cubbyhole/response'), true);
    assert.is(allows(acl, 'read', 'cubbyhole/x'), false);
  });
});
