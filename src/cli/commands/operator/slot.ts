/** `tally operator slot list|add|remove|rotate`: who opens the ledger. What is handed out is shown once, or written once. */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { wholeNumber } from '../../arguments/numbers.js';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../../arguments/options.js';
import { reasonHeaders } from '../../arguments/reason.js';
import { readSecretLine } from '../../arguments/text-input.js';
import { type Cli, withClient } from '../../cli.js';
import { badInput } from '../../exit-codes.js';
import { writePrivateFile } from '../../private-file.js';
import { ask, enveloped, perform } from '../../requests.js';
import { printAnswer, recordedAt } from '../../results.js';
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

/** The key file is written before anybody is told of the slot; what cannot be written is said, and the slot removed by hand. */
const handOver = async (
  cli: Cli,
  added: t.TypeOf<typeof Added>['data'],
  { keyFile, pgpKey, ageRecipient }: { keyFile?: string | undefined } & HolderOptions,
): Promise<void> => {
  if (added.key !== undefined && keyFile !== undefined) {
    await writePrivateFile(keyFile, `${added.key}\n`);
    await cli.terminal.print(`The key is in ${oneLine(keyFile)}: tally operator unseal --key-file ${oneLine(keyFile)}`);
  }
  await printShares(cli, added, pgpKey !== undefined || ageRecipient !== undefined);
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
      await withClient(cli, options, async client => {
        const body = JSON.stringify({ ...fields, name });
        const call = { method: 'POST', path: SLOTS, body, headers: reasonHeaders(options) } as const;
        const { value, answer } = await withProgress(cli.terminal, 'Adding the slot', () => ask(client, call, Added));
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await handOver(cli, value.data, options);
        await cli.terminal.print(`The slot ${oneLine(name)} is added${recordedAt(answer)}`);
      });
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
      await withClient(cli, options, async client => {
        const [body, headers] = [JSON.stringify(fields), reasonHeaders(options)];
        const call = { method: 'POST', path: [...SLOTS, slot, 'rotate'], body, headers } as const;
        const absent = { message: 'there is no such slot', hint: 'See: tally operator slot list' };
        const { value, answer } = await withProgress(cli.terminal, 'Rotating the slot', () =>
          ask(client, call, Added, absent),
        );
        if (options.json === true) return printAnswer(cli.terminal, answer);
        if (value.data.key !== undefined && options.keyFile === undefined)
          await cli.terminal.print(`New key   ${oneLine(value.data.key)}`);
        await handOver(cli, value.data, options);
        await cli.terminal.print(`The slot ${oneLine(slot)} is rotated${recordedAt(answer)}`);
      });
    });

export const slotCommand = (cli: Cli): Command =>
  new Command('slot')
    .description('who opens the ledger')
    .addCommand(listCommand(cli))
    .addCommand(addCommand(cli))
    .addCommand(removeCommand(cli))
    .addCommand(rotateCommand(cli));
