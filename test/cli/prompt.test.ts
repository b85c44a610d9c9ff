import { PassThrough } from 'node:stream';
import * as assert from 'uvu/assert';
import { CliError, ExitCode } from '../../src/cli/exit-codes.js';
import { askHidden, askTwice, confirm } from '../../src/cli/terminal/prompt.js';
import { describe } from '../support/describe.js';

/** A terminal of streams: what a person types goes in, what they would see comes out. */
const person = (): { streams: Parameters<typeof askHidden>[0]; types: (text: string) => void; seen: () => string } => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  let seen = '';
  stderr.on('data', (chunk: Buffer) => {
    seen += chunk.toString('utf8');
  });
  return {
    streams: { stdin, stderr, interactive: true } as unknown as Parameters<typeof askHidden>[0],
    types: text => void stdin.write(text),
    seen: () => seen,
  };
};

const failure = async (work: Promise<unknown>): Promise<CliError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};

describe('a hidden question', test => {
  test('shows the question and nothing of the answer', async () => {
    const { streams, types, seen } = person();
    const answer = askHidden(streams, 'Password', 'use a file');
    types('hunter2\r');
    assert.is(await answer, 'hunter2');
    assert.match(seen(), /^Password: /);
    assert.not.match(seen(), /hunter2|h\w*u|\*/);
  });

  test('lets a mistyped character be taken back', async () => {
    const { streams, types } = person();
    const answer = askHidden(streams, 'Password', 'use a file');
    types('hunter3\u007f2\r');
    assert.is(await answer, 'hunter2');
  });

  test('ends with 130 on Ctrl-C and on Ctrl-D', async () => {
    for (const key of ['\u0003', '\u0004']) {
      const { streams, types } = person();
      const answer = failure(askHidden(streams, 'Password', 'use a file'));
      types(key);
      assert.is((await answer).exitCode, ExitCode.interrupted);
    }
  });

  test('is not asked where nobody can answer, and says what a script does instead', async () => {
    const { streams } = person();
    const error = await failure(askHidden({ ...streams, interactive: false }, 'Password', 'use --password-file'));
    assert.is(error.exitCode, ExitCode.badInput);
    assert.is(error.hint, 'use --password-file');
  });

  test('takes a new password only when it is typed the same twice', async () => {
    const { streams, types } = person();
    const answer = failure(askTwice(streams, 'New password', 'use a file'));
    types('one\r');
    setTimeout(() => types('two\r'), 50);
    assert.match((await answer).message, /not the same/);
  });

  test('takes nothing but a yes for a yes', async () => {
    for (const [typed, said] of [
      ['y', true],
      ['yes', true],
      ['', false],
      ['n', false],
      ['yo', false],
    ] as const) {
      const { streams, types } = person();
      const answer = confirm(streams, 'Destroy it?', 'use --yes');
      types(`${typed}\r`);
      assert.is(await answer, said);
    }
  });
});
