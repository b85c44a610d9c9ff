/** `tally operator slot list|add|remove|rotate`: who opens the ledger. What is handed out is shown once, or written once. */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { wholeNumber } from '../../arguments/numbers.js';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../../arguments/options.js';
import { reasonHeaders } from '../../arguments/reason.js';
import { readSecretLine } from '../../arguments/text-input.js';
import { type Cli, withClient } from '../../cli.js';
import type { Answer } from '../../client.js';
import { badInput, CliError, ExitCode } from '../../exit-codes.js';
import { isThere, type PrivateDraft, withPrivateFile } from '../../private-file.js';
import { ask, enveloped, perform } from '../../requests.js';
import { printAnswer, printJson, recordedAt } from '../../results.js';
import { oneLine } from '../../terminal/escape.js';
import { withProgress } from '../../terminal/progress.js';
import { askTwice } from '../../terminal/prompt.js';
import { printTable } from '../../terminal/table.js';
import { type HolderOptions, holderFields, Keys, printShares, withHolders } from './holders.js';

const SLOTS = ['sys', 'ledger', 'slots'] as const;

const Slot = t.intersection([
  t.type({ id: t.string, kind: t.string, name: t.union([t.string, t.null]) }),
  t.partial({
    secret_shares: t.number,
    secret_threshold: t.number,
    uri: t.string,
    pepper: t.string,
    memory_kib: t.number,
  }),
]);
const Slots = enveloped(t.type({ slots: t.array(Slot) }));
const Added = enveloped(t.intersection([t.type({ id: t.string }), Keys, t.partial({ key: t.string })]));

const detailOf = (slot: t.TypeOf<typeof Slot>): string => {
  if (slot.uri !== undefined) return slot.uri;
  if (slot.secret_shares !== undefined) return `${slot.secret_threshold ?? '?'} of ${slot.secret_shares}`;
  if (slot.memory_kib === undefined) return '';
  const pepper = slot.pepper === 'missing' ? ', its pepper is missing here' : slot.pepper === 'here' ? ', pepper' : '';
  return `Argon2id, ${slot.memory_kib / 1024} MiB${pepper}`;
};

const listCommand = (cli: Cli): Command =>
  withConnection(new Command('list'))
    .description('who opens the ledger')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const { value, answer } = await ask(client, { method: 'GET', path: SLOTS }, Slots);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        const rows = value.data.slots.map(slot => [slot.name, slot.kind, detailOf(slot), slot.id]);
        await printTable(cli.terminal, ['Name', 'Kind', 'How', 'Id'], rows);
      }),
    );

interface AddOptions extends CommonOptions, ReasonOptions, HolderOptions {
  readonly password?: boolean;
  readonly passwordFile?: string;
  readonly policy?: readonly string[];
  readonly keyFile?: string;
  readonly kms?: string;
  readonly shares?: number;
  readonly threshold?: number;
}

const IN_A_SCRIPT = 'In a script use --password-file FILE (- is stdin)';

const newPassword = (cli: Cli, file: string | undefined): Promise<string> =>
  file === undefined
    ? askTwice(cli.terminal, 'Password (16 characters or more)', IN_A_SCRIPT)
    : readSecretLine(file, cli.terminal.stdin);

const requested = async (cli: Cli, options: AddOptions): Promise<object> => {
  const { keyFile, kms, shares, threshold, policy = [] } = options;
  const kinds = [kms, keyFile, shares, options.passwordFile ?? (options.password === true ? '' : undefined)];
  if (kinds.filter(kind => kind !== undefined).length !== 1)
    throw badInput('say what opens it: one of --password, --password-file, --shares, --key-file, --kms');
  if (kms !== undefined) return { kind: 'kms', uri: kms };
  if (keyFile !== undefined) return { kind: 'key-file' };
  if (shares !== undefined)
    return {
      ...{ kind: 'shares', secret_shares: shares, secret_threshold: threshold ?? shares },
      ...(await holderFields(options)),
    };
  if (policy.length === 0) throw badInput('say what this administrator may do: --policy NAME (root: everything)');
  return { kind: 'password', policies: policy, password: await newPassword(cli, options.passwordFile) };
};

type Handed = { readonly keyFile?: string } & HolderOptions;

/** Asks with the key's file at hand, so that no key is made that has nowhere to go. */
const withKeyFile = <A>(path: string | undefined, work: (file: PrivateDraft | null) => Promise<A>): Promise<A> =>
  path === undefined ? work(null) : withPrivateFile(path, work);

/** The key goes into its file, and where that fails after all onto the terminal: it is nowhere else. */
const keepKey = async (cli: Cli, file: PrivateDraft, key: string): Promise<void> => {
  try {
    await file.keep(`${key}\n`);
  } catch (error) {
    await cli.terminal.print(`New key   ${oneLine(key)}`);
    const cause = error instanceof Error ? error.message : 'the file cannot be written';
    throw new CliError(ExitCode.unexpected, `${cause}: the key is shown instead, and is nowhere else`);
  }
};

