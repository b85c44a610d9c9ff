/** `tally ledger status`: how far the ledger is, and the root that says what is in it. */
import { Command } from 'commander';
import * as t from 'io-ts';
import { type CommonOptions, withConnection } from '../arguments/options.js';
import { type Cli, withClient } from '../cli.js';
import { ask, enveloped } from '../requests.js';
import { printAnswer } from '../results.js';
import { printFacts } from '../terminal/table.js';

const Head = enveloped(
  t.intersection([
    t.type({ position: t.number, root: t.string, recorded_at: t.string }),
    t.partial({ ledger_id: t.string, authority_count: t.number, epoch: t.number }),
  ]),
);

export const ledgerCommand = (cli: Cli): Command =>
  new Command('ledger').description('the ledger itself').addCommand(
    withConnection(new Command('status'))
      .description("the newest position, its time and the ledger's root hash")
      .action(async (options: CommonOptions) =>
        withClient(cli, options, async client => {
          const { value, answer } = await ask(client, { method: 'GET', path: ['sys', 'ledger', 'head'] }, Head);
          if (options.json === true) return printAnswer(cli.terminal, answer);
          const { position, recorded_at, root, ledger_id, epoch } = value.data;
          await printFacts(cli.terminal, [
            ['Server', client.connection.address],
            ['Ledger', ledger_id],
            ['Position', position],
            ['Recorded at', recorded_at],
            ['Root', root],
            ['Epoch', epoch],
          ]);
        }),
      ),
  );
