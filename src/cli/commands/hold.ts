/** `tally hold` and `tally retention`: what may not be destroyed, and what not yet. */
import { Command } from 'commander';
import * as t from 'io-ts';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../arguments/options.js';
import { reasonHeaders } from '../arguments/reason.js';
import { type Cli, withClient } from '../cli.js';
import type { Answer } from '../client.js';
import { secretOrFolderAt } from '../places.js';
import { ask, enveloped, perform } from '../requests.js';
import { printAnswer, recordedAt } from '../results.js';
import { printTable } from '../terminal/table.js';
import { placeBody } from './erase.js';

const HOLDS = ['sys', 'ledger', 'holds'];
const RETENTION = ['sys', 'ledger', 'retention'];

const Holds = enveloped(
  t.type({
    holds: t.array(
      t.type({
        name: t.string,
        path: t.string,
        reason: t.union([t.string, t.null]),
        placed_at: t.string,
        placed_by: t.type({ id: t.union([t.string, t.null]), name: t.union([t.string, t.null]) }),
      }),
    ),
  }),
);

const Rules = enveloped(
  t.type({ rules: t.array(t.type({ name: t.string, path: t.string, minimum_age_seconds: t.number })) }),
);

type Options = CommonOptions & Pick<ReasonOptions, 'reason' | 'ticket'>;

const done = async (cli: Cli, options: CommonOptions, answer: Answer, words: string): Promise<void> => {
  if (options.json === true) return printAnswer(cli.terminal, answer);
  await cli.terminal.print(answer.position === null ? 'nothing to change' : `${words}${recordedAt(answer)}`);
};

const placeCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('place')), { repeatable: false })
    .description('place a legal hold: nothing under the path can be destroyed until it is lifted; needs --reason')
    .argument('<name>', 'a name for the hold, such as case-2026-17')
    .argument('<path>', 'a secret, a folder or a whole mount')
    .action(async (name: string, path: string, options: Options) =>
      withClient(cli, options, async client => {
        const headers = reasonHeaders(options);
        const body = JSON.stringify(placeBody(await secretOrFolderAt(client, path)));
        const answer = await perform(client, { method: 'POST', path: [...HOLDS, name], body, headers });
        await done(cli, options, answer, `hold ${name} placed`);
      }),
    );

const liftCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('lift')), { repeatable: false })
    .description('lift a legal hold')
    .argument('<name>', 'the name of the hold')
    .action(async (name: string, options: Options) =>
      withClient(cli, options, async client => {
        const call = { method: 'DELETE', path: [...HOLDS, name], headers: reasonHeaders(options) } as const;
        const answer = await perform(client, call, {
          message: `there is no hold ${name}`,
          hint: 'See: tally hold list',
        });
        await done(cli, options, answer, `hold ${name} lifted`);
      }),
    );

const listCommand = (cli: Cli): Command =>
  withConnection(new Command('list'))
    .description('show the legal holds that stand')
    .action(async (options: Options) =>
      withClient(cli, options, async client => {
        const { value, answer } = await ask(client, { method: 'GET', path: HOLDS }, Holds);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        const rows = value.data.holds.map(({ name, path, placed_at, placed_by, reason }) => [
          ...[name, path, placed_at, placed_by.name ?? placed_by.id, reason],
        ]);
        await printTable(cli.terminal, ['NAME', 'PATH', 'PLACED', 'BY', 'REASON'], rows);
      }),
    );

export const holdCommand = (cli: Cli): Command =>
  new Command('hold')
    .description('legal holds: what may not be destroyed')
    .addCommand(placeCommand(cli))
    .addCommand(liftCommand(cli))
    .addCommand(listCommand(cli));

const setCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('set')), { repeatable: false })
    .description('refuse to destroy what is younger than the minimum age, anywhere under the path')
    .argument('<name>', 'a name for the rule')
    .argument('<path>', 'a secret, a folder or a whole mount')
    .requiredOption('--minimum-age <duration>', 'such as 90d or 2160h')
    .action(async (name: string, path: string, options: Options & { readonly minimumAge: string }) =>
      withClient(cli, options, async client => {
        const headers = reasonHeaders(options);
        const place = placeBody(await secretOrFolderAt(client, path));
        const body = JSON.stringify({ ...place, minimum_age: options.minimumAge });
        const answer = await perform(client, { method: 'POST', path: [...RETENTION, name], body, headers });
        await done(cli, options, answer, `retention rule ${name} set`);
      }),
    );

const removeCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('remove')), { repeatable: false })
    .description('remove a retention rule')
    .argument('<name>', 'the name of the rule')
    .action(async (name: string, options: Options) =>
      withClient(cli, options, async client => {
        const call = { method: 'DELETE', path: [...RETENTION, name], headers: reasonHeaders(options) } as const;
        const absent = { message: `there is no retention rule ${name}`, hint: 'See: tally retention list' };
        await done(cli, options, await perform(client, call, absent), `retention rule ${name} removed`);
      }),
    );

const listRulesCommand = (cli: Cli): Command =>
  withConnection(new Command('list'))
    .description('show the retention rules')
    .action(async (options: Options) =>
      withClient(cli, options, async client => {
        const { value, answer } = await ask(client, { method: 'GET', path: RETENTION }, Rules);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        const rows = value.data.rules.map(rule => [rule.name, rule.path, `${rule.minimum_age_seconds} s`]);
        await printTable(cli.terminal, ['NAME', 'PATH', 'MINIMUM AGE'], rows);
      }),
    );

export const retentionCommand = (cli: Cli): Command =>
  new Command('retention')
    .description('retention rules: what has to be so old before it can be destroyed')
    .addCommand(setCommand(cli))
    .addCommand(removeCommand(cli))
    .addCommand(listRulesCommand(cli));
