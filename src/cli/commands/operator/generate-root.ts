/** `tally operator generate-root start|give|status|cancel|decode`: holders of shares make a root token. */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../../arguments/options.js';
import { reasonHeaders } from '../../arguments/reason.js';
import { type Cli, withClient } from '../../cli.js';
import type { Answer } from '../../client.js';
import { badInput } from '../../exit-codes.js';
import { ask, perform } from '../../requests.js';
import { printAnswer } from '../../results.js';
import { oneLine } from '../../terminal/escape.js';
import { printFacts } from '../../terminal/table.js';
import { pgpKeyText, type ShareOptions, shareOf, withShare } from './holders.js';

const ROOT = ['sys', 'generate-root'] as const;

const Status = t.intersection([
  t.type({ nonce: t.string, started: t.boolean, progress: t.number, required: t.number, complete: t.boolean }),
  t.partial({ otp: t.string, encoded_token: t.string }),
]);
type Status = t.TypeOf<typeof Status>;

const show = async (cli: Cli, options: CommonOptions, status: Status, answer: Answer): Promise<void> => {
  if (options.json === true) return printAnswer(cli.terminal, answer);
  if (!status.started) return cli.terminal.print('None is under way. Begin: tally operator generate-root start');
  await printFacts(cli.terminal, [
    ['Given', `${status.progress} of ${status.required}`],
    ['Nonce', status.nonce],
  ]);
};

interface StartOptions extends CommonOptions, ReasonOptions {
  readonly pgpKey?: string;
}

const startCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('start')), { repeatable: false })
    .description('begin: shows the one-time pad that the token will be hidden behind, once')
    .addOption(new Option('--pgp-key <file>', 'encrypt the token to this PGP public key instead'))
    .action(async (options: StartOptions) => {
      const fields = options.pgpKey === undefined ? {} : { pgp_key: await pgpKeyText(options.pgpKey) };
      await withClient(cli, options, async client => {
        const [body, headers] = [JSON.stringify(fields), reasonHeaders(options)];
        const call = { method: 'POST', path: [...ROOT, 'attempt'], body, headers } as const;
        const { value, answer } = await ask(client, call, Status);
        await show(cli, options, value, answer);
        if (options.json === true) return;
        if (value.otp !== undefined && value.otp !== '')
          await cli.terminal.print(`One-time pad   ${oneLine(value.otp)}`);
        cli.terminal.note(`Each holder: tally operator generate-root give --nonce ${value.nonce}`);
      });
    });

interface GiveOptions extends CommonOptions, ReasonOptions, ShareOptions {
  readonly nonce: string;
}

const giveCommand = (cli: Cli): Command =>
  withShare(withReason(withConnection(new Command('give')), { repeatable: false }))
    .description('give a share; the last one shows the hidden token')
    .addOption(new Option('--nonce <nonce>', 'which attempt: what start, or status, shows').makeOptionMandatory())
    .action(async (options: GiveOptions) => {
      const key = await shareOf(cli, options, 'Your share');
      await withClient(cli, options, async client => {
        const body = JSON.stringify({ key, nonce: options.nonce });
        const call = { method: 'POST', path: [...ROOT, 'update'], body, headers: reasonHeaders(options) } as const;
        const { value, answer } = await ask(client, call, Status);
        if (!value.complete || options.json === true) return show(cli, options, value, answer);
        await cli.terminal.print(`Hidden token   ${oneLine(value.encoded_token ?? '')}`);
        cli.terminal.note('Whoever has the one-time pad: tally operator generate-root decode');
      });
    });

const statusCommand = (cli: Cli): Command =>
  withConnection(new Command('status'))
    .description('how many shares were given')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const { value, answer } = await ask(client, { method: 'GET', path: [...ROOT, 'attempt'] }, Status);
        await show(cli, options, value, answer);
      }),
    );

const cancelCommand = (cli: Cli): Command =>
  withConnection(new Command('cancel'))
    .description('end it: no token was made')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const answer = await perform(client, { method: 'DELETE', path: [...ROOT, 'attempt'] });
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await cli.terminal.print('None is under way.');
      }),
    );

/** Here, and not at the server: the pad and the token meet on the machine of whoever may have both. */
const decodeCommand = (cli: Cli): Command =>
  new Command('decode')
    .description('the token behind the one-time pad; the server is not asked')
    .argument('<hidden-token>')
    .action(async (hidden: string) => {
      const question = 'One-time pad';
      const otp = (await shareOf(cli, cli.terminal.interactive ? {} : { keyFile: '-' }, question)).trim();
      const bytes = Buffer.from(hidden, 'base64');
      if (bytes.length === 0 || bytes.length !== Buffer.byteLength(otp))
        throw badInput('the pad and the hidden token are not of the same length: one of them is not whole');
      const pad = Buffer.from(otp);
      await cli.terminal.print(Buffer.from(bytes.map((byte, i) => byte ^ (pad[i] ?? 0))).toString('utf8'));
    });

export const generateRootCommand = (cli: Cli): Command =>
  new Command('generate-root')
    .description('a new root token, by shares')
    .addCommand(startCommand(cli))
    .addCommand(giveCommand(cli))
    .addCommand(statusCommand(cli))
    .addCommand(cancelCommand(cli))
    .addCommand(decodeCommand(cli));
