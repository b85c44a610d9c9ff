/** `tally patch PATH …`: a new version, made of the current one and what is given. */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { members } from '../arguments/json-text.js';
import { wholeNumber } from '../arguments/numbers.js';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../arguments/options.js';
import { reasonHeaders } from '../arguments/reason.js';
import { gatherValue } from '../arguments/values.js';
import { type Cli, withClient } from '../cli.js';
import { badInput } from '../exit-codes.js';
import { route, secretAt } from '../places.js';
import { ask, enveloped } from '../requests.js';
import { passWarnings, printAnswer, recordedAt } from '../results.js';
import { VALUES_HELP } from './put.js';

type Options = CommonOptions & ReasonOptions & { readonly cas?: number; readonly remove?: readonly string[] };

const Written = enveloped(t.type({ version: t.number }));

/** Fields to write and to take away, as one merge patch; texts stay as they were given. */
const patchOf =
  (cli: Cli) =>
  async (values: readonly string[], remove: readonly string[]): Promise<string> => {
    if (values.length === 0 && remove.length === 0)
      throw badInput('there is nothing to change', 'See: tally patch --help');
    const written = values.length === 0 ? '{}' : await gatherValue(values, cli.terminal);
    const fields = members(written) ?? new Map<string, string>();
    const both = remove.find(name => fields.has(name));
    if (both !== undefined) throw badInput(`the field "${both}" is both written and removed`);
    const texts = [...fields, ...remove.map(name => [name, 'null'] as const)];
    return `{${texts.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
  };

export const patchCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('patch')), { repeatable: false })
    .description('change some fields of a secret: a new version, in which the others stay as they are')
    .argument('<path>', 'the secret, such as secret/team/db')
    .argument('[values...]', 'key=-, key=@file, key=?, key=value, @file.json or -')
    .addOption(new Option('--remove <field>', 'take this field away; repeat for more').argParser(oneMore))
    .addOption(new Option('--cas <version>', 'only if this is the current version').argParser(wholeNumber(1)))
    .addHelpText('after', VALUES_HELP)
    .action(async (path: string, values: readonly string[], options: Options) =>
      withClient(cli, options, async client => {
        const headers = { ...reasonHeaders(options), 'content-type': 'application/merge-patch+json' };
        const place = await secretAt(client, path);
        const data = await patchOf(cli)(values, options.remove ?? []);
        const body = `{"data":${data},"options":${options.cas === undefined ? '{}' : `{"cas":${options.cas}}`}}`;
        const call = { method: 'PATCH', path: route(place, 'data'), body, headers } as const;
        const { value, answer } = await ask(client, call, Written, { message: `nothing is at ${place.full}` });
        passWarnings(cli.terminal, answer);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print(`${place.full} version ${value.data.version} written${recordedAt(answer)}`);
      }),
    );

const oneMore = (field: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), field];
