/** `tally list PATH`: the names in a folder, now or as it was. */
import { Command } from 'commander';
import * as t from 'io-ts';
import { momentQuery } from '../arguments/moments.js';
import { type CommonOptions, type MomentFlags, withConnection, withMoment } from '../arguments/options.js';
import { type Cli, withClient } from '../cli.js';
import { folderAt, route } from '../places.js';
import { ask, enveloped } from '../requests.js';
import { passWarnings, printAnswer } from '../results.js';
import { oneLine } from '../terminal/escape.js';

const Names = enveloped(t.type({ keys: t.array(t.string) }));

export const listCommand = (cli: Cli): Command =>
  withMoment(withConnection(new Command('list')))
    .description('list the names in a folder; folders end in /')
    .argument('<path>', 'the folder, such as secret/team/')
    .action(async (path: string, options: CommonOptions & MomentFlags) =>
      withClient(cli, options, async client => {
        const moment = momentQuery(options, cli.now());
        const place = await folderAt(client, path);
        const { value, answer } = await ask(
          client,
          { method: 'GET', path: route(place, 'metadata'), query: { list: 'true', ...moment } },
          Names,
          { message: `nothing is in ${place.full}` },
        );
        passWarnings(cli.terminal, answer);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        for (const name of value.data.keys) await cli.terminal.print(oneLine(name));
      }),
    );
