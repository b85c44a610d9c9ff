/** `tally policy list|read|write|delete`. Texts come from a file or stdin: a policy is no argument. */
import { Command } from 'commander';
import * as t from 'io-ts';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../arguments/options.js';
import { reasonHeaders } from '../arguments/reason.js';
import { readStdin, readTextFile } from '../arguments/text-input.js';
import { type Cli, withClient } from '../cli.js';
import { badInput } from '../exit-codes.js';
import { ask, enveloped, perform } from '../requests.js';
import { passWarnings, printAnswer, recordedAt } from '../results.js';
import { oneLine, severalLines } from '../terminal/escape.js';

const ACL = ['sys', 'policies', 'acl'] as const;

const Names = enveloped(t.type({ keys: t.array(t.string) }));
const Policy = enveloped(t.type({ name: t.string, policy: t.string }));

/** A name may have slashes: each part is a segment. */
const place = (name: string): readonly string[] => [...ACL, ...name.split('/').filter(part => part !== '')];

const listCommand = (cli: Cli): Command =>
  withConnection(new Command('list'))
    .description('the names of all policies')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const call = { method: 'GET', path: [...ACL], query: { list: 'true' } } as const;
        const { value, answer } = await ask(client, call, Names);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        for (const name of value.data.keys) await cli.terminal.print(oneLine(name));
      }),
    );

const readCommand = (cli: Cli): Command =>
  withConnection(new Command('read'))
    .description("a policy's text, as it was written")
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) =>
      withClient(cli, options, async client => {
        const absent = { message: `there is no policy ${name}` };
        const { value, answer } = await ask(client, { method: 'GET', path: place(name) }, Policy, absent);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        const text = value.data.policy.replace(/\n$/, '');
        // Somebody else wrote it: a file gets it as it is, a screen nothing that it would obey.
        await cli.terminal.print(cli.terminal.watched ? severalLines(text) : text);
      }),
    );

const textOf = async (cli: Cli, file: string): Promise<string> => {
  const text = file === '-' ? await readStdin(cli.terminal.stdin) : await readTextFile(file);
  if (text.trim() === '') throw badInput('the policy is empty', 'Give a file with HCL or JSON, or - for stdin.');
  return text;
};

const writeCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('write')))
    .description('write a policy: HCL or JSON; it counts at once for every token that has it')
    .argument('<name>')
    .argument('<file>', 'the text; - for stdin')
    .action(async (name: string, file: string, options: CommonOptions & ReasonOptions) => {
      const policy = await textOf(cli, file);
      await withClient(cli, options, async client => {
        const headers = reasonHeaders(options);
        const body = JSON.stringify({ policy });
        const answer = await perform(client, { method: 'POST', path: place(name), body, headers });
        passWarnings(cli.terminal, answer);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print(`policy ${name.toLowerCase()} written${recordedAt(answer)}`);
      });
    });

const deleteCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('delete')))
    .description('remove a policy: tokens that name it get nothing from it any more')
    .argument('<name>')
    .action(async (name: string, options: CommonOptions & ReasonOptions) =>
      withClient(cli, options, async client => {
        const answer = await perform(client, { method: 'DELETE', path: place(name), headers: reasonHeaders(options) });
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print(
          answer.position === null ? `there is no policy ${name}` : `policy ${name} removed${recordedAt(answer)}`,
        );
      }),
    );

export const policyCommand = (cli: Cli): Command =>
  new Command('policy')
    .description('who may do what')
    .addCommand(listCommand(cli))
    .addCommand(readCommand(cli))
    .addCommand(writeCommand(cli))
    .addCommand(deleteCommand(cli));
