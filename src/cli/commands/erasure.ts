/**
 * `tally erasures` and `tally erasure certificate|verify`: what was destroyed, by when it is gone from every copy, and the
 * proof of it. A certificate that was fetched is verified here before it is shown; `verify` needs no server.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { Certificate } from '../../certificates/document.js';
import { verdictOf } from '../../certificates/text.js';
import { type Verified, verifyCertificate } from '../../certificates/verify.js';
import { wholeNumber } from '../arguments/numbers.js';
import { type CommonOptions, withConnection } from '../arguments/options.js';
import { type Cli, withClient } from '../cli.js';
import { badInput, CliError, ExitCode } from '../exit-codes.js';
import { ask, enveloped } from '../requests.js';
import { printAnswer, printJson } from '../results.js';
import { printFacts, printTable } from '../terminal/table.js';

const ERASURES = ['sys', 'ledger', 'erasures'];

const Erasures = enveloped(
  t.type({
    erasures: t.array(
      t.type({
        position: t.number,
        recorded_at: t.string,
        scope: t.string,
        keys: t.number,
        state: t.string,
        fully_erased_on: t.string,
        confirmed_at: t.union([t.string, t.null]),
      }),
    ),
    next: t.union([t.number, t.null]),
  }),
);

/** `now` in ms. A date that has passed without a record of it is not an end. */
const endOf = (erasure: { confirmed_at: string | null; fully_erased_on: string }, now: number): string => {
  const { confirmed_at, fully_erased_on: on } = erasure;
  if (confirmed_at !== null) return `confirmed ${confirmed_at}`;
  const day = on.slice(0, 10);
  return Date.parse(on) > now ? `not yet, on ${day}` : `not confirmed, planned for ${day}`;
};

interface ListOptions extends CommonOptions {
  readonly after: number;
  readonly limit: number;
}

export const erasuresCommand = (cli: Cli): Command =>
  withConnection(new Command('erasures'))
    .description('list what was destroyed for good: what is pending, until when, and what is confirmed')
    .addOption(new Option('--after <n>', 'only those after this position').argParser(wholeNumber(0)).default(0))
    .addOption(new Option('--limit <n>', 'at most so many').argParser(wholeNumber(1)).default(100))
    .action(async (options: ListOptions) =>
      withClient(cli, options, async client => {
        const query = { after: String(options.after), limit: String(options.limit) };
        const { value, answer } = await ask(client, { method: 'GET', path: ERASURES, query }, Erasures);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        const { erasures, next } = value.data;
        const rows = erasures.map(each => [
          ...[each.position, each.recorded_at, each.scope, each.keys],
          endOf(each, cli.now()),
        ]);
        await printTable(cli.terminal, ['POSITION', 'RECORDED', 'SCOPE', 'KEYS', 'FULLY ERASED'], rows);
        if (next !== null) cli.terminal.note(`There are more: tally erasures --after ${next}`);
      }),
    );

const verified = (text: string, key: string | null): Verified => {
  const result = verifyCertificate(text, key);
  if (result._tag === 'Left') throw new CliError(ExitCode.differences, result.left);
  return result.right;
};

/** The signed text up to its signature. */
const wordsOf = (note: string): string => note.slice(0, note.lastIndexOf('\n\n') + 1);

interface CertificateOptions extends CommonOptions {
  readonly output?: string;
}

const certificateCommand = (cli: Cli): Command =>
  withConnection(new Command('certificate'))
    .description('fetch the certificate of an erasure, signed and proved, as it stands now')
    .argument('<position>', 'where the erasure is recorded', wholeNumber(1))
    .option('--output <file>', 'write it there, for whoever asked; else it is shown')
    .action(async (position: number, options: CertificateOptions) =>
      withClient(cli, options, async client => {
        const call = { method: 'GET', path: [...ERASURES, String(position)], patient: true } as const;
        const absent = { message: `nothing was erased at position ${position}`, hint: 'See: tally erasures' };
        const { value } = await ask(client, call, enveloped(Certificate), absent);
        const text = JSON.stringify(value.data, null, 2);
        verified(text, null);
        if (options.output !== undefined) {
          await writeFile(options.output, `${text}\n`).catch(() => {
            throw badInput('the certificate could not be written to that file');
          });
          cli.terminal.note('Anybody can check it, without a server: tally erasure verify FILE --key KEY');
        } else if (options.json === true) await printJson(cli.terminal, value.data);
        else await cli.terminal.print(wordsOf(value.data.note).trimEnd());
      }),
    );

const BYTES_MAX = 64 * 1024 * 1024;

const readCertificate = async (file: string): Promise<string> => {
  const content = await readFile(file).catch(() => {
    throw badInput('that file cannot be read');
  });
  if (content.length > BYTES_MAX) throw badInput('that file is too large to be a certificate');
  return content.toString('utf8');
};

const verifyCommand = (cli: Cli): Command =>
  new Command('verify')
    .description('check a certificate offline: its signature, and the proof that its events are in the ledger')
    .argument('<file>', 'the certificate')
    .option('--key <key>', "the ledger's checkpoint key, from somewhere else than the file")
    .option('--json', 'print JSON for scripts')
    .action(async (file: string, options: { readonly key?: string; readonly json?: boolean }) => {
      const { document, checkpoint, events } = verified(await readCertificate(file), options.key ?? null);
      const { terminal } = cli;
      if (options.json === true) {
        await printJson(terminal, {
          ...{ ledger: document.ledger, position: document.request.position, events, erasure: document.term.erasure },
          ...{ key: document.checkpoint_key, key_given: options.key !== undefined },
        });
      } else {
        await printFacts(terminal, [
          ['Genuine', 'signature, document and proofs are right'],
          ['Ledger', document.ledger],
          ['Scope', document.request.scope],
          ['Events', `${events}, proved in the first ${checkpoint.size} of the ledger`],
          ['Keys', document.destroyed.reduce((sum, { keys }) => sum + keys.length, 0)],
          ['Erasure', verdictOf(document).replace(/^Fully erased: /, '')],
          ['Signed by', document.checkpoint_key],
        ]);
      }
      if (options.key === undefined)
        terminal.warn('the key was taken from the file itself: compare it with the one that the ledger began with');
    });

export const erasureCommand = (cli: Cli): Command =>
  new Command('erasure')
    .description('certificates of erasures')
    .addCommand(certificateCommand(cli))
    .addCommand(verifyCommand(cli));
