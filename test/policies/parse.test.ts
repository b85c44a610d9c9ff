import * as assert from 'uvu/assert';
import { parsePolicy, TEXT_BYTES_MAX } from '../../src/policies/parse.js';
import { capabilitiesIn } from '../../src/policies/policy.js';
import { describe } from '../support/describe.js';
import { faultOf, policyOf } from './support.js';

const shown = (text: string): [path: string, words: string][] =>
  policyOf(text).rules.map(({ path, capabilities, deny }) => [
    path,
    deny ? 'deny' : capabilitiesIn(capabilities).join(' '),
  ]);

describe('reading a policy', test => {
  test('takes HCL and JSON for the same', () => {
    const wanted = [['secret/data/app/*', 'create read update']];
    assert.equal(shown('path "secret/data/app/*" { capabilities = ["create","read","update"] }'), wanted);
    assert.equal(shown('{"path":{"secret/data/app/*":{"capabilities":["create","read","update"]}}}'), wanted);
    assert.equal(shown(' \n {"path":[{"secret/data/app/*":[{"capabilities":["create","read","update"]}]}]}'), wanted);
  });

  test('overlooks comments, line breaks, blanks and commas at the end of a list', () => {
    const text = `
      # one
      // two
      /* three
         path "not/this" { } */
      name = "app" /* four */
      path "a"{capabilities=["read",# five
        "list",
      ]} path bare.word-x { capabilities = [
        "update"
      ], }`;
    assert.equal(shown(text), [
      ['a', 'list read'],
      ['bare.word-x', 'update'],
    ]);
  });

  test('takes Windows line ends and a byte order mark', () => {
    assert.equal(shown('\ufeffpath "a" {\r\n  capabilities = ["read"]\r\n}\r\n'), [['a', 'read']]);
  });

  test('takes heredocs, with and without indentation, and escapes', () => {
    const text = `path "a\\"b\\\\\\u00e9" {
      comment = <<-END
        path "x" { }
      END
      capabilities = [<<W
read
W
      ]
    }`;
    assert.match(faultOf(text), 'invalid capability "read\\n"');
    assert.equal(shown('path "a\\"b\\\\\\u00e9" {\n comment = <<-END\n  # not a comment\n  END\n policy = "read" }'), [
      ['a"b\\é', 'list read'],
    ]);
  });

  test('knows the old words', () => {
    const text = 'path "d" {policy="deny"} path "r" {policy="read"} path "w" {policy="write"} path "s" {policy="sudo"}';
    assert.equal(shown(text), [
      ['d', 'deny'],
      ['r', 'list read'],
      ['w', 'create delete list read update'],
      ['s', 'create delete list read sudo update'],
    ]);
  });

  test('lets deny stand alone, an empty block grant nothing, and a leading slash go', () => {
    assert.equal(shown('path "/a" { capabilities = ["read", "deny"] } path "b" { }'), [
      ['a', 'deny'],
      ['b', ''],
    ]);
  });

  test('takes a text of comments alone, which grants nothing', () => {
    assert.equal(shown('# nothing yet\n'), []);
    assert.equal(shown('{}'), []);
  });

  test('reads parameters and wrapping bounds', () => {
    const [rule] = policyOf(`path "a" {
      capabilities = ["update"]
      allowed_parameters = { "Key" = ["a", 1, true], "*" = [] }
      denied_parameters { "b" = [] }
      required_parameters = ["C"]
      min_wrapping_ttl = 90
      max_wrapping_ttl = "2h"
    }`).rules;
    assert.equal(rule?.limits, {
      allowed: new Map<string, unknown>([
        ['key', ['a', 1, true]],
        ['*', []],
      ]),
      denied: new Map([['b', []]]),
      required: ['c'],
      wrapTtlMsMin: 90_000,
      wrapTtlMsMax: 7_200_000,
    });
  });

  test('names the expressions of templates once', () => {
    const text = 'path "a/{{ identity.entity.id }}/x" {} path "b/{{identity.entity.id}}/{{identity.entity.name}}" {}';
    assert.equal(policyOf(text).templates, ['identity.entity.id', 'identity.entity.name']);
  });
});