const handOver = async (
  cli: Cli,
  { value, answer }: { readonly value: t.TypeOf<typeof Added>; readonly answer: Answer },
  file: PrivateDraft | null,
  { keyFile, pgpKey, ageRecipient, json }: Handed & CommonOptions,
  done: string,
): Promise<void> => {
  const { id, key } = value.data;
  if (key !== undefined && file !== null) await keepKey(cli, file, key);
  if (json === true) {
    return key !== undefined && file !== null
      ? printJson(cli.terminal, { position: answer.position, data: { id, key_file: keyFile } })
      : printAnswer(cli.terminal, answer);
  }
  if (key !== undefined && keyFile !== undefined)
    await cli.terminal.print(`The key is in ${oneLine(keyFile)}: tally operator unseal --key-file ${oneLine(keyFile)}`);
  else if (key !== undefined) await cli.terminal.print(`New key   ${oneLine(key)}`);
  await printShares(cli, value.data, pgpKey !== undefined || ageRecipient !== undefined);
  await cli.terminal.print(`${done}${recordedAt(answer)}`);
};

const several = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];

const addCommand = (cli: Cli): Command =>
  withHolders(withReason(withConnection(new Command('add')), { repeatable: false }))
    .description('one more way to open the ledger: a password, shares, a key file, or a key that somebody else keeps')
    .argument('<name>')
    .addOption(new Option('--password', "an administrator's password, asked for"))
    .addOption(new Option('--password-file <file>', 'the password is in this file; - is stdin'))
    .addOption(new Option('--policy <name>', 'what the administrator may do; once for each policy').argParser(several))
    .addOption(new Option('--shares <n>', 'shares: how many').argParser(wholeNumber(1)))
    .addOption(new Option('--threshold <n>', 'shares: how many open it').argParser(wholeNumber(1)))
    .addOption(new Option('--key-file <file>', 'a new key, written into this file'))
    .addOption(new Option('--kms <uri>', 'a key of TALLYSTICK_KMS, which opens the ledger at the start'))
    .action(async (name: string, options: AddOptions) => {
      const fields = await requested(cli, options);
      if (options.keyFile !== undefined && (await isThere(options.keyFile)))
        throw badInput(`${options.keyFile} is there already, and may open another slot`);
      await withClient(cli, options, client =>
        withKeyFile(options.keyFile, async file => {
          const body = JSON.stringify({ ...fields, name });
          const call = { method: 'POST', path: SLOTS, body, headers: reasonHeaders(options) } as const;
          const added = await withProgress(cli.terminal, 'Adding the slot', () => ask(client, call, Added));
          await handOver(cli, added, file, options, `The slot ${oneLine(name)} is added`);
        }),
      );
    });

const removeCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('remove')), { repeatable: false })
    .description('what it was made of opens nothing any more; the last slot cannot be removed')
    .argument('<slot>', 'its name or id')
    .action(async (slot: string, options: CommonOptions & ReasonOptions) =>
      withClient(cli, options, async client => {
        const call = { method: 'DELETE', path: [...SLOTS, slot], headers: reasonHeaders(options) } as const;
        const answer = await perform(client, call, {
          message: 'there is no such slot',
          hint: 'See: tally operator slot list',
        });
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print(`The slot ${oneLine(slot)} is removed${recordedAt(answer)}`);
      }),
    );

interface RotateOptions extends CommonOptions, ReasonOptions {
  readonly password?: boolean;
  readonly passwordFile?: string;
  readonly keyFile?: string;
}

const rotateCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('rotate')), { repeatable: false })
    .description(
      'the same slot under something new: a password, a key file, or the key that somebody else keeps as it is now',
    )
    .argument('<slot>', 'its name or id')
    .addOption(new Option('--password', 'a new password, asked for'))
    .addOption(new Option('--password-file <file>', 'the new password is in this file; - is stdin'))
    .addOption(new Option('--key-file <file>', 'of a key file: the new key, written into this file'))
    .action(async (slot: string, options: RotateOptions) => {
      const wanted = options.password === true || options.passwordFile !== undefined;
      const fields = wanted ? { password: await newPassword(cli, options.passwordFile) } : {};
      await withClient(cli, options, client =>
        withKeyFile(options.keyFile, async file => {
          const [body, headers] = [JSON.stringify(fields), reasonHeaders(options)];
          const call = { method: 'POST', path: [...SLOTS, slot, 'rotate'], body, headers } as const;
          const absent = { message: 'there is no such slot', hint: 'See: tally operator slot list' };
          const rotated = await withProgress(cli.terminal, 'Rotating the slot', () => ask(client, call, Added, absent));
          await handOver(cli, rotated, file, options, `The slot ${oneLine(slot)} is rotated`);
        }),
      );
    });

export const slotCommand = (cli: Cli): Command =>
  new Command('slot')
    .description('who opens the ledger')
    .addCommand(listCommand(cli))
    .addCommand(addCommand(cli))
    .addCommand(removeCommand(cli))
    .addCommand(rotateCommand(cli));
