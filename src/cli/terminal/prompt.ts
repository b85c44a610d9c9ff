/**
 * Questions to a person. The question goes to stderr; a hidden answer is echoed nowhere and is never history. Without a
 * terminal nothing is asked: the error names the option that a script uses instead.
 */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { badInput, CliError, ExitCode } from '../exit-codes.js';
import type { Terminal } from './terminal.js';

const NOWHERE = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

type Streams = Pick<Terminal, 'stdin' | 'stderr' | 'interactive'>;

const readLine = (streams: Streams, question: string, hidden: boolean): Promise<string> =>
  new Promise((resolve, reject) => {
    const lines = createInterface({
      input: streams.stdin,
      output: hidden ? NOWHERE() : streams.stderr,
      terminal: true,
      historySize: 0,
    });
    let answered = false;
    const finish = (settle: () => void): void => {
      answered = true;
      lines.close();
      if (hidden) streams.stderr.write('\n');
      settle();
    };
    const interrupted = (): void => {
      if (!answered) finish(() => reject(new CliError(ExitCode.interrupted, 'interrupted; nothing was done')));
    };
    lines.on('line', line => finish(() => resolve(line)));
    // Ctrl-C, and Ctrl-D on an empty line.
    lines.on('SIGINT', interrupted);
    lines.on('close', interrupted);
    if (hidden) streams.stderr.write(question);
    else {
      lines.setPrompt(question);
      lines.prompt();
    }
  });

const requirePerson = (streams: Streams, instead: string): void => {
  if (!streams.interactive) throw badInput('there is no terminal to ask at', instead);
};

/** `instead` says what a script gives in place of an answer. */
export const askHidden = async (streams: Streams, question: string, instead: string): Promise<string> => {
  requirePerson(streams, instead);
  return readLine(streams, `${question}: `, true);
};

export const askOpenly = async (streams: Streams, question: string, instead: string): Promise<string> => {
  requirePerson(streams, instead);
  return (await readLine(streams, `${question}: `, false)).trim();
};

/** A new password, typed twice. */
export const askTwice = async (streams: Streams, question: string, instead: string): Promise<string> => {
  const first = await askHidden(streams, question, instead);
  const second = await askHidden(streams, 'The same again', instead);
  if (first !== second) throw badInput('the two are not the same; nothing was done');
  return first;
};

/** False unless the person says yes. */
export const confirm = async (streams: Streams, question: string, instead: string): Promise<boolean> =>
  /^y(es)?$/i.test(await askOpenly(streams, `${question} [y/N]`, instead));