const REFUSED: readonly (readonly [text: string, message: string])[] = [
  ['', "'policy' parameter not supplied or empty"],
  ['path "a" { capabilities = ["foo"] }', 'failed to parse policy: path "a": invalid capability "foo"'],
  ['path "a" { capabilities = ["root"] }', 'failed to parse policy: path "a": invalid capability "root"'],
  ['path "a" { capabilities = ["READ"] }', 'failed to parse policy: path "a": invalid capability "READ"'],
  ['path "a" { foo = 1 }', 'failed to parse policy: 1 error occurred:\n\t* path "a": invalid key "foo" on line 1\n\n'],
  [
    'path "a" {\n  foo = 1\n  bar {}\n}',
    'failed to parse policy: 2 errors occurred:\n\t* path "a": invalid key "foo" on line 2\n\t* path "a": invalid key "bar" on line 3\n\n',
  ],
  ['paths "a" { }', 'failed to parse policy: 1 error occurred:\n\t* invalid key "paths" on line 1\n\n'],
  ['{"path":{},"x":1}', 'failed to parse policy: 1 error occurred:\n\t* invalid key "x" on line 1\n\n'],
  ['path "a/+*" { }', `failed to parse policy: path "a/+*": invalid use of wildcards ('+*' is forbidden)`],
  ['path "a" { policy = "foo" }', 'failed to parse policy: path "a": invalid policy "foo"'],
  [
    'path "a" { min_wrapping_ttl = "2m" max_wrapping_ttl = "1m" }',
    'failed to parse policy: max_wrapping_ttl cannot be less than min_wrapping_ttl',
  ],
  [
    'path "a" { min_wrapping_ttl = "soon" }',
    'failed to parse policy: error parsing min_wrapping_ttl: time: invalid duration "soon"',
  ],
  [
    'path "a" { max_wrapping_ttl = -1 }',
    'failed to parse policy: error parsing max_wrapping_ttl: a duration cannot be negative',
  ],
  ['path "a" { capabilities = "read" }', 'failed to parse policy: path "a": "capabilities" must be a list of strings'],
  [
    'path "a" { capabilities = [1] }',
    'failed to parse policy: every item of path "a": "capabilities" must be a string',
  ],
  [
    'path "a" { capabilities = ["read"] capabilities = ["list"] }',
    'failed to parse policy: path "a": "capabilities" is given twice',
  ],
  [
    'path "a" { allowed_parameters = { "x" = "y" } }',
    'failed to parse policy: path "a": "allowed_parameters": "x" must be a list',
  ],
  [
    'path "a" {\n control_group = {} }',
    'failed to parse policy: path "a": "control_group" is not enforced by this server, so no rule may rely on it (line 2)',
  ],
  [
    'path "a/{{identity.entity.id" { }',
    'failed to parse policy: path "a/{{identity.entity.id": unbalanced templating characters',
  ],
  ['path = { "a" = { } }', 'failed to parse policy: a rule is written as: path "secret/data/app/*" { … }'],
  ['path "a" "b" { }', 'failed to parse policy: a "path" block has one label: the path'],
  ['path "a" = { }', 'failed to parse policy: At 1:10: expected "{": found "="'],
  ['path "a" {', 'failed to parse policy: At 1:11: a block or object has no closing "}"'],
  ['path "a" { capabilities = ["read" "list"] }', 'failed to parse policy: At 1:35: expected "," or "]": found "\\""'],
  ['path "a" { capabilities = [read] }', 'failed to parse policy: At 1:28: a word needs double quotes here'],
  ['\n\npath "a', 'failed to parse policy: At 3:6: this string has no closing quote'],
  ['path "a\\q" {}', 'failed to parse policy: At 1:9: unknown escape: use \\" \\\\ \\n \\r \\t or \\uXXXX'],
  ['/* path', 'failed to parse policy: At 1:1: this comment has no end'],
  ['path "a" { comment = <<X\nY', 'failed to parse policy: At 1:22: this heredoc has no line that says X'],
  ['path "a" { comment = ', 'failed to parse policy: At 1:22: expected a value: the text ends'],
  ['}', 'failed to parse policy: At 1:1: expected a name: found "}"'],
  ['[]', 'failed to parse policy: At 1:1: expected a name: found "["'],
  ['"just a string"', 'failed to parse policy: At 1:16: expected "=" or "{" after "just a string": the text ends'],
  ['{"path":{"a":{}}} x', 'failed to parse policy: At 1:19: text after the JSON value: found "x"'],
  ['{"path":{"a":1}}', 'failed to parse policy: path "a": expected an object'],
  ['{"path":"a"}', 'failed to parse policy: "path": expected an object'],
  ['{"path":{"a":{}},}', 'failed to parse policy: At 1:18: expected a key in double quotes: found "}"'],
  ['{"path" {}}', 'failed to parse policy: At 1:9: expected ":" after the key: found "{"'],
];

describe('refusing a policy', test => {
  for (const [text, message] of REFUSED)
    test(`says what is wrong with ${JSON.stringify(text)}`, () => assert.is(faultOf(text), message));

  test('names the line', () => {
    const parsed = parsePolicy('x', 'path "a" {}\n\npath "b" {\n capabilities = ["x"]\n}');
    assert.is(parsed._tag === 'Left' ? parsed.left.line : 0, 3);
  });

  test('bounds the text, the rules and the nesting', () => {
    assert.match(faultOf(' '.repeat(TEXT_BYTES_MAX + 1)), 'at most 256 KiB');
    assert.match(faultOf('path a{}'.repeat(10_001)), 'more than 10000 rules');
    assert.match(faultOf(`path a{allowed_parameters={x=${'['.repeat(100_000)}`), 'nested deeper than 16 levels');
    assert.match(faultOf(`{"path":${'['.repeat(100_000)}`), 'nested deeper than 16 levels');
    assert.match(faultOf('{'.repeat(100_000)), 'expected a key');
    const arrangements = Array.from({ length: 40 }, (_, index) => `path "${'a/'.repeat(index)}+" {}`);
    assert.match(faultOf(arrangements.join(' ')), '"+" stands in more than 32 different places');
    assert.match(faultOf(`path "${'a/'.repeat(300)}" {}`), 'more than 64 segments');
  });
});
