/**
 * The two streams a command writes to. Results go to stdout and nothing else does, so that a pipe gets only them; what is
 * said to the person (notes, warnings, questions, progress) goes to stderr. Colour only where a person is looking.
 */
import { once } from 'node:events';
import { styleText } from 'node:util';
import { ExitCode } from '../exit-codes.js';
import { oneLine } from './escape.js';

export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
  /** A person can be asked: stdin and stderr are both a terminal. */
  readonly interactive: boolean;
  /** A person is watching the results. */
  readonly watched: boolean;
  /** A person is watching stderr: a spinner makes sense. */
  readonly noticed: boolean;
  /** Nobody reads the results any more (`| head`): a command that only shows something may end. */
  readonly deserted: () => boolean;
  /** Exactly this text to stdout; waits when the reader is slower than we are, and drops it when there is none any more. */
  readonly write: (text: string) => Promise<void>;
  /** A line to stdout. */
  readonly print: (line: string) => Promise<void>;
  /** A line to stderr. */
  readonly note: (line: string) => void;
  readonly warn: (line: string) => void;
  /** For stdout. */
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
}

type Style = Parameters<typeof styleText>[0];

export const openTerminal = (colour: boolean): Terminal => {
  const { stdin, stdout, stderr } = process;
  const watched = stdout.isTTY === true;
  const noticed = stderr.isTTY === true;
  let deserted = false;
  // The reader went away (`tally audit replay | head`): that is no error, nor a reason to leave half of a command undone.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!deserted && error.code !== 'EPIPE') {
      stderr.write(`tally: the results cannot be written (${error.code})\n`);
      process.once('exit', code => {
        if (code === ExitCode.ok) process.exitCode = ExitCode.unexpected;
      });
    }
    deserted = true;
  });
  // What is said to nobody is lost, and nothing else is.
  stderr.on('error', () => {});
  const painter =
    (style: Style) =>
    (text: string): string =>
      colour && watched ? styleText(style, text) : text;
  const write = async (text: string): Promise<void> => {
    // `once` rejects with the error that the listener above is told.
    if (!deserted && !stdout.write(text)) await once(stdout, 'drain').catch(() => undefined);
  };
  return {
    stdin,
    stderr,
    interactive: stdin.isTTY === true && noticed,
    watched,
    noticed,
    deserted: () => deserted,
    write,
    print: line => write(`${line}\n`),
    note: line => void stderr.write(`${line}\n`),
    warn: line =>
      void stderr.write(`${colour && noticed ? styleText('yellow', 'warning:') : 'warning:'} ${oneLine(line)}\n`),
    bold: painter('bold'),
    dim: painter('dim'),
    red: painter('red'),
    green: painter('green'),
  };
};
