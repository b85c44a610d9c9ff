/** `tally operator rekey start|give|verify|status|cancel|backup`: holders of shares agree on new ones, one share at a time. */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { wholeNumber } from '../../arguments/numbers.js';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../../arguments/options.js';
import { reasonHeaders } from '../../arguments/reason.js';
import { type Cli, withClient } from '../../cli.js';
import type { Answer } from '../../client.js';
import { ask, perform } from '../../requests.js';
import { printAnswer } from '../../results.js';
import { oneLine } from '../../terminal/escape.js';
import { printFacts } from '../../terminal/table.js';
import {
  type HolderOptions,
  holderFields,
  Keys,
  printShares,
  type ShareOptions,
  shareOf,
  withHolders,
  withShare,
} from './holders.js';

const REKEY = ['sys', 'rekey'] as const;

const Status = t.intersection([
  t.type({ nonce: t.string }),
  t.partial({
    started: t.boolean,
    complete: t.boolean,
    t: t.number,
    n: t.number,
    progress: t.number,
    required: t.number,
  }),
  t.partial({
    verification_nonce: t.string,
    backup: t.boolean,
    pgp_fingerprints: t.union([t.array(t.string), t.null]),
  }),
  Keys,
]);
type Status = t.TypeOf<typeof Status>;

const show = async (cli: Cli, options: CommonOptions, status: Status, answer: Answer): Promise<void> => {
  if (options.json === true) return printAnswer(cli.terminal, answer);
  if (status.started === false)
    return cli.terminal.print('No rekey is under way. Begin one: tally operator rekey start');
  const needed = status.verification_nonce === undefined ? (status.required ?? status.t) : status.t;
  await printFacts(cli.terminal, [
    ['New shares', `${status.t ?? '?'} of ${status.n ?? '?'} open it`],
    ['Given', `${status.progress ?? 0} of ${needed ?? '?'}`],
    ['Nonce', status.verification_nonce ?? status.nonce],
  ]);
};

interface StartOptions extends CommonOptions, ReasonOptions, HolderOptions {
  readonly shares: number;
  readonly threshold: number;
  readonly verify?: boolean;
  readonly backup?: boolean;
}

const startCommand = (cli: Cli): Command =>
  withHolders(withReason(withConnection(new Command('start')), { repeatable: false }))
    .description('begin: then enough holders of today’s shares give theirs')
    .addOption(new Option('--shares <n>', 'how many new shares').argParser(wholeNumber(1)).makeOptionMandatory())
    .addOption(new Option('--threshold <n>', 'how many open it').argParser(wholeNumber(1)).makeOptionMandatory())
    .addOption(new Option('--verify', 'the old shares stay until enough of the new ones were given back'))
    .addOption(new Option('--backup', 'with --pgp-key: the server keeps the encrypted shares as well'))
    .action(async (options: StartOptions) => {
      const body = JSON.stringify({
        ...{ secret_shares: options.shares, secret_threshold: options.threshold },
        ...{ require_verification: options.verify === true, backup: options.backup === true },
        ...(await holderFields(options)),
      });
      await withClient(cli, options, async client => {
        const call = { method: 'POST', path: [...REKEY, 'init'], body, headers: reasonHeaders(options) } as const;
        const { value, answer } = await ask(client, call, Status);
        await show(cli, options, value, answer);
        if (options.json !== true) cli.terminal.note(`Each holder: tally operator rekey give --nonce ${value.nonce}`);
      });
    });

interface GiveOptions extends CommonOptions, ReasonOptions, ShareOptions {
  readonly nonce: string;
}

const withNonce = (command: Command): Command =>
  command.addOption(new Option('--nonce <nonce>', 'which attempt: what start, or status, shows').makeOptionMandatory());

const giveCommand = (cli: Cli): Command =>
  withShare(withNonce(withReason(withConnection(new Command('give')), { repeatable: false })))
    .description('give one of today’s shares; the last one shows the new ones, once')
    .action(async (options: GiveOptions) => {
      const key = await shareOf(cli, options, 'Your share');
      await withClient(cli, options, async client => {
        const body = JSON.stringify({ key, nonce: options.nonce });
        const call = { method: 'POST', path: [...REKEY, 'update'], body, headers: reasonHeaders(options) } as const;
        const { value, answer } = await ask(client, call, Status);
        if (value.complete !== true || options.json === true) return show(cli, options, value, answer);
        const encrypted = (value.pgp_fingerprints ?? []).length > 0;
        await printShares(cli, value, encrypted);
        cli.terminal.note(
          value.verification_nonce === undefined
            ? 'The old shares open nothing any more. What is above is shown once and kept nowhere else.'
            : `Nothing has changed yet. Each holder gives the new share back: tally operator rekey verify --nonce ${value.verification_nonce}`,
        );
      });
    });

const verifyCommand = (cli: Cli): Command =>
  withShare(withNonce(withReason(withConnection(new Command('verify')), { repeatable: false })))
    .description('give back one of the new shares; with enough of them the old ones end')
    .action(async (options: GiveOptions) => {
      const key = await shareOf(cli, options, 'Your new share');
      await withClient(cli, options, async client => {
        const body = JSON.stringify({ key, nonce: options.nonce });
        const call = { method: 'POST', path: [...REKEY, 'verify'], body, headers: reasonHeaders(options) } as const;
        const { value, answer } = await ask(client, call, Status);
        if (value.complete !== true || options.json === true) return show(cli, options, value, answer);
        await cli.terminal.print('The new shares are verified. The old ones open nothing any more.');
      });
    });

const statusCommand = (cli: Cli): Command =>
  withConnection(new Command('status'))
    .description('how many shares were given')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const { value, answer } = await ask(client, { method: 'GET', path: [...REKEY, 'init'] }, Status);
        await show(cli, options, value, answer);
      }),
    );

const cancelCommand = (cli: Cli): Command =>
  withConnection(new Command('cancel'))
    .description('end it: nothing was changed')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const answer = await perform(client, { method: 'DELETE', path: [...REKEY, 'init'] });
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print('No rekey is under way.');
      }),
    );

const Backup = t.type({ data: t.type({ keys_base64: t.record(t.string, t.array(t.string)) }) });

const backupCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('backup')), { repeatable: false })
    .description('the encrypted shares of the last rekey that was told to keep them')
    .addOption(new Option('--remove', 'their holders have them: destroy the backup'))
    .action(async (options: CommonOptions & ReasonOptions & { readonly remove?: boolean }) =>
      withClient(cli, options, async client => {
        const path = [...REKEY, 'backup'];
        if (options.remove === true) {
          const answer = await perform(client, { method: 'DELETE', path, headers: reasonHeaders(options) });
          if (options.json === true) return printAnswer(cli.terminal, answer);
          return cli.terminal.print('The backup is destroyed.');
        }
        const { value, answer } = await ask(client, { method: 'GET', path }, Backup);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        for (const [fingerprint, keys] of Object.entries(value.data.keys_base64))
          for (const key of keys) await cli.terminal.print(`${oneLine(fingerprint)}   ${oneLine(key)}`);
      }),
    );

export const rekeyCommand = (cli: Cli): Command =>
  new Command('rekey')
    .description('exchange the shares')
    .addCommand(startCommand(cli))
    .addCommand(giveCommand(cli))
    .addCommand(verifyCommand(cli))
    .addCommand(statusCommand(cli))
    .addCommand(cancelCommand(cli))
    .addCommand(backupCommand(cli));
