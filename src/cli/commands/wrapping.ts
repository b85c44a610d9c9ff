/**
 * `tally wrap` and `tally unwrap`: handing over what nobody in between shall see. A wrapping token is printed, since it is
 * what is to be handed on; it comes back by a file, by stdin or by a hidden question, never as an argument.
 */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { memberAt, members, plainText } from '../arguments/json-text.js';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../arguments/options.js';
import { reasonHeaders } from '../arguments/reason.js';
import { readSecretLine } from '../arguments/text-input.js';
import { gatherValue } from '../arguments/values.js';
import { wrapHeader, wrapTtlOption } from '../arguments/wrap-ttl.js';
import { type Cli, withClient } from '../cli.js';
import { type Answer, type Client, openClient } from '../client.js';
import { CliError, ExitCode } from '../exit-codes.js';
import { decodeAnswer, perform } from '../requests.js';
import { passWarnings, printAnswer, printJsonText } from '../results.js';
import { severalLines } from '../terminal/escape.js';
import { askHidden } from '../terminal/prompt.js';
import { printTable } from '../terminal/table.js';

const WrapAnswer = t.type({
  wrap_info: t.intersection([
    t.type({ token: t.string, accessor: t.string, ttl: t.number, creation_path: t.string }),
    t.partial({ wrapped_accessor: t.string }),
  ]),
});

/** What is handed on, and what is noted. */
export const printWrapping = async (cli: Cli, answer: Answer, json: boolean | undefined): Promise<void> => {
  const { wrap_info: info } = decodeAnswer(answer, WrapAnswer);
  if (json === true) return printAnswer(cli.terminal, answer);
  await printTable(
    cli.terminal,
    ['KEY', 'VALUE'],
    [
      ['token', info.token],
      ['accessor', info.accessor],
      ['for', `${info.ttl} seconds, once`],
      ['from', info.creation_path],
      ...(info.wrapped_accessor === undefined ? [] : [['accessor inside', info.wrapped_accessor]]),
    ],
  );
};

type WrapOptions = CommonOptions & ReasonOptions & { readonly ttl: string };

export const wrapCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('wrap')))
    .description('keep values for whoever brings the token that is printed, once')
    .argument('<values...>', 'key=-, key=@file, key=?, key=value, @file.json or -')
    .addOption(wrapTtlOption('--ttl <duration>', 'how long they are kept').default('5m'))
    .action(async (values: readonly string[], options: WrapOptions) =>
      withClient(cli, options, async client => {
        const headers = { ...reasonHeaders(options), ...wrapHeader(options.ttl) };
        const body = await gatherValue(values, cli.terminal);
        const answer = await perform(client, { method: 'POST', path: ['sys', 'wrapping', 'wrap'], body, headers });
        await printWrapping(cli, answer, options.json);
      }),
    );

interface UnwrapOptions extends CommonOptions {
  readonly tokenFile?: string;
  readonly field?: string;
}

/** By the caller's own login where there is one, so that the trail says who it was; else by the wrapping token itself. */
const unwrap = async (client: Client, token: string, timeoutMs: number): Promise<Answer> => {
  const call = { method: 'POST', path: ['sys', 'wrapping', 'unwrap'] } as const;
  if (client.connection.token !== null) return perform(client, { ...call, body: JSON.stringify({ token }) });
  const bearer = openClient({ ...client.connection, token, tokenFrom: 'the wrapping token' }, timeoutMs);
  try {
    return await perform(bearer, call);
  } finally {
    await bearer.close();
  }
};

/** A secret's fields, a token's, or whatever was wrapped. */
const contentOf = (answer: Answer): ReadonlyMap<string, string> => {
  const secret = memberAt(answer.text, 'data', 'metadata') === null ? null : memberAt(answer.text, 'data', 'data');
  for (const text of [secret, memberAt(answer.text, 'auth'), memberAt(answer.text, 'data')]) {
    const found = text === null ? null : members(text);
    if (found !== null) return found;
  }
  return new Map();
};

export const unwrapCommand = (cli: Cli): Command =>
  withConnection(new Command('unwrap'))
    .description('take what was wrapped; the token is asked for, and works once')
    .addOption(new Option('--token-file <file>', 'the wrapping token is in this file; - is stdin'))
    .addOption(new Option('--field <name>', 'print only this field, exactly as it is'))
    .action(async (options: UnwrapOptions) =>
      withClient(cli, options, async client => {
        const { terminal } = cli;
        const token =
          options.tokenFile === undefined
            ? await askHidden(terminal, 'Wrapping token', 'In a script use --token-file FILE, or - for stdin')
            : await readSecretLine(options.tokenFile, terminal.stdin);
        const answer = await unwrap(client, token.trim(), options.timeout * 1_000);
        passWarnings(terminal, answer);
        const content = contentOf(answer);
        if (options.field !== undefined) {
          const value = content.get(options.field);
          // It is gone now: all that came is shown rather than lost.
          if (value === undefined) {
            await printAnswer(terminal, answer);
            throw new CliError(ExitCode.absent, 'what was wrapped has no field of that name: this is all of it');
          }
          if (options.json === true) return printJsonText(terminal, value);
          return terminal.write(`${plainText(value)}${terminal.watched ? '\n' : ''}`);
        }
        if (options.json === true) return printAnswer(terminal, answer);
        await printTable(
          terminal,
          ['KEY', 'VALUE'],
          [...content].map(([key, value]) => [key, plainText(value)]),
          severalLines,
        );
      }),
    );
