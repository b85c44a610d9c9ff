/** `tally keys epochs …`: header epochs, how long headers are kept, and the end of their keys. */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { wholeNumber } from '../arguments/numbers.js';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../arguments/options.js';
import { reasonHeaders } from '../arguments/reason.js';
import { type Cli, withClient } from '../cli.js';
import { badInput, ExitCode } from '../exit-codes.js';
import { ask, enveloped, perform } from '../requests.js';
import { printAnswer, recordedAt } from '../results.js';
import { printFacts, printTable } from '../terminal/table.js';

const textOrNull = t.union([t.string, t.null]);
const numberOrNull = t.union([t.number, t.null]);
const base = ['sys', 'ledger', 'epochs'] as const;

const Epochs = enveloped(
  t.type({
    ...{ keep: textOrNull, automatic: t.boolean, begins_at: numberOrNull },
    epochs: t.array(
      t.type({
        ...{ epoch: t.number, state: t.string, opened: t.string, closed: textOrNull },
        ...{ retirable: textOrNull, retired: textOrNull, stays: textOrNull },
      }),
    ),
  }),
);

const Retired = enveloped(
  t.type({
    ...{ retired: t.boolean, begins_at: numberOrNull },
    epochs: t.array(
      t.type({
        ...{ epoch: t.number, events: t.number, authority_events: t.number, request_blocks: t.number },
        ...{ from_position: numberOrNull, to_position: numberOrNull },
      }),
    ),
  }),
);

type Options = CommonOptions & Pick<ReasonOptions, 'reason' | 'ticket'>;

const listCommand = (cli: Cli): Command =>
  withConnection(new Command('list'))
    .description('which there are, and from when on each may be retired')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const { value, answer } = await ask(client, { method: 'GET', path: base }, Epochs);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        const { keep, automatic, begins_at, epochs } = value.data;
        await printFacts(cli.terminal, [
          ['Headers are kept', keep === null ? 'for ever' : `${keep} after their epoch`],
          ['Retired', automatic ? 'by itself' : 'by hand'],
          ['Authority can be told from', begins_at === null ? 'the first event' : `position ${begins_at}`],
        ]);
        await cli.terminal.print('');
        await printTable(
          cli.terminal,
          ['EPOCH', 'STATE', 'OPENED', 'CLOSED', 'RETIRED', 'STAYS, SINCE'],
          epochs.map(({ epoch, state, opened, closed, retired, stays }) => [
            epoch,
            state,
            opened,
            closed,
            retired,
            stays,
          ]),
        );
      }),
    );

const keepCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('keep')), { repeatable: false })
    .description('how long headers are kept after their epoch ended; only then an epoch may be retired')
    .argument('[duration]', '400d, 9600h')
    .addOption(new Option('--for-ever', 'no epoch is retired'))
    .addOption(new Option('--automatic', 'retired as soon as it may be, without anybody asking').conflicts('forEver'))
    .action(
      async (duration: string | undefined, options: Options & { readonly forEver?: boolean; automatic?: boolean }) => {
        if ((options.forEver === true) === (duration !== undefined)) throw badInput('give a duration, or --for-ever');
        const body = JSON.stringify(
          duration === undefined ? { for_ever: true } : { keep: duration, automatic: options.automatic === true },
        );
        await withClient(cli, options, async client => {
          const call = { method: 'POST', path: base, body, headers: reasonHeaders(options) } as const;
          const answer = await perform(client, call);
          if (options.json === true) return printAnswer(cli.terminal, answer);
          await cli.terminal.print(`set${recordedAt(answer)}`);
        });
      },
    );

const retireCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('retire')), { repeatable: false })
    .description('destroy header keys for good: who, what and why of that time; shows what goes, --yes does it')
    .argument('[epoch]', 'absent: all that the rule lets be', wholeNumber(1))
    .addOption(new Option('--yes', 'do it').conflicts('dryRun'))
    .addOption(new Option('--dry-run', 'only show it; the exit code is then 0'))
    .action(
      async (epoch: number | undefined, options: Options & { readonly yes?: boolean; readonly dryRun?: boolean }) =>
        withClient(cli, options, async client => {
          const body = JSON.stringify({ ...(epoch === undefined ? {} : { epoch }), dry_run: options.yes !== true });
          const call = { method: 'POST', path: [...base, 'retire'], body, headers: reasonHeaders(options) } as const;
          const { value, answer } = await ask(client, call, Retired, { message: 'there is no such epoch' });
          const { retired, epochs, begins_at } = value.data;
          if (epochs.length > 0 && !retired && options.dryRun !== true) cli.endWith(ExitCode.notApplied);
          if (options.json === true) return printAnswer(cli.terminal, answer);
          if (epochs.length === 0) return cli.terminal.print('No epoch may be retired now: tally keys epochs list');
          await printTable(
            cli.terminal,
            ['EPOCH', 'EVENTS', 'OF AUTHORITY', 'BLOCKS OF REQUESTS', 'FIRST', 'LAST'],
            epochs.map(each => [
              ...[each.epoch, each.events, each.authority_events, each.request_blocks],
              ...[each.from_position, each.to_position],
            ]),
          );
          await cli.terminal.print('');
          await cli.terminal.print(
            retired
              ? `Retired${recordedAt(answer)}. What was allowed before position ${begins_at ?? '?'} can no longer be told.`
              : 'Of these events the trail will show when, what kind and whose; not the path, address, reason, or rule. Refused requests of that time go altogether. Values stay readable.',
          );
          if (!retired) cli.terminal.note('Nothing is retired yet. The same command with --yes does it, for good.');
        }),
    );

export const epochsCommand = (cli: Cli): Command =>
  new Command('epochs')
    .description('header epochs: how long who, what and why can be read')
    .addCommand(listCommand(cli))
    .addCommand(keepCommand(cli))
    .addCommand(retireCommand(cli));
