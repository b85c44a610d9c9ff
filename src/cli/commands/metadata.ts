/** `tally metadata get|put|delete`: a secret's settings and custom metadata, and the name itself. */
import { Command, InvalidArgumentError, Option } from 'commander';
import * as t from 'io-ts';
import { momentQuery } from '../arguments/moments.js';
import { wholeNumber } from '../arguments/numbers.js';
import {
  type CommonOptions,
  type MomentFlags,
  type ReasonOptions,
  withConnection,
  withMoment,
  withReason,
} from '../arguments/options.js';
import { reasonHeaders } from '../arguments/reason.js';
import { trueOrFalse } from '../arguments/switches.js';
import { type Cli, withClient } from '../cli.js';
import type { Client } from '../client.js';
import { badInput } from '../exit-codes.js';
import { type Place, route, secretAt } from '../places.js';
import { ask, enveloped, perform } from '../requests.js';
import { passWarnings, printAnswer, printJson, recordedAt } from '../results.js';
import { printFacts } from '../terminal/table.js';
import { eraseAtOnce, erasedInWords } from './erase.js';

const Metadata = enveloped(
  t.type({
    current_version: t.number,
    oldest_version: t.number,
    created_time: t.string,
    updated_time: t.string,
    max_versions: t.number,
    cas_required: t.boolean,
    delete_version_after: t.string,
    custom_metadata: t.union([t.null, t.record(t.string, t.string)]),
  }),
);

const getCommand = (cli: Cli): Command =>
  withMoment(withConnection(new Command('get')))
    .description("show a secret's settings and custom metadata, now or as they were")
    .argument('<path>', 'the secret, such as secret/team/db')
    .action(async (path: string, options: CommonOptions & MomentFlags) =>
      withClient(cli, options, async client => {
        const query = momentQuery(options, cli.now());
        const place = await secretAt(client, path);
        const call = { method: 'GET', path: route(place, 'metadata'), query } as const;
        const { value, answer } = await ask(client, call, Metadata, { message: `nothing is at ${place.full}` });
        passWarnings(cli.terminal, answer);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        const { custom_metadata, ...known } = value.data;
        await printFacts(cli.terminal, [
          ['Current version', known.current_version],
          ['Oldest version', known.oldest_version],
          ['Created', known.created_time],
          ['Updated', known.updated_time],
          ['Max versions', known.max_versions === 0 ? "0 (the mount's)" : known.max_versions],
          ['Check-and-set required', String(known.cas_required)],
          ['Deletes versions after', known.delete_version_after],
          ...Object.entries(custom_metadata ?? {}).map(([key, text]): [string, string] => [`custom ${key}`, text]),
        ]);
      }),
    );

interface PutOptions extends CommonOptions, ReasonOptions {
  readonly maxVersions?: number;
  readonly casRequired?: boolean;
  readonly deleteVersionAfter?: string;
  readonly custom?: ReadonlyMap<string, string>;
  readonly clearCustom?: boolean;
}

const keyValue = (text: string, before: ReadonlyMap<string, string> | undefined): ReadonlyMap<string, string> => {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It is of the form key=value.');
  return new Map([...(before ?? []), [text.slice(0, equals), text.slice(equals + 1)]]);
};

const changeOf = (options: PutOptions): Record<string, unknown> => ({
  ...(options.maxVersions === undefined ? {} : { max_versions: options.maxVersions }),
  ...(options.casRequired === undefined ? {} : { cas_required: options.casRequired }),
  ...(options.deleteVersionAfter === undefined ? {} : { delete_version_after: options.deleteVersionAfter }),
  ...(options.custom === undefined ? {} : { custom_metadata: Object.fromEntries(options.custom) }),
  ...(options.clearCustom === true ? { custom_metadata: null } : {}),
});

const putCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('put')))
    .description('change settings and custom metadata; what is not given stays')
    .argument('<path>', 'the secret, such as secret/team/db')
    .addOption(new Option('--max-versions <n>', "how many versions to keep; 0: the mount's").argParser(wholeNumber(0)))
    .addOption(new Option('--cas-required <bool>', 'every write must say --cas').argParser(trueOrFalse))
    .addOption(
      new Option(
        '--delete-version-after <duration>',
        'new versions end so long after they are written (768h); 0s: never',
      ),
    )
    .addOption(new Option('--custom <key=value>', 'custom metadata, all of it; repeat for more').argParser(keyValue))
    .addOption(new Option('--clear-custom', 'no custom metadata').conflicts('custom'))
    .action(async (path: string, options: PutOptions) =>
      withClient(cli, options, async client => {
        const change = changeOf(options);
        if (Object.keys(change).length === 0)
          throw badInput('there is nothing to change', 'See: tally metadata put --help');
        const headers = reasonHeaders(options);
        const place = await secretAt(client, path);
        const call = { method: 'POST', path: route(place, 'metadata'), body: JSON.stringify(change), headers } as const;
        const answer = await perform(client, call);
        passWarnings(cli.terminal, answer);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print(`${place.full} metadata written${recordedAt(answer)}`);
      }),
    );

interface DeleteOptions extends CommonOptions, ReasonOptions {
  readonly destroy?: boolean;
}

const destroyAll = async (cli: Cli, client: Client, place: Place, options: DeleteOptions): Promise<void> => {
  const { reason, idempotencyKey } = options;
  if (reason === undefined) throw badInput('--destroy needs --reason: it is kept as the ground of the erasure');
  if (idempotencyKey !== undefined) throw badInput('an erasure takes no --idempotency-key: it is a plan, applied once');
  const erased = await eraseAtOnce(cli, client, place, reason, options);
  if (options.json === true) await printJson(cli.terminal, { erased });
  else await cli.terminal.print(erasedInWords(erased));
};

const deleteCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('delete')))
    .description('take the name and all its versions out of sight; history and restore still know them')
    .argument('<path>', 'the secret, such as secret/team/db')
    .option('--destroy', 'and destroy everything that it ever held, for good; needs --reason')
    .action(async (path: string, options: DeleteOptions) =>
      withClient(cli, options, async client => {
        const headers = reasonHeaders(options);
        const place = await secretAt(client, path);
        if (options.destroy === true) return destroyAll(cli, client, place, options);
        const answer = await perform(client, { method: 'DELETE', path: route(place, 'metadata'), headers });
        passWarnings(cli.terminal, answer);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print(
          answer.position === null ? `${place.full}: nothing to change` : `${place.full} removed${recordedAt(answer)}`,
        );
      }),
    );

export const metadataCommand = (cli: Cli): Command =>
  new Command('metadata')
    .description("a secret's settings, custom metadata and name")
    .addCommand(getCommand(cli))
    .addCommand(putCommand(cli))
    .addCommand(deleteCommand(cli));
