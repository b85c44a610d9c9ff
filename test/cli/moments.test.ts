import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { parseMoment, rfc3339 } from '../../src/cli/arguments/moments.js';
import { CliError, ExitCode } from '../../src/cli/exit-codes.js';
import { describe } from '../support/describe.js';

const NOW = Date.parse('2026-08-21T12:00:00.500Z');

const refuses = (text: string, words: RegExp): void => {
  try {
    parseMoment(text, NOW);
  } catch (error) {
    assert.instance(error, CliError);
    if (error instanceof CliError) {
      assert.is(error.exitCode, ExitCode.badInput);
      assert.match(error.message, words);
    }
    return;
  }
  assert.unreachable(`took ${text} for a time`);
};

describe('a moment on the command line', test => {
  test('is RFC 3339 with any offset, kept to the microsecond', () => {
    assert.is(parseMoment('2026-08-21T09:00:00Z', NOW), '2026-08-21T09:00:00.000000Z');
    assert.is(parseMoment('2026-08-21T09:00:00.123456789Z', NOW), '2026-08-21T09:00:00.123456Z');
    assert.is(parseMoment('2026-08-21T11:00:00.5+02:00', NOW), '2026-08-21T09:00:00.500000Z');
  });

  test('is unix seconds', () => {
    assert.is(parseMoment('1764000000', NOW), '2025-11-24T16:00:00.000000Z');
    assert.is(parseMoment('1764000000.25', NOW), '2025-11-24T16:00:00.250000Z');
  });

  test('is how long ago, as Go writes a duration', () => {
    assert.is(parseMoment('10m', NOW), '2026-08-21T11:50:00.500000Z');
    assert.is(parseMoment('-10m', NOW), '2026-08-21T11:50:00.500000Z');
    assert.is(parseMoment('2h30m', NOW), '2026-08-21T09:30:00.500000Z');
    assert.is(parseMoment('1.5h', NOW), '2026-08-21T10:30:00.500000Z');
    assert.is(parseMoment('1d', NOW), '2026-08-20T12:00:00.500000Z');
    assert.is(parseMoment('250us', NOW), '2026-08-21T12:00:00.499750Z');
    assert.is(parseMoment('0s', NOW), '2026-08-21T12:00:00.500000Z');
  });

  test('is never in the future, but for a minute that two clocks may differ by', () => {
    refuses('2026-08-21T12:05:00Z', /future/);
    refuses('2999-01-01T00:00:00Z', /future/);
    assert.is(parseMoment('2026-08-21T12:00:30Z', NOW), '2026-08-21T12:00:30.000000Z');
  });

  test('is not a position, a word, a day that is not in the calendar, or half a time', () => {
    refuses('12', /too small/);
    for (const text of [
      '',
      'yesterday',
      '10',
      '10x',
      '2026-02-31T00:00:00Z',
      '2026-08-21',
      '2026-08-21T25:00:00Z',
      'NaN',
      '1e9',
    ]) {
      refuses(text, /time/);
    }
    refuses('1969-12-31T00:00:00Z', /1970/);
  });

  test('comes back as it was for every microsecond', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: BigInt(NOW) * 1000n }), us => {
        assert.is(parseMoment(rfc3339(us), NOW), rfc3339(us));
      }),
    );
  });
});
