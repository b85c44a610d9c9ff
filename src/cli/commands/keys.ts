/** `tally keys …`: terms of erasure keys: how they stand, the next one, copies of their keys, and when they rotate. */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { wholeNumber } from '../arguments/numbers.js';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../arguments/options.js';
import { reasonHeaders } from '../arguments/reason.js';
import { type Cli, withClient } from '../cli.js';
import { badInput, ExitCode } from '../exit-codes.js';
import { withPrivateFile } from '../private-file.js';
import { ask, enveloped, perform } from '../requests.js';
import { printAnswer, printJson, recordedAt } from '../results.js';
import { withProgress } from '../terminal/progress.js';
import { printFacts, printTable } from '../terminal/table.js';
import { epochsCommand } from './epochs.js';

const time = t.union([t.string, t.null]);

const Status = t.type({
  term: t.number,
  place: t.string,
  erasable: t.boolean,
  next_rotation: time,
  backup_retention: t.string,
  waiting_for: t.array(t.string),
  terms: t.array(
    t.type({
      ...{ term: t.number, state: t.string, rows: t.number },
      ...{ activated: time, rewrapped: time, destroyed: time, planned_end: time },
      copies: t.array(t.type({ kind: t.string, holder: t.string, gone: time })),
    }),
  ),
  nodes: t.array(t.type({ node: t.string, live: t.boolean, seconds_ago: t.number, terms: t.array(t.number) })),
});
type Status = t.TypeOf<typeof Status>;

const base = ['sys', 'ledger', 'keys'] as const;

type Options = CommonOptions & Pick<ReasonOptions, 'reason' | 'ticket'>;

const copiesOf = ({ copies }: Status['terms'][number]): string =>
  copies
    .filter(({ gone }) => gone === null)
    .map(({ kind, holder }) => `${kind} ${holder}`)
    .join(', ');

const showStatus = async (cli: Cli, status: Status): Promise<void> => {
  await printFacts(cli.terminal, [
    ['Active term', status.term],
    ['Erasure keys', status.place],
    ['Next rotation', status.next_rotation ?? 'by hand'],
    ['Backups kept', status.backup_retention],
  ]);
  await cli.terminal.print('');
  await printTable(
    cli.terminal,
    ['TERM', 'STATE', 'KEYS', 'ACTIVATED', 'REWRAPPED', 'ENDS', 'COPIES OF ITS ERASURE KEY'],
    status.terms.map(term => [
      ...[term.term, term.state, term.rows, term.activated, term.rewrapped],
      ...[term.destroyed ?? term.planned_end, copiesOf(term)],
    ]),
  );
  await cli.terminal.print('');
  await printTable(
    cli.terminal,
    ['NODE', 'STATE', 'SEEN', 'CAN OPEN TERMS'],
    status.nodes.map(({ node, live, seconds_ago, terms }) => [
      ...[node, live ? 'live' : 'gone', `${seconds_ago} s ago`, terms.join(', ')],
    ]),
  );
  for (const waiting of status.waiting_for) cli.terminal.warn(waiting);
};

const statusCommand = (cli: Cli): Command =>
  withConnection(new Command('status'))
    .description('terms, how many keys lie under each, when it ends, and where its erasure key is')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const { value, answer } = await ask(client, { method: 'GET', path: base }, enveloped(Status));
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await showStatus(cli, value.data);
      }),
    );

const rotateCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('rotate')), { repeatable: false })
    .description('begin the next term; wrapping the keys again goes on by itself. Ends with 7 while nodes lack its key')
    .action(async (options: Options) =>
      withClient(cli, options, async client => {
        const call = { method: 'POST', path: [...base, 'rotate'], headers: reasonHeaders(options) } as const;
        const { value, answer } = await withProgress(cli.terminal, 'Beginning the next term', () =>
          ask(client, call, enveloped(Status)),
        );
        const waits = value.data.terms.some(({ state }) => state === 'prepared');
        if (waits) cli.endWith(ExitCode.unreachable);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        if (!waits) await cli.terminal.print(`term ${value.data.term} is the active one`);
        for (const waiting of value.data.waiting_for) cli.terminal.warn(waiting);
      }),
    );

