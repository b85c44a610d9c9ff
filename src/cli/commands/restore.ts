/**
 * `tally restore PATH --at T`: compares then with now and shows what would change; only `--yes` makes it so. What is
 * applied is the plan itself, by its id: if anything in its scope has moved since, the server refuses it.
 */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { momentQuery } from '../arguments/moments.js';
import {
  type CommonOptions,
  type MomentFlags,
  type ReasonOptions,
  withConnection,
  withMoment,
  withReason,
} from '../arguments/options.js';
import { reasonHeaders } from '../arguments/reason.js';
import { type Cli, withClient } from '../cli.js';
import type { Client } from '../client.js';
import { badInput, ExitCode } from '../exit-codes.js';
import { secretOrFolderAt } from '../places.js';
import { ask, enveloped } from '../requests.js';
import { printJson } from '../results.js';
import { oneLine } from '../terminal/escape.js';
import { withProgress } from '../terminal/progress.js';
import { printTable } from '../terminal/table.js';

interface Options extends CommonOptions, MomentFlags, ReasonOptions {
  readonly plan?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

const Counts = t.record(t.string, t.number);

const Plan = t.intersection([
  t.type({
    plan_id: t.string,
    position: t.number,
    expires_at: t.string,
    counts: Counts,
    changes: t.array(t.type({ path: t.string, change: t.string, detail: t.union([t.string, t.null, t.undefined]) })),
  }),
  t.partial({ made_at: t.number, steps: t.number }),
]);
type Plan = t.TypeOf<typeof Plan>;

const Applied = t.type({ position: t.number, counts: Counts });
type Applied = t.TypeOf<typeof Applied>;

/** What a person may be asked to paste into a shell: short, and no character that a shell would act on. */
const PASTEABLE = /^[\w.~+/=-]{1,512}$/;

const makePlan = async (cli: Cli, client: Client, path: string, options: Options): Promise<Plan> => {
  const moment = momentQuery(options, cli.now());
  const place = await secretOrFolderAt(client, path);
  const body = JSON.stringify({
    mount: place.mount.join('/'),
    path: `${place.path.join('/')}${place.folder ? '/' : ''}`,
    ...(moment.at === undefined ? {} : { at: moment.at }),
    ...(options.position === undefined ? {} : { position: options.position }),
  });
  const call = { method: 'POST', path: ['sys', 'ledger', 'restore', 'plan'], body } as const;
  const { value } = await withProgress(cli.terminal, 'Comparing then with now', () =>
    ask(client, call, enveloped(Plan)),
  );
  return value.data;
};

const applyPlan = async (cli: Cli, client: Client, planId: string, options: Options): Promise<Applied> => {
  const call = {
    method: 'POST',
    path: ['sys', 'ledger', 'restore', 'apply'],
    body: JSON.stringify({ plan_id: planId }),
    headers: reasonHeaders(options),
    patient: true,
  } as const;
  const { value } = await withProgress(cli.terminal, 'Restoring', () => ask(client, call, enveloped(Applied)));
  return value.data;
};

const count = (counts: Readonly<Record<string, number>>, change: string): number => counts[change] ?? 0;

/** What the plan would change; what stays as it is and what cannot be had back is not counted. */
const work = (counts: Readonly<Record<string, number>>): number =>
  Object.entries(counts).reduce(
    (sum, [change, n]) => (change === 'unchanged' || change === 'unrecoverable' ? sum : sum + n),
    0,
  );

const summary = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .filter(([, n]) => n > 0)
    .map(([change, n]) => `${n} ${oneLine(change)}`)
    .join(', ') || 'nothing';

const showPlan = async (cli: Cli, plan: Plan): Promise<void> => {
  const { terminal } = cli;
  const changes = plan.changes.filter(({ change }) => change !== 'unchanged');
  if (changes.length > 0) {
    await printTable(
      terminal,
      ['CHANGE', 'PATH', 'DETAIL'],
      changes.map(({ change, path, detail }) => [change, path, detail]),
    );
    await terminal.print('');
  }
  await terminal.print(`Restores ledger position ${plan.position}: ${summary(plan.counts)}.`);
  if ((plan.steps ?? 1) > 1) await terminal.print(`It takes ${plan.steps} steps; each is whole by itself.`);
};

const commandToApply = (plan: Plan, path: string): string =>
  PASTEABLE.test(plan.plan_id)
    ? `tally restore --plan ${plan.plan_id} --yes`
    : `tally restore '${path.replaceAll("'", "'\\''")}' --position ${plan.position} --yes`;

const finish = (cli: Cli, counts: Readonly<Record<string, number>>): void => {
  const lost = count(counts, 'unrecoverable');
  if (lost === 0) return;
  cli.terminal.warn(`${lost} of them cannot be restored: their keys were destroyed, on purpose and for ever`);
  cli.endWith(ExitCode.differences);
};

const applied = async (cli: Cli, options: Options, plan: Plan | null, result: Applied): Promise<void> => {
  if (options.json === true) await printJson(cli.terminal, { plan, applied: result });
  else await cli.terminal.print(`Restored: ${summary(result.counts)} · ledger position ${result.position}`);
  finish(cli, plan?.counts ?? result.counts);
};

const restore = async (cli: Cli, client: Client, path: string, options: Options): Promise<void> => {
  const plan = await makePlan(cli, client, path, options);
  const toDo = work(plan.counts);
  if (options.json !== true) await showPlan(cli, plan);

  if (toDo === 0) {
    if (options.json === true) await printJson(cli.terminal, { plan, applied: null });
    return finish(cli, plan.counts);
  }
  if (options.yes === true) return applied(cli, options, plan, await applyPlan(cli, client, plan.plan_id, options));

  if (options.json === true) await printJson(cli.terminal, { plan, applied: null });
  else
    cli.terminal.note(
      `Nothing is changed yet. Until ${oneLine(plan.expires_at)}, this makes it so:\n  ${commandToApply(plan, path)}`,
    );
  if (options.dryRun !== true) cli.endWith(ExitCode.notApplied);
};

export const restoreCommand = (cli: Cli): Command =>
  withReason(withMoment(withConnection(new Command('restore'))))
    .description('bring a secret or a folder back to what it was; shows the plan, --yes applies it')
    .argument('[path]', 'a secret, or a folder ending in /')
    .addOption(
      new Option('--plan <id>', 'apply this plan, made and shown before').conflicts(['at', 'position', 'dryRun']),
    )
    .addOption(new Option('--yes', 'apply it').conflicts('dryRun'))
    .addOption(new Option('--dry-run', 'only show it; the exit code is then 0'))
    .action(async (path: string | undefined, options: Options) =>
      withClient(cli, options, async client => {
        if (options.plan !== undefined) {
          if (path !== undefined) throw badInput('a plan has its path in it: give --plan or a path, not both');
          if (options.yes !== true) throw badInput('a plan is applied with --yes only');
          return applied(cli, options, null, await applyPlan(cli, client, options.plan, options));
        }
        if (path === undefined) throw badInput('a path is missing', 'A secret, or a folder ending in / (secret/team/)');
        if (options.at === undefined && options.position === undefined) {
          throw badInput(
            'which moment? --at or --position is missing',
            'For instance: --at 10m. tally history PATH shows the moments.',
          );
        }
        await restore(cli, client, path, options);
      }),
    );
