import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { oneLine, severalLines } from '../../src/cli/terminal/escape.js';
import { describe } from '../support/describe.js';

describe("a stranger's text on the terminal", test => {
  test('cannot move the cursor, change colours or forge a line', () => {
    assert.is(oneLine('a\u001b[2Jb'), 'a\\u{1b}[2Jb');
    assert.is(oneLine('a\r\nb\tc'), 'a\\r\\nb\\tc');
    assert.is(oneLine('\u009b31m'), '\\u{9b}31m');
  });

  test('cannot turn writing direction around or hide a character', () => {
    assert.is(oneLine('user\u202egpj.exe'), 'user\\u{202e}gpj.exe');
    assert.is(oneLine('ad\u200bmin'), 'ad\\u{200b}min');
  });

  test('is otherwise shown as it is', () => {
    assert.is(oneLine('secret/Zürich/東京 🔑'), 'secret/Zürich/東京 🔑');
  });

  test('has no control character left, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        assert.not.match(oneLine(text), /\p{Cc}|\p{Zl}|\p{Zp}/u);
        assert.not.match(severalLines(text), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      }),
    );
  });
});
