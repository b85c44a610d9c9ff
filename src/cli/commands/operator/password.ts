/** `tally operator password NAME`: a new password for an administrator; the old one opens nothing from then on. */
import { Command, Option } from 'commander';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../../arguments/options.js';
import { reasonHeaders } from '../../arguments/reason.js';
import { readSecretLine } from '../../arguments/text-input.js';
import { type Cli, withClient } from '../../cli.js';
import { badInput } from '../../exit-codes.js';
import { perform } from '../../requests.js';
import { printAnswer, recordedAt } from '../../results.js';
import { oneLine } from '../../terminal/escape.js';
import { withProgress } from '../../terminal/progress.js';
import { askHidden, askTwice } from '../../terminal/prompt.js';

interface Options extends CommonOptions, ReasonOptions {
  readonly oldPasswordFile?: string;
  readonly newPasswordFile?: string;
}

const IN_A_SCRIPT = 'In a script use --old-password-file and --new-password-file (- is stdin)';

export const passwordCommand = (cli: Cli): Command =>
  withReason(withConnection(new Command('password')))
    .description("change an administrator's password")
    .argument('<name>')
    .addOption(new Option('--old-password-file <file>', 'the old password is in this file; - is stdin'))
    .addOption(new Option('--new-password-file <file>', 'the new password is in this file; - is stdin'))
    .action(async (name: string, options: Options) =>
      withClient(cli, options, async client => {
        const { terminal } = cli;
        if (options.oldPasswordFile === '-' && options.newPasswordFile === '-')
          throw badInput('stdin can give only one of the two');
        const headers = reasonHeaders(options);
        const old_password =
          options.oldPasswordFile === undefined
            ? await askHidden(terminal, `Old password of ${name}`, IN_A_SCRIPT)
            : await readSecretLine(options.oldPasswordFile, terminal.stdin);
        const password =
          options.newPasswordFile === undefined
            ? await askTwice(terminal, 'New password (16 characters or more)', IN_A_SCRIPT)
            : await readSecretLine(options.newPasswordFile, terminal.stdin);
        const path = ['auth', 'userpass', 'users', name, 'password'];
        const answer = await withProgress(terminal, 'Changing the password', () =>
          perform(client, { method: 'POST', path, body: JSON.stringify({ old_password, password }), headers }),
        );
        if (options.json === true) return printAnswer(terminal, answer);
        await terminal.print(`The password of ${oneLine(name)} is changed${recordedAt(answer)}`);
      }),
    );
