/** docs/reference/policies.md: its texts are policies, its examples and bounds are true. */
import * as assert from 'uvu/assert';
import { compile } from '../../src/policies/acl.js';
import { TEXT_BYTES_MAX } from '../../src/policies/parse.js';
import { SEGMENTS_MAX } from '../../src/policies/pattern.js';
import { CAPABILITIES } from '../../src/policies/policy.js';
import { PROTECTED_PATHS } from '../../src/policies/protected-paths.js';
import { ARRANGEMENTS_MAX, NOT_ENFORCED, RULES_MAX } from '../../src/policies/read-rules.js';
import { DEPTH_MAX } from '../../src/policies/text/tree.js';
import { readPage } from '../docs/support/pages.js';
import { describe } from '../support/describe.js';
import { aclOf, allows, decidedBy, policyOf } from './support.js';

const page = readPage('docs/reference/policies.md');
const cells = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map(cell => cell.trim());
const rows = page.prose.filter(line => line.startsWith('| ')).map(cells);
const codes = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

describe('the page on policies', test => {
  for (const { info, text, line } of page.blocks)
    test(`has a policy at line ${line}`, () => {
      assert.ok(['hcl', 'json'].includes(info), info);
      assert.ok(policyOf(text).rules.length > 0);
    });

  test('has examples of priority that are true', () => {
    const from = rows.findIndex(([first]) => first === 'rules');
    const examples = rows.slice(from + 2, from + 14);
    assert.is(examples.length, 12);
    for (const [rules, path, decides] of examples) {
      const acl = aclOf(Object.fromEntries(codes(rules).map(pattern => [pattern, 'read'])));
      assert.equal([decidedBy(acl, 'read', codes(path)[0] ?? '')], codes(decides), `${rules} ${path}`);
    }
  });

  test('has the capabilities, the protected paths and the guards that are refused', () => {
    const listed = new Set(rows.map(([first]) => first));
    for (const capability of [...CAPABILITIES, 'deny']) assert.ok(listed.has(`\`${capability}\``), capability);
    const paths = page.prose.find(line => line.startsWith('`sys/auth/*`, '));
    assert.equal(codes(paths), PROTECTED_PATHS);
    assert.equal(codes(rows.find(([first = '']) => first.startsWith('`control_group`'))?.[0]), NOT_ENFORCED);
  });

  test('has the bounds', () => {
    const bounds = rows.slice(rows.findIndex(([first, second]) => first === 'what' && second === 'how much') + 2);
    assert.equal(
      bounds.slice(0, 5).map(([, bound]) => bound),
      [`${TEXT_BYTES_MAX / 1024} KiB`, RULES_MAX.toLocaleString('en'), SEGMENTS_MAX, ARRANGEMENTS_MAX, DEPTH_MAX].map(
        String,
      ),
    );
  });

  test('has an administrator who manages policies and reads no value', () => {
    const text = page.blocks.find(block => block.text.includes('sys/policies/acl/admin'))?.text ?? '';
    const acl = compile([policyOf(text, 'admin')], null);
    assert.is(allows(acl, 'create', 'sys/policies/acl/team/app'), true);
    assert.is(allows(acl, 'update', 'sys/policies/acl/admin'), false);
    assert.is(allows(acl, 'update', 'sys/auth/approle'), true);
    assert.is(allows(acl, 'list', 'auth/token/accessors'), true);
    assert.is(allows(acl, 'update', 'sys/ledger/restore/plan'), true);
    assert.is(allows(acl, 'read', 'secret/data/a'), false);
    assert.is(allows(acl, 'update', 'sys/seal'), false);
  });
});
