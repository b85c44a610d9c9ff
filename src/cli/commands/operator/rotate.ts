/**
 * `tally operator rotate --root`: a new root key. What opens the ledger today is given or dropped by name; shares are given one
 * by one, and new ones given back, before anything changes.
 */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { wholeNumber } from '../../arguments/numbers.js';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../../arguments/options.js';
import { reasonHeaders } from '../../arguments/reason.js';
import { readSecretLine } from '../../arguments/text-input.js';
import { type Cli, withClient } from '../../cli.js';
import type { Answer } from '../../client.js';
import { badInput } from '../../exit-codes.js';
import { ask, enveloped, perform } from '../../requests.js';
import { printAnswer, recordedAt } from '../../results.js';
import { oneLine } from '../../terminal/escape.js';
import { withProgress } from '../../terminal/progress.js';
import { askHidden } from '../../terminal/prompt.js';
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

const ROOT_KEY = ['sys', 'ledger', 'root-key'] as const;

const Status = enveloped(
  t.intersection([
    t.type({ started: t.boolean, complete: t.boolean }),
    t.partial({
      ...{ stage: t.string, nonce: t.string, progress: t.number, required: t.number, root_generation: t.number },
      ...{ remade: t.array(t.string), dropped: t.array(t.string) },
    }),
    Keys,
  ]),
);
type Status = t.TypeOf<typeof Status>['data'];

const show = async (
  cli: Cli,
  options: CommonOptions & HolderOptions,
  status: Status,
  answer: Answer,
): Promise<void> => {
  if (options.json === true) return printAnswer(cli.terminal, answer);
  const list = (names: readonly string[] | undefined): string => (names ?? []).map(oneLine).join(', ') || 'none';
  const slots = [
    ['Made again', list(status.remade)],
    ['Dropped', list(status.dropped)],
  ] as const;
  if (status.complete) {
    await printFacts(cli.terminal, [['Root key', String(status.root_generation ?? '?')], ...slots]);
    await cli.terminal.print(`The root key is rotated${recordedAt(answer)}`);
    return cli.terminal.note(
      'What opened the ledger before opens copies of before, and nothing else. Values follow with the next term: tally keys status',
    );
  }
  if (!status.started)
    return cli.terminal.print('No rotation of the root key is under way. Begin one: tally operator rotate --root');
  const verify = status.stage === 'verify';
  await printFacts(cli.terminal, [
    [verify ? 'New shares given back' : 'Shares given', `${status.progress ?? 0} of ${status.required ?? '?'}`],
    ['Nonce', status.nonce ?? ''],
    ...slots,
  ]);
  const [first = ''] = status.keys ?? [];
  // A share has 33 bytes, one of one 32: what is longer is encrypted.
  await printShares(cli, status, first.length > 66);
  cli.terminal.note(
    `Nothing has changed yet. Each holder gives ${verify ? 'the new share back' : 'a share of today'}: tally operator rotate give --nonce ${status.nonce ?? ''}`,
  );
};

interface RotateOptions extends CommonOptions, ReasonOptions, HolderOptions {
  readonly root?: boolean;
  readonly password?: boolean;
  readonly passwordFile?: string;
  readonly keyFile?: string;
  readonly drop?: readonly string[];
  readonly shares?: number;
  readonly threshold?: number;
}

const several = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];

const passwordOf = (cli: Cli, { password, passwordFile }: RotateOptions): Promise<string> | null => {
  if (passwordFile !== undefined) return readSecretLine(passwordFile, cli.terminal.stdin);
  return password === true
    ? askHidden(cli.terminal, 'Password', 'In a script use --password-file FILE (- is stdin)')
    : null;
};

const fieldsOf = async (cli: Cli, options: RotateOptions): Promise<object> => {
  const { keyFile, drop, shares, threshold } = options;
  const password = await passwordOf(cli, options);
  return {
    ...(password === null ? {} : { password }),
    ...(keyFile === undefined ? {} : { key_file: await readSecretLine(keyFile, cli.terminal.stdin) }),
    ...(drop === undefined ? {} : { drop }),
    ...(shares === undefined ? {} : { secret_shares: shares, secret_threshold: threshold ?? shares }),
    ...(await holderFields(options)),
  };
};

const giveCommand = (cli: Cli): Command =>
  withShare(withReason(withConnection(new Command('give')), { repeatable: false }))
    .description('give a share of today; when enough were given, and the new ones are shown, give a new one back')
    .addOption(new Option('--nonce <nonce>', 'which attempt: what was shown at its start').makeOptionMandatory())
    .action(async (options: CommonOptions & ReasonOptions & ShareOptions & { readonly nonce: string }) => {
      const key = await shareOf(cli, options, 'Your share');
      await withClient(cli, options, async client => {
        const [body, headers] = [JSON.stringify({ key, nonce: options.nonce }), reasonHeaders(options)];
        const call = { method: 'POST', path: [...ROOT_KEY, 'update'], body, headers } as const;
        const { value, answer } = await ask(client, call, Status);
        await show(cli, options, value.data, answer);
      });
    });

const statusCommand = (cli: Cli): Command =>
  withConnection(new Command('status'))
    .description('how far it is')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const { value, answer } = await ask(client, { method: 'GET', path: ROOT_KEY }, Status);
        await show(cli, options, value.data, answer);
      }),
    );

const cancelCommand = (cli: Cli): Command =>
  withConnection(new Command('cancel'))
    .description('end it: nothing was changed')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const answer = await perform(client, { method: 'DELETE', path: ROOT_KEY });
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print('No rotation of the root key is under way.');
      }),
    );

export const rotateCommand = (cli: Cli): Command =>
  withHolders(withReason(withConnection(new Command('rotate')), { repeatable: false }))
    .enablePositionalOptions()
    .description('a new root key; what is not given here, and cannot be made again, is dropped by its name')
    .addOption(new Option('--root', 'say that it is the root key'))
    .addOption(new Option('--password', "an administrator's password, which stays the same; asked for"))
    .addOption(new Option('--password-file <file>', 'that password is in this file; - is stdin'))
    .addOption(new Option('--key-file <file>', 'the key of a slot that is a key file, which stays the same'))
    .addOption(new Option('--drop <slot>', 'a slot that opens nothing any more; once for each').argParser(several))
    .addOption(new Option('--shares <n>', 'how many new shares; absent: as many as today').argParser(wholeNumber(1)))
    .addOption(new Option('--threshold <n>', 'how many open it').argParser(wholeNumber(1)))
    .action(async (options: RotateOptions) => {
      if (options.root !== true)
        throw badInput('say what is to be rotated: --root. For the keys of values: tally keys rotate');
      const fields = await fieldsOf(cli, options);
      await withClient(cli, options, async client => {
        const call = {
          method: 'POST',
          path: ROOT_KEY,
          body: JSON.stringify(fields),
          headers: reasonHeaders(options),
        } as const;
        const { value, answer } = await withProgress(cli.terminal, 'Rotating the root key', () =>
          ask(client, call, Status),
        );
        await show(cli, options, value.data, answer);
      });
    })
    .addCommand(giveCommand(cli))
    .addCommand(statusCommand(cli))
    .addCommand(cancelCommand(cli));
