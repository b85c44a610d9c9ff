import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { compile } from '../../src/policies/acl.js';
import { parsePolicy, TEXT_BYTES_MAX } from '../../src/policies/parse.js';
import { describe } from '../support/describe.js';

/** Pieces of the language in any order come closer to its corners than any characters do. */
const piece = fc.constantFrom(
  ...[
    'path',
    ' ',
    '\n',
    '"',
    '"a/*"',
    '"+/b"',
    '{',
    '}',
    '[',
    ']',
    '=',
    ',',
    ':',
    'capabilities',
    '["read"]',
    '"deny"',
  ],
  ...['#', '//', '/*', '*/', '<<X', '<<-X', '\nX\n', '\\', '\\u12', 'true', '1e9', '-0x1F', '{{', '}}', '+*', '\0'],
  ...['allowed_parameters', 'min_wrapping_ttl', '"1h"', '"path"', '\ud83d', '\ufeff', 'é', 'policy', '"name"'],
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(piece, { maxLength: 40 }).map(pieces => pieces.join('')),
  fc.array(piece, { maxLength: 40 }).map(pieces => `path "a" { ${pieces.join(' ')} }`),
  fc.json().map(json => `{"path":${json}}`),
);

describe('any text', test => {
  test('is read or refused with a message, and never throws', () => {
    fc.assert(
      fc.property(text, each => {
        const parsed = parsePolicy('p', each);
        if (parsed._tag === 'Left') assert.ok(parsed.left.message.length > 0);
        else compile([parsed.right], null).check({ capability: 'read', path: 'a/b' });
      }),
      { numRuns: 5000 },
    );
  });

  /** Texts at the bound that would be slow if anything were looked at twice as often for twice the text. */
  const large: readonly (readonly [what: string, text: string])[] = [
    ['blanks', ' '.repeat(TEXT_BYTES_MAX)],
    ['one comment', `/*${'*'.repeat(TEXT_BYTES_MAX - 2)}`],
    ['many comments', '/**/'.repeat(TEXT_BYTES_MAX / 4)],
    ['line comments', '#\n'.repeat(TEXT_BYTES_MAX / 2)],
    ['one string', `"${'a'.repeat(TEXT_BYTES_MAX - 1)}`],
    ['escapes', `"${'\\\\'.repeat(TEXT_BYTES_MAX / 2 - 1)}"`],
    ['a digit run', `a=${'1'.repeat(TEXT_BYTES_MAX - 3)}x`],
    ['labels', 'a '.repeat(TEXT_BYTES_MAX / 2)],
    ['a heredoc', `a=<<X\n${'\n'.repeat(TEXT_BYTES_MAX - 6)}`],
    ['an indented heredoc', `a=<<-X\n${' a\n'.repeat(TEXT_BYTES_MAX / 3 - 5)}X`],
    ['braces', '{'.repeat(TEXT_BYTES_MAX)],
    ['JSON numbers', `{"path":${'1'.repeat(TEXT_BYTES_MAX - 9)}}`],
    ['JSON keys', `{"path":{${'"a":{},'.repeat(TEXT_BYTES_MAX / 7 - 2)}"b":{}}}`],
    ['templates', `path "${'{{a}}'.repeat(TEXT_BYTES_MAX / 5 - 4)}" {}`],
    ['unknown keys', `path a{${'b=1 '.repeat(TEXT_BYTES_MAX / 4 - 3)}}`],
    ['list items', `path a{capabilities=[${'"read",'.repeat(TEXT_BYTES_MAX / 7 - 10)}]}`],
    ['surrogates', `"${'\\ud83d'.repeat(TEXT_BYTES_MAX / 6 - 1)}"`],
  ];
  for (const [what, each] of large)
    test(`as large as it may be takes less than a second: ${what}`, () => {
      const startedAt = performance.now();
      parsePolicy('p', each);
      assert.ok(performance.now() - startedAt < 1000);
    });
});
