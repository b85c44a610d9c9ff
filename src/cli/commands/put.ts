/** `tally put PATH …`: writes a new version. */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { wholeNumber } from '../arguments/numbers.js';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../arguments/options.js';
import { reasonHeaders } from '../arguments/reason.js';
import { gatherValue } from '../arguments/values.js';
import { type Cli, withClient } from '../cli.js';
import type { Client } from '../client.js';
import { badInput } from '../exit-codes.js';
import { anySecretAt, type Place, route } from '../places.js';
import { ask, enveloped, perform } from '../requests.js';
import { passWarnings, printAnswer, recordedAt } from '../results.js';

type Options = CommonOptions & ReasonOptions & { readonly cas?: number };

const Written = enveloped(t.type({ version: t.number, created_time: t.string }));

/** In a mount of version 1 the body is the data, and nothing is answered. */
const putPlain = async (cli: Cli, client: Client, options: Options, place: Place, data: string): Promise<void> => {
  const headers = reasonHeaders(options);
  const answer = await perform(client, { method: 'POST', path: route(place, 'data'), body: data, headers });
  if (options.json === true) return printAnswer(cli.terminal, answer);
  await cli.terminal.print(`${place.full} written${recordedAt(answer)}`);
};

export const VALUES_HELP = `
Values:
  key=-          read from stdin            printf %s "$PASSWORD" | tally put secret/app password=-
  key=@file      the file's text            tally put secret/app tls=@key.pem
  key=?          asked for, not shown       tally put secret/app password=?
  key=value      seen by other processes    tally put secret/app user=app
  @file.json     the whole object           tally put secret/app @app.json
  -              the whole object, stdin    jq … | tally put secret/app -
A backslash makes the next character ordinary: key=\\@name, key=\\-`;

export const putCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('put')))
    .description('write a secret: a new version')
    .argument('<path>', 'the secret, such as secret/team/db')
    .argument('<values...>', 'key=-, key=@file, key=?, key=value, @file.json or -')
    .addOption(
      new Option('--cas <version>', 'only if this is the current version; 0: only if there is none').argParser(
        wholeNumber(0),
      ),
    )
    .addHelpText('after', VALUES_HELP)
    .action(async (path: string, values: readonly string[], options: Options) =>
      withClient(cli, options, async client => {
        const headers = reasonHeaders(options);
        const place = await anySecretAt(client, path);
        if (place.version === 1 && options.cas !== undefined)
          throw badInput(`${place.full} has one version, and no --cas`);
        const data = await gatherValue(values, cli.terminal);
        if (place.version === 1) return putPlain(cli, client, options, place, data);
        // As text: the server keeps the value as it is written here, number by number.
        const body = `{"data":${data},"options":${options.cas === undefined ? '{}' : `{"cas":${options.cas}}`}}`;
        const { value, answer } = await ask(
          client,
          { method: 'POST', path: route(place, 'data'), body, headers },
          Written,
        );
        passWarnings(cli.terminal, answer);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print(`${place.full} version ${value.data.version} written${recordedAt(answer)}`);
      }),
    );
