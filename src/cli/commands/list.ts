/** `tally list PATH`: the names in a folder, or of everything below it, now or as it was. */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { momentQuery } from '../arguments/moments.js';
import { wholeNumber } from '../arguments/numbers.js';
import { type CommonOptions, type MomentFlags, withConnection, withMoment } from '../arguments/options.js';
import { type Cli, withClient } from '../cli.js';
import { folderAt, route } from '../places.js';
import { ask, enveloped } from '../requests.js';
import { passWarnings, printAnswer } from '../results.js';
import { oneLine } from '../terminal/escape.js';

interface Options extends CommonOptions, MomentFlags {
  readonly recursive?: boolean;
  readonly after?: string;
  readonly limit?: number;
}

const Names = enveloped(t.type({ keys: t.array(t.string) }));

const queryOf = ({ recursive, after, limit }: Options): Record<string, string> => ({
  [recursive === true ? 'scan' : 'list']: 'true',
  ...(after === undefined ? {} : { after }),
  ...(limit === undefined ? {} : { limit: String(limit) }),
});

export const listCommand = (cli: Cli): Command =>
  withMoment(withConnection(new Command('list')))
    .description('list the names in a folder; folders end in /')
    .argument('<path>', 'the folder, such as secret/team/')
    .addOption(new Option('--recursive', 'every secret below; a folder that is closed to you ends in /'))
    .addOption(new Option('--after <name>', 'only what comes after this name'))
    .addOption(new Option('--limit <n>', 'at most so many names').argParser(wholeNumber(1)))
    .action(async (path: string, options: Options) =>
      withClient(cli, options, async client => {
        const moment = momentQuery(options, cli.now());
        const place = await folderAt(client, path);
        const { value, answer } = await ask(
          client,
          { method: 'GET', path: route(place, 'metadata'), query: { ...queryOf(options), ...moment } },
          Names,
          { message: `nothing is in ${place.full}` },
        );
        passWarnings(cli.terminal, answer);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        for (const name of value.data.keys) await cli.terminal.print(oneLine(name));
      }),
    );
