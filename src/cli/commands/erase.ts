/**
 * `tally erase PATH --basis TEXT`: shows what would be destroyed for good and what a hold or a rule keeps; only `--yes`
 * makes it so. What is applied is the plan itself: if anything in its scope has moved since, the server refuses it.
 */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../arguments/options.js';
import { reasonHeaders } from '../arguments/reason.js';
import { type Cli, withClient } from '../cli.js';
import type { Client } from '../client.js';
import { CliError, ExitCode } from '../exit-codes.js';
import { type Place, secretOrFolderAt } from '../places.js';
import { ask, enveloped } from '../requests.js';
import { printJson } from '../results.js';
import { withProgress } from '../terminal/progress.js';
import { printTable } from '../terminal/table.js';

export const placeBody = ({ mount, path, folder }: Place): { mount: string; path: string } => ({
  mount: mount.join('/'),
  path: `${path.join('/')}${folder ? '/' : ''}`,
});

const Counts = t.type({ erase: t.number, held: t.number, retained: t.number, nothing: t.number });

const Plan = t.type({
  plan_id: t.string,
  expires_at: t.string,
  counts: Counts,
  keys: t.number,
  secrets: t.array(t.type({ path: t.string, outcome: t.string, detail: t.union([t.string, t.null]) })),
});
type Plan = t.TypeOf<typeof Plan>;

const Erased = t.type({
  position: t.number,
  positions: t.array(t.number),
  counts: Counts,
  keys: t.number,
  kept: t.array(t.type({ path: t.string, why: t.string })),
});
type Erased = t.TypeOf<typeof Erased>;

const makePlan = async (cli: Cli, client: Client, place: Place, basis: string): Promise<Plan> => {
  const body = JSON.stringify({ ...placeBody(place), basis });
  const call = { method: 'POST', path: ['sys', 'ledger', 'erase', 'plan'], body } as const;
  return (await withProgress(cli.terminal, 'Looking at what is there', () => ask(client, call, enveloped(Plan)))).value
    .data;
};

const applyPlan = async (cli: Cli, client: Client, planId: string, options: ReasonOptions): Promise<Erased> => {
  const call = {
    method: 'POST',
    path: ['sys', 'ledger', 'erase', 'apply'],
    body: JSON.stringify({ plan_id: planId }),
    headers: reasonHeaders(options),
    patient: true,
  } as const;
  return (await withProgress(cli.terminal, 'Erasing', () => ask(client, call, enveloped(Erased)))).value.data;
};

/** One secret with everything that it ever was, without a second look at the plan. */
export const eraseAtOnce = async (
  cli: Cli,
  client: Client,
  place: Place,
  basis: string,
  options: ReasonOptions,
): Promise<Erased> => applyPlan(cli, client, (await makePlan(cli, client, place, basis)).plan_id, options);

const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

export const erasedInWords = ({ counts, keys, position }: Erased): string =>
  `Erased: ${plural(counts.erase, 'secret')}, ${plural(keys, 'key')} · ledger position ${position}\n` +
  `Its certificate: tally erasure certificate ${position}`;

const showPlan = async (cli: Cli, { secrets, counts, keys }: Plan): Promise<void> => {
  if (secrets.length > 0) {
    await printTable(
      cli.terminal,
      ['OUTCOME', 'PATH', 'DETAIL'],
      secrets.map(({ outcome, path, detail }) => [outcome, path, detail]),
    );
    await cli.terminal.print('');
  }
  const stays = counts.held + counts.retained;
  await cli.terminal.print(
    `Destroys ${plural(keys, 'key')} of ${plural(counts.erase, 'secret')}, for good${stays === 0 ? '' : `; ${plural(stays, 'secret')} must stay`}.`,
  );
};

interface Options extends CommonOptions, Pick<ReasonOptions, 'reason' | 'ticket'> {
  readonly basis: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

const erase = async (cli: Cli, client: Client, path: string, options: Options): Promise<void> => {
  const { terminal } = cli;
  const json = options.json === true;
  const plan = await makePlan(cli, client, await secretOrFolderAt(client, path), options.basis);
  if (plan.secrets.length === 0)
    throw new CliError(
      ExitCode.absent,
      'nothing is there to be destroyed',
      'See what is there: tally list, tally history',
    );
  if (!json) await showPlan(cli, plan);
  const erased = options.yes === true ? await applyPlan(cli, client, plan.plan_id, options) : null;
  if (json) await printJson(terminal, { plan, erased });
  if (erased !== null) {
    if (!json) await terminal.print(erasedInWords(erased));
    if (erased.kept.length > 0) cli.endWith(ExitCode.differences);
  } else if (plan.counts.erase > 0) {
    if (!json) terminal.note('Nothing is destroyed yet. The same command with --yes destroys it, for good.');
    if (options.dryRun !== true) cli.endWith(ExitCode.notApplied);
  }
};

export const eraseCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('erase')), { repeatable: false })
    .description('destroy a secret or a folder for good, every version of it; shows the plan, --yes applies it')
    .argument('<path>', 'a secret, or a folder ending in /')
    .requiredOption('--basis <text>', 'on whose request and on which ground; kept in the audit trail')
    .addOption(new Option('--yes', 'destroy it').conflicts('dryRun'))
    .addOption(new Option('--dry-run', 'only show it; the exit code is then 0'))
    .action(async (path: string, options: Options) =>
      withClient(cli, options, client => erase(cli, client, path, options)),
    );
