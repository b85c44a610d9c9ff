/** `tally projection status|rebuild|verify`: the tables that are folded from the ledger, and proof that they are. */
import { Command } from 'commander';
import * as t from 'io-ts';
import { type CommonOptions, withConnection } from '../arguments/options.js';
import { type Cli, withClient } from '../cli.js';
import { ExitCode } from '../exit-codes.js';
import { ask, enveloped } from '../requests.js';
import { printAnswer } from '../results.js';
import { withProgress } from '../terminal/progress.js';
import { printTable } from '../terminal/table.js';

const Status = t.type({
  projections: t.array(
    t.intersection([
      t.type({ name: t.string, version: t.number, position: t.number, head: t.number, lag: t.number, state: t.string }),
      t.partial({ stoppedAt: t.union([t.number, t.null]), reason: t.union([t.string, t.null]) }),
    ]),
  ),
});
const Rebuilt = t.type({ name: t.string, events: t.number, seconds: t.number });
const Verified = t.type({
  projections: t.array(t.type({ name: t.string, rows: t.number, differences: t.number, position: t.number })),
});

const base = ['sys', 'ledger', 'projections'] as const;

const statusCommand = (cli: Cli): Command =>
  withConnection(new Command('status'))
    .description('how far each projection has folded; ends with 8 when one has stopped')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const { value, answer } = await ask(client, { method: 'GET', path: base }, enveloped(Status));
        const { projections } = value.data;
        if (projections.some(({ state }) => state === 'stopped')) cli.endWith(ExitCode.differences);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await printTable(
          cli.terminal,
          ['NAME', 'VERSION', 'STATE', 'POSITION', 'BEHIND BY', 'STOPPED AT', 'REASON'],
          projections.map(p => [p.name, p.version, p.state, p.position, p.lag, p.stoppedAt, p.reason]),
        );
      }),
    );

const rebuildCommand = (cli: Cli): Command =>
  withConnection(new Command('rebuild'))
    .description('fold one projection again from the first event, beside the live one; reads never stop')
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) =>
      withClient(cli, options, async client => {
        const call = { method: 'POST', path: [...base, name, 'rebuild'], patient: true } as const;
        const { value, answer } = await withProgress(cli.terminal, `Rebuilding ${name}`, () =>
          ask(client, call, enveloped(Rebuilt), {
            message: 'there is no projection of that name',
            hint: 'See: tally projection status',
          }),
        );
        if (options.json === true) return printAnswer(cli.terminal, answer);
        const { events, seconds } = value.data;
        await cli.terminal.print(`${name} rebuilt from ${events} events in ${seconds.toFixed(1)} s`);
      }),
    );

const verifyCommand = (cli: Cli): Command =>
  withConnection(new Command('verify'))
    .description('compare a projection, or all, with a replay of the ledger; ends with 8 when they differ')
    .argument('[name]')
    .action(async (name: string | undefined, options: CommonOptions) =>
      withClient(cli, options, async client => {
        const body = JSON.stringify(name === undefined ? {} : { name });
        const call = { method: 'POST', path: [...base, 'verify'], body, patient: true } as const;
        const { value, answer } = await withProgress(cli.terminal, 'Replaying the ledger', () =>
          ask(client, call, enveloped(Verified), {
            message: 'there is no projection of that name',
            hint: 'See: tally projection status',
          }),
        );
        const { projections } = value.data;
        if (projections.some(({ differences }) => differences > 0)) cli.endWith(ExitCode.differences);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        await printTable(
          cli.terminal,
          ['NAME', 'ROWS', 'DIFFERENCES', 'POSITION', 'RESULT'],
          projections.map(p => [
            p.name,
            p.rows,
            p.differences,
            p.position,
            p.differences === 0 ? 'equal to replay' : 'DIFFERS',
          ]),
        );
      }),
    );

export const projectionCommand = (cli: Cli): Command =>
  new Command('projection')
    .description('the tables folded from the ledger')
    .addCommand(statusCommand(cli))
    .addCommand(rebuildCommand(cli))
    .addCommand(verifyCommand(cli));
