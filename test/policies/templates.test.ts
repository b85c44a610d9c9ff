import * as assert from 'uvu/assert';
import { compile } from '../../src/policies/acl.js';
import { PolicyCompiler } from '../../src/policies/compiler.js';
import type { Identity } from '../../src/policies/templates.js';
import { describe } from '../support/describe.js';
import { allows, policyOf, rulesOf } from './support.js';

const ann: Identity = {
  ...{ id: 'e-1', name: 'ann' },
  metadata: { team: 'blue', 'cost.centre': 'c7', glob: '*', plus: '+', folder: 'a/b', empty: '', up: 'x*' },
  aliases: {
    userpass: { id: 'a-1', name: 'ann@x', metadata: { shift: 'late' } },
    'corp/ldap': { id: 'a-2', name: 'an', metadata: {} },
  },
};
const bob: Identity = { id: 'e-2', name: 'bob', metadata: { team: 'blue' }, aliases: {} };

const reads = (rule: string, path: string, identity: Identity | null = ann): boolean =>
  allows(compile([rulesOf({ [rule]: 'read' })], identity), 'read', path);

describe('templated paths', test => {
  test('are filled from the identity behind the token', () => {
    assert.is(reads('s/{{identity.entity.id}}/*', 's/e-1/x'), true);
    assert.is(reads('s/{{ identity.entity.name }}', 's/ann'), true);
    assert.is(reads('s/team-{{identity.entity.metadata.team}}-{{identity.entity.name}}/+', 's/team-blue-ann/x'), true);
    assert.is(reads('s/{{identity.entity.metadata.cost.centre}}', 's/c7'), true);
    assert.is(reads('s/{{identity.entity.aliases.userpass.name}}', 's/ann@x'), true);
    assert.is(reads('s/{{identity.entity.aliases.userpass.metadata.shift}}', 's/late'), true);
    assert.is(reads('s/{{identity.entity.aliases.corp/ldap.id}}', 's/a-2'), true);
    assert.is(reads('s/{{identity.entity.id}}/*', 's/e-2/x'), false);
  });

  test('drop their rule when there is no value', () => {
    for (const expression of [
      'identity.entity.metadata.none',
      'identity.entity.metadata.empty',
      'identity.entity.metadata.toString',
      'identity.entity.aliases.github.name',
      'identity.groups.ids.g.name',
      'identity.entity',
      '',
    ]) {
      assert.is(reads(`s/{{${expression}}}*`, 's/'), false, expression);
      assert.is(reads(`s/{{${expression}}}*`, 's/x'), false, expression);
    }
    assert.is(reads('s/{{identity.entity.id}}', 's/e-1', null), false);
  });

  test('never make a wildcard or another folder of a value', () => {
    assert.is(reads('s/{{identity.entity.metadata.glob}}', 's/x'), false);
    assert.is(reads('s/{{identity.entity.metadata.glob}}', 's/*'), true);
    assert.is(reads('s/{{identity.entity.metadata.plus}}/x', 's/a/x'), false);
    assert.is(reads('s/{{identity.entity.metadata.plus}}/x', 's/+/x'), true);
    assert.is(reads('s/{{identity.entity.metadata.up}}', 's/xyz'), false);
    assert.is(reads('s/{{identity.entity.metadata.up}}*', 's/x*yz'), true);
    assert.is(reads('s/{{identity.entity.metadata.folder}}/*', 's/a/b/c'), false);
  });

  test('merge with what is written out', () => {
    const acl = compile([rulesOf({ 's/{{identity.entity.name}}': 'read', 's/ann': 'update' })], ann);
    assert.equal(acl.capabilitiesOf('s/ann'), ['read', 'update']);
  });
});

describe('the compiler', test => {
  const fixed = rulesOf({ 's/*': 'read' }, 'fixed');
  const own = rulesOf({ 's/{{identity.entity.name}}': 'update' }, 'own');
  const team = rulesOf({ 't/{{identity.entity.metadata.team}}': 'read' }, 'team');

  test('gives tokens with the same policies the same answer, in any order', () => {
    const compiler = new PolicyCompiler();
    assert.is(compiler.acl([fixed, team], null), compiler.acl([team, fixed], null));
    assert.is(compiler.size, 1);
  });

  test('tells identities apart only where a template does', () => {
    const compiler = new PolicyCompiler();
    assert.is(compiler.acl([fixed], ann), compiler.acl([fixed], bob));
    assert.is(compiler.acl([fixed, team], ann), compiler.acl([fixed, team], bob));
    const [hers, his] = [compiler.acl([own], ann), compiler.acl([own], bob)];
    assert.is(allows(hers, 'update', 's/ann'), true);
    assert.is(allows(his, 'update', 's/ann'), false);
    assert.is(compiler.acl([own], { ...ann, name: 'eve' }) === hers, false);
  });

  test('takes a policy that was written again for another one', () => {
    const compiler = new PolicyCompiler();
    const before = compiler.acl([fixed], null);
    const after = compiler.acl([rulesOf({ 's/*': 'deny' }, 'fixed')], null);
    assert.is(allows(before, 'read', 's/x'), true);
    assert.is(allows(after, 'read', 's/x'), false);
  });

  test('holds a bounded number of rules and forgets what was not used for longest', () => {
    const compiler = new PolicyCompiler({ aclsMax: 3, rulesMax: 5 });
    const policies = Array.from({ length: 6 }, (_, index) => rulesOf({ a: 'read', b: 'read' }, `p${index}`));
    const [first, second, third] = policies.map(policy => [policy]);
    const kept = compiler.acl(first ?? [], null);
    compiler.acl(second ?? [], null);
    assert.is(compiler.acl(first ?? [], null), kept);
    compiler.acl(third ?? [], null);
    assert.is(compiler.acl(first ?? [], null), kept);
    assert.is(compiler.size, 2);
    assert.is(compiler.rules, 4);
    const large = compiler.acl(policies, null);
    assert.is(compiler.size, 1);
    assert.is(compiler.acl(policies, null), large);
  });

  test('bounds the number of answers without rules too', () => {
    const compiler = new PolicyCompiler({ aclsMax: 3, rulesMax: 5 });
    for (let index = 0; index < 10; index += 1) compiler.acl([policyOf('# nothing', `p${index}`)], null);
    assert.is(compiler.size, 3);
  });
});
