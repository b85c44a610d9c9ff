/** `tally delete`, `undelete` and `destroy`: what happens to versions of one secret. */
import { Command, Option } from 'commander';
import { versionList } from '../arguments/numbers.js';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../arguments/options.js';
import { reasonHeaders } from '../arguments/reason.js';
import { type Cli, withClient } from '../cli.js';
import type { Answer, Call } from '../client.js';
import { badInput } from '../exit-codes.js';
import { anySecretAt, type Place, route, secretAt } from '../places.js';
import { perform } from '../requests.js';
import { passWarnings, printAnswer } from '../results.js';
import { confirm } from '../terminal/prompt.js';

interface Options extends CommonOptions, ReasonOptions {
  readonly versions?: readonly number[];
  readonly yes?: boolean;
}

const base = (name: string): Command =>
  withReason(withConnection(new Command(name)))
    .argument('<path>', 'the secret, such as secret/team/db')
    .addOption(new Option('--versions <list>', 'version numbers, such as 1,3').argParser(versionList));

/** The server answers the same whether or not there was anything to change; the position tells. */
const report = async (cli: Cli, options: Options, answer: Answer, place: Place, done: string): Promise<void> => {
  passWarnings(cli.terminal, answer);
  if (options.json === true) return printAnswer(cli.terminal, answer);
  await cli.terminal.print(
    answer.position === null
      ? `${place.full}: nothing to change`
      : `${place.full} ${done} · ledger position ${answer.position}`,
  );
};

const named = (versions: readonly number[]): string =>
  `version${versions.length === 1 ? '' : 's'} ${versions.join(', ')}`;

const required = (options: Options): readonly number[] => {
  if (options.versions !== undefined) return options.versions;
  throw badInput('--versions is missing', 'See which there are: tally history PATH');
};

const change = (
  place: Place,
  kind: 'delete' | 'undelete' | 'destroy',
  versions: readonly number[],
  options: Options,
): Call => ({
  method: 'POST',
  path: route(place, kind),
  body: JSON.stringify({ versions }),
  headers: reasonHeaders(options),
});

export const deleteCommand = (cli: Cli): Command =>
  base('delete')
    .description('delete the current version, or those given; undelete brings them back')
    .action(async (path: string, options: Options) =>
      withClient(cli, options, async client => {
        const headers = reasonHeaders(options);
        const { versions } = options;
        const place = await (versions === undefined ? anySecretAt : secretAt)(client, path);
        const answer = await perform(
          client,
          versions === undefined
            ? { method: 'DELETE', path: route(place, 'data'), headers }
            : change(place, 'delete', versions, options),
        );
        await report(
          cli,
          options,
          answer,
          place,
          `${versions === undefined ? 'current version' : named(versions)} deleted`,
        );
      }),
    );

export const undeleteCommand = (cli: Cli): Command =>
  base('undelete')
    .description('bring deleted versions back')
    .action(async (path: string, options: Options) =>
      withClient(cli, options, async client => {
        const versions = required(options);
        const place = await secretAt(client, path);
        const answer = await perform(client, change(place, 'undelete', versions, options));
        await report(cli, options, answer, place, `${named(versions)} undeleted`);
      }),
    );

export const destroyCommand = (cli: Cli): Command =>
  base('destroy')
    .description('destroy versions for ever: their key is forgotten, the record that they existed stays')
    .addOption(new Option('--yes', 'do not ask, at a terminal'))
    .action(async (path: string, options: Options) =>
      withClient(cli, options, async client => {
        const versions = required(options);
        const place = await secretAt(client, path);
        // A script has said what it wants; a person gets one chance to see it.
        if (options.yes !== true && cli.terminal.interactive) {
          const sure = await confirm(
            cli.terminal,
            `Destroy ${named(versions)} of ${place.full} for ever?`,
            'Use --yes',
          );
          if (!sure) throw badInput('not destroyed');
        }
        const answer = await perform(client, change(place, 'destroy', versions, options));
        await report(cli, options, answer, place, `${named(versions)} destroyed`);
      }),
    );
