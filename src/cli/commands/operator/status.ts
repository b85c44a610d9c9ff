/** `tally operator status`, and how a seal status is shown everywhere. Ends with 0 when unsealed and 2 when not. */
import { Command } from 'commander';
import * as t from 'io-ts';
import { type CommonOptions, withConnection } from '../../arguments/options.js';
import { type Cli, withClient } from '../../cli.js';
import type { Answer } from '../../client.js';
import { ExitCode } from '../../exit-codes.js';
import { ask } from '../../requests.js';
import { printAnswer } from '../../results.js';
import { printFacts } from '../../terminal/table.js';

export const SealStatus = t.intersection([
  t.type({ initialized: t.boolean, sealed: t.boolean, version: t.string }),
  t.partial({
    type: t.string,
    t: t.number,
    n: t.number,
    progress: t.number,
    cluster_id: t.string,
    storage_type: t.string,
    degraded: t.array(t.string),
  }),
]);
export type SealStatus = t.TypeOf<typeof SealStatus>;

const nextStep = (status: SealStatus): string | null => {
  if (!status.initialized) return 'Create its ledger: tally operator init';
  return status.sealed ? 'Unseal it: tally operator unseal' : null;
};

/** Where several people open it: how many of them have given theirs. */
const sharesOf = ({ sealed, t: needed = 1, n = 1, progress = 0 }: SealStatus) =>
  sealed && needed > 1 ? [['Shares', `${progress} of ${needed} given (there are ${n})`] as const] : [];

export const showStatus = async (cli: Cli, address: string, status: SealStatus): Promise<void> => {
  await printFacts(cli.terminal, [
    ['Server', address],
    ['Initialised', status.initialized ? 'yes' : 'no'],
    ['Sealed', status.sealed ? 'yes' : 'no'],
    ...sharesOf(status),
    ['Version', status.version],
    ...(status.degraded ?? []).map(reason => ['Trouble', reason] as const),
    ...(status.cluster_id === undefined ? [] : [['Ledger', status.cluster_id] as const]),
  ]);
  const next = nextStep(status);
  if (next !== null) cli.terminal.note(next);
};

export const reportStatus = async (
  cli: Cli,
  options: CommonOptions,
  address: string,
  status: SealStatus,
  answer: Answer,
): Promise<void> => {
  if (options.json === true) await printAnswer(cli.terminal, answer);
  else await showStatus(cli, address, status);
  if (status.sealed || !status.initialized) cli.endWith(ExitCode.sealed);
};

export const statusCommand = (cli: Cli): Command =>
  withConnection(new Command('status'))
    .description('is the server initialised and unsealed? ends with 0 or 2')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const { value, answer } = await ask(client, { method: 'GET', path: ['sys', 'seal-status'] }, SealStatus);
        await reportStatus(cli, options, client.connection.address, value, answer);
      }),
    );
