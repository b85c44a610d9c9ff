/** `tally operator unseal` and `seal`. A key or a password is asked for, or comes by a file or stdin. */
import { Command, Option } from 'commander';
import { type CommonOptions, type ReasonOptions, withConnection } from '../../arguments/options.js';
import { reasonHeaders } from '../../arguments/reason.js';
import { readSecretLine } from '../../arguments/text-input.js';
import { type Cli, withClient } from '../../cli.js';
import type { Client } from '../../client.js';
import { badInput, CliError, ExitCode } from '../../exit-codes.js';
import { ask, perform, refused } from '../../requests.js';
import { printAnswer } from '../../results.js';
import { withProgress } from '../../terminal/progress.js';
import { askHidden, askOpenly } from '../../terminal/prompt.js';
import { reportStatus, SealStatus } from './status.js';

interface Options extends CommonOptions, Pick<ReasonOptions, 'reason'> {
  readonly name?: string;
  readonly passwordFile?: string;
  readonly keyFile?: string;
  readonly acceptRollback?: boolean;
}

type Opener = { readonly key: string } | { readonly name: string; readonly password: string };

const IN_A_SCRIPT = 'In a script use --name NAME --password-file FILE, or --key-file FILE (- is stdin)';

const opener = async (cli: Cli, options: Options): Promise<Opener> => {
  const { terminal } = cli;
  if (options.keyFile !== undefined) return { key: await readSecretLine(options.keyFile, terminal.stdin) };
  if (options.passwordFile !== undefined && options.name === undefined) throw badInput('--name is missing');
  const name = options.name ?? (await askOpenly(terminal, "Administrator's name (Enter: an unseal key)", IN_A_SCRIPT));
  if (name === '') return { key: (await askHidden(terminal, 'Unseal key', IN_A_SCRIPT)).trim() };
  const password =
    options.passwordFile === undefined
      ? await askHidden(terminal, `Password of ${name}`, IN_A_SCRIPT)
      : await readSecretLine(options.passwordFile, terminal.stdin);
  return { name, password };
};

const unseal = async (cli: Cli, client: Client, options: Options): Promise<void> => {
  const { value: before, answer: now } = await ask(client, { method: 'GET', path: ['sys', 'seal-status'] }, SealStatus);
  if (!before.initialized)
    throw new CliError(ExitCode.sealed, 'the server is not initialised', 'Create its ledger: tally operator init');
  if (!before.sealed) return reportStatus(cli, options, client.connection.address, before, now);

  const accepted = options.acceptRollback === true ? { accept_rollback: true } : {};
  const body = JSON.stringify({ ...(await opener(cli, options)), ...accepted });
  const call = { method: 'POST', path: ['sys', 'unseal'], body, headers: reasonHeaders(options) } as const;
  const answer = await withProgress(cli.terminal, 'Unsealing', () => client.call(call));
  const error = answer.status === 200 ? null : await refused(client, answer);
  // The dialect says 400 for a wrong key; to a script that is a denial.
  if (error !== null)
    throw error.exitCode === ExitCode.badInput ? new CliError(ExitCode.denied, error.message, error.hint) : error;
  const { value } = await ask({ ...client, call: async () => answer }, call, SealStatus);
  await reportStatus(cli, options, client.connection.address, value, answer);
};

export const unsealCommand = (cli: Cli): Command =>
  withConnection(new Command('unseal'))
    .description("open the ledger with an administrator's password or an unseal key")
    .addOption(new Option('--name <name>', "the administrator's name"))
    .addOption(new Option('--password-file <file>', 'the password is in this file; - is stdin'))
    .addOption(
      new Option('--key-file <file>', 'the unseal key is in this file; - is stdin').conflicts(['name', 'passwordFile']),
    )
    .addOption(
      new Option(
        '--accept-rollback',
        'go on although the database is behind what this node saw; that is put on record, with --reason',
      ),
    )
    .addOption(new Option('--reason <text>', 'why, for the audit trail'))
    .action(async (options: Options) => withClient(cli, options, client => unseal(cli, client, options)));

export const sealCommand = (cli: Cli): Command =>
  withConnection(new Command('seal'))
    .description('close the ledger: every key in memory is wiped')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const answer = await perform(client, { method: 'POST', path: ['sys', 'seal'] });
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print('The server is sealed. To open it again: tally operator unseal');
      }),
    );
