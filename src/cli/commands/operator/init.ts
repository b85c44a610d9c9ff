/**
 * `tally operator init`: creates the ledger, once. The root key is locked under an administrator's password, or under an
 * unseal key that is shown once. Whatever is shown is shown only here and kept nowhere.
 */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { wholeNumber } from '../../arguments/numbers.js';
import { type CommonOptions, withConnection } from '../../arguments/options.js';
import { readSecretLine } from '../../arguments/text-input.js';
import { type Cli, withClient } from '../../cli.js';
import { badInput, CliError, ExitCode } from '../../exit-codes.js';
import { sixWords } from '../../passphrase.js';
import { ask } from '../../requests.js';
import { printAnswer } from '../../results.js';
import { oneLine } from '../../terminal/escape.js';
import { withProgress } from '../../terminal/progress.js';
import { askHidden, askOpenly } from '../../terminal/prompt.js';
import { type HolderOptions, holderFields, pgpKeyText, withHolders } from './holders.js';

interface Options extends CommonOptions, HolderOptions {
  readonly adminName?: string;
  readonly passwordFile?: string;
  readonly initCodeFile?: string;
  readonly unsealKey?: boolean;
  readonly shares: number;
  readonly threshold: number;
  readonly rootTokenPgpKey?: string;
}

const Initialised = t.intersection([
  t.type({ root_token: t.string }),
  t.partial({ keys: t.array(t.string), keys_base64: t.array(t.string) }),
]);
type Initialised = t.TypeOf<typeof Initialised>;

const State = t.type({ initialized: t.boolean });

interface Administrator {
  readonly name: string;
  readonly password: string;
}

const IN_A_SCRIPT = 'In a script use --admin-name NAME --password-file FILE (- is stdin), or --unseal-key';

/** Six words are offered; whoever types something else types it twice. */
const choosePassword = async (cli: Cli): Promise<string> => {
  const words = sixWords();
  cli.terminal.note('\nThis password opens the ledger. Six words were drawn for you; write them down now:\n');
  cli.terminal.note(`    ${words}\n`);
  const typed = await askHidden(
    cli.terminal,
    'Type them to take them, or choose a password of your own (16 characters or more)',
    IN_A_SCRIPT,
  );
  if (typed.trim() === words) return words;
  const again = await askHidden(cli.terminal, 'That is a password of your own; the same again', IN_A_SCRIPT);
  if (again !== typed) throw badInput('the two are not the same; nothing was done');
  return typed;
};

const administrator = async (cli: Cli, options: Options): Promise<Administrator> => {
  if (options.passwordFile !== undefined) {
    if (options.adminName === undefined) throw badInput('--admin-name is missing');
    return { name: options.adminName, password: await readSecretLine(options.passwordFile, cli.terminal.stdin) };
  }
  const name =
    options.adminName ?? ((await askOpenly(cli.terminal, "Administrator's name [admin]", IN_A_SCRIPT)) || 'admin');
  return { name, password: await choosePassword(cli) };
};

/** On the server's own machine no code is needed; from elsewhere it is the one on the server's console. */
const initCode = async (cli: Cli, options: Options): Promise<string | undefined> => {
  if (options.initCodeFile !== undefined) return readSecretLine(options.initCodeFile, cli.terminal.stdin);
  if (!cli.terminal.interactive || options.json === true) return undefined;
  const question = "One-time code from the server's console (Enter: none, this is the same machine)";
  return (await askHidden(cli.terminal, question, 'In a script use --init-code-file FILE')).trim() || undefined;
};

const show = async (cli: Cli, admin: Administrator | null, made: Initialised): Promise<void> => {
  const { terminal } = cli;
  await terminal.print('The ledger is created. What follows is shown once and kept nowhere.\n');
  for (const key of made.keys ?? []) await terminal.print(`Unseal key   ${oneLine(key)}`);
  await terminal.print(`Root token   ${oneLine(made.root_token)}\n`);
  terminal.note(
    admin === null
      ? 'Keep the unseal key in a safe or a password manager: without it nobody can open the ledger again.'
      : `Keep ${oneLine(admin.name)}'s password in a safe or a password manager: without it nobody can open the ledger again.`,
  );
  terminal.note('The root token may do everything: keep it apart from that, and use it to make lesser logins.');
  terminal.note('\nNext:\n  tally operator unseal\n  tally login            (asks for the root token)');
};

export const initCommand = (cli: Cli): Command =>
  withHolders(withConnection(new Command('init')))
    .description('create the ledger, once; shows the root token')
    .addOption(new Option('--admin-name <name>', 'the administrator whose password unseals'))
    .addOption(new Option('--password-file <file>', "the administrator's password is in this file; - is stdin"))
    .addOption(new Option('--unseal-key', 'unseal keys instead of a password').conflicts(['adminName', 'passwordFile']))
    .addOption(new Option('--shares <n>', 'with --unseal-key: into how many').argParser(wholeNumber(1)).default(1))
    .addOption(
      new Option('--threshold <n>', 'with --unseal-key: how many open it').argParser(wholeNumber(1)).default(1),
    )
    .addOption(new Option('--root-token-pgp-key <file>', 'encrypt the root token to this PGP public key'))
    .addOption(new Option('--init-code-file <file>', "the one-time code from the server's console is in this file"))
    .action(async (options: Options) =>
      withClient(cli, options, async client => {
        // Asked first, so that nobody chooses a password for nothing.
        const { value: state } = await ask(client, { method: 'GET', path: ['sys', 'init'] }, State);
        if (state.initialized)
          throw new CliError(ExitCode.conflict, 'the server is initialised already', 'See: tally operator status');
        if (options.passwordFile === '-' && options.initCodeFile === '-')
          throw badInput('stdin can give only one of the two');

        const admin = options.unsealKey === true ? null : await administrator(cli, options);
        const code = await initCode(cli, options);
        const body = JSON.stringify({
          ...(admin === null
            ? {
                ...{ secret_shares: options.shares, secret_threshold: options.threshold },
                ...(await holderFields(options)),
              }
            : { admin_name: admin.name, admin_password: admin.password }),
          ...(code === undefined ? {} : { init_code: code }),
          ...(options.rootTokenPgpKey === undefined
            ? {}
            : { root_token_pgp_key: await pgpKeyText(options.rootTokenPgpKey) }),
        });
        const { value, answer } = await withProgress(cli.terminal, 'Creating the ledger', () =>
          ask(client, { method: 'POST', path: ['sys', 'init'], body }, Initialised),
        );
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await show(cli, admin, value);
      }),
    );