const Escrowed = enveloped(t.type({ id: t.string, term: t.number, file: t.string }));

interface EscrowOptions extends Options {
  readonly recipient?: readonly string[];
  readonly out: string;
  readonly term?: number;
}

const collected = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];

const escrowCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('escrow')), { repeatable: false })
    .description("write an age file with a term's erasure key, for people who keep it elsewhere")
    .addOption(new Option('--recipient <age1…>', 'who can open it; may be given several times').argParser(collected))
    .addOption(new Option('--out <file>', 'where to write it (0600)').makeOptionMandatory())
    .addOption(new Option('--term <n>', 'which term (else the active one)').argParser(wholeNumber(1)))
    .action(async ({ recipient, out, term, ...options }: EscrowOptions) =>
      withClient(cli, options, async client => {
        if (recipient === undefined) throw badInput('give at least one --recipient age1…', 'A key pair: age-keygen');
        const body = JSON.stringify({ recipients: recipient, ...(term === undefined ? {} : { term }) });
        const call = { method: 'POST', path: [...base, 'escrow'], body, headers: reasonHeaders(options) } as const;
        const { value, answer } = await withPrivateFile(out, async draft => {
          const escrowed = await ask(client, call, Escrowed);
          await draft.keep(escrowed.value.data.file);
          return escrowed;
        });
        const { id, term: made } = value.data;
        if (options.json === true) return printJson(cli.terminal, { position: answer.position, id, term: made, out });
        await cli.terminal.print(`escrow ${id} of term ${made} written to ${out}${recordedAt(answer)}`);
      }),
    );

const copyGoneCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('copy-gone')), { repeatable: false })
    .description('report that a copy of an erasure key is destroyed: an escrow, or a node that is gone for ever')
    .argument('<holder>', "the escrow's id or the node's name, as `tally keys status` shows it")
    .addOption(new Option('--term <n>', 'whose key it was').argParser(wholeNumber(1)).makeOptionMandatory())
    .action(async (holder: string, { term, ...options }: Options & { readonly term: number }) =>
      withClient(cli, options, async client => {
        const body = JSON.stringify({ term, holder });
        const call = { method: 'POST', path: [...base, 'copy-gone'], body, headers: reasonHeaders(options) } as const;
        const answer = await perform(client, call, {
          message: 'nobody of that name has a copy of that erasure key',
          hint: 'See: tally keys status',
        });
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print(answer.position === null ? 'nothing to change' : `recorded${recordedAt(answer)}`);
      }),
    );

interface ScheduleOptions extends Options {
  readonly every?: string;
  readonly backupsKept?: string;
  readonly off?: boolean;
}

const scheduleCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('schedule')), { repeatable: false })
    .description('when terms rotate by themselves, and how long backups of the database are kept')
    .addOption(new Option('--every <duration>', 'from one rotation to the next: 30d, 720h').conflicts('off'))
    .addOption(new Option('--backups-kept <duration>', 'so long a term goes on after its last key was wrapped again'))
    .addOption(new Option('--off', 'rotate by hand only'))
    .action(async ({ every, backupsKept, off, ...options }: ScheduleOptions) =>
      withClient(cli, options, async client => {
        if (every === undefined && backupsKept === undefined && off === undefined)
          throw badInput('give --every, --backups-kept or --off', 'What is set now: tally keys status');
        const body = JSON.stringify({
          ...(every === undefined ? {} : { enabled: true, interval: every }),
          ...(backupsKept === undefined ? {} : { backup_retention: backupsKept }),
          ...(off === undefined ? {} : { enabled: false }),
        });
        const call = {
          method: 'POST',
          path: ['sys', 'rotate', 'config'],
          body,
          headers: reasonHeaders(options),
        } as const;
        const answer = await perform(client, call);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print(`set${recordedAt(answer)}`);
      }),
    );

export const keysCommand = (cli: Cli): Command =>
  new Command('keys')
    .description('terms of erasure keys: what makes destroyed secrets gone for good')
    .addCommand(statusCommand(cli))
    .addCommand(rotateCommand(cli))
    .addCommand(scheduleCommand(cli))
    .addCommand(escrowCommand(cli))
    .addCommand(copyGoneCommand(cli))
    .addCommand(epochsCommand(cli));
