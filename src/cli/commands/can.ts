/** `tally can` and `tally access`: permissions now, or as they were, with the rule that decides. */
import { Command } from 'commander';
import * as t from 'io-ts';
import { momentQuery } from '../arguments/moments.js';
import { type CommonOptions, type MomentFlags, withConnection, withMoment } from '../arguments/options.js';
import { type Cli, withClient } from '../cli.js';
import { ExitCode } from '../exit-codes.js';
import { ask, enveloped } from '../requests.js';
import { printAnswer } from '../results.js';
import { printTable } from '../terminal/table.js';

const nullableText = t.union([t.string, t.null]);

const Holder = t.type({
  actor: t.type({ id: nullableText, kind: t.string, name: nullableText }),
  holds: t.string,
  accessor: nullableText,
  display_name: t.string,
  policies: t.array(t.string),
});
type Holder = t.TypeOf<typeof Holder>;

const Rule = t.union([t.null, t.type({ policy: t.string, path: t.string, capability: t.string })]);

const Can = enveloped(
  t.type({
    position: t.number,
    at: t.string,
    allowed: t.boolean,
    holders: t.array(
      t.intersection([Holder, t.type({ allowed: t.boolean, why: t.union([t.null, t.string]), rule: Rule })]),
    ),
  }),
);

const Access = enveloped(
  t.type({
    position: t.number,
    at: t.string,
    holders: t.array(t.intersection([Holder, t.type({ capabilities: t.array(t.string) })])),
  }),
);

type Options = CommonOptions & MomentFlags;

const who = ({ actor, display_name }: Holder): string => actor.name ?? display_name;

const how = ({ holds, accessor, display_name }: Holder): string =>
  holds === 'token' ? `token ${accessor}` : `logging in as ${display_name}`;

const WHY: Readonly<Record<string, string>> = {
  'no-rule': 'no rule fits',
  deny: 'denied by this rule',
  capability: 'this rule lacks it',
  sudo: 'this rule lacks sudo',
  wrapping: 'the rule asks for wrapping',
  parameters: 'the rule asks for parameters',
};

export const canCommand = (cli: Cli): Command =>
  withMoment(withConnection(new Command('can')))
    .description('could they? yes ends with 0, no with 4; the rule that decided is shown')
    .argument('<actor>', "a name, an entity's id, a login, or the accessor of a token")
    .argument('<capability>', 'create, read, update, patch, delete, list or sudo')
    .argument('<path>', 'the path of the API, such as secret/data/team/db')
    .action(async (actor: string, capability: string, path: string, options: Options) =>
      withClient(cli, options, async client => {
        const query = { actor, capability, path, ...momentQuery(options, cli.now()) };
        const call = { method: 'GET', path: ['sys', 'ledger', 'can'], query } as const;
        const { value, answer } = await ask(client, call, Can);
        if (!value.data.allowed) cli.endWith(ExitCode.denied);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        const { allowed, holders, at, position } = value.data;
        await cli.terminal.print(`${allowed ? 'yes' : 'no'}, as of ${at} (position ${position})`);
        await printTable(
          cli.terminal,
          ['Who', 'How', 'Answer', 'Rule'],
          holders.map(holder => [
            who(holder),
            how(holder),
            holder.allowed ? 'yes' : `no: ${WHY[holder.why ?? ''] ?? holder.why}`,
            holder.rule === null ? null : `${holder.rule.policy}: ${holder.rule.path}`,
          ]),
        );
      }),
    );

export const accessCommand = (cli: Cli): Command =>
  withMoment(withConnection(new Command('access')))
    .description('everybody who could do anything with a path')
    .argument('<path>', 'the path of the API, such as secret/data/team/db')
    .action(async (path: string, options: Options) =>
      withClient(cli, options, async client => {
        const query = { path, ...momentQuery(options, cli.now()) };
        const call = { method: 'GET', path: ['sys', 'ledger', 'access'], query } as const;
        const { value, answer } = await ask(client, call, Access);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        const { holders, at, position } = value.data;
        await cli.terminal.print(`as of ${at} (position ${position})`);
        await printTable(
          cli.terminal,
          ['Who', 'How', 'Capabilities', 'Policies'],
          holders.map(holder => [who(holder), how(holder), holder.capabilities.join(', '), holder.policies.join(', ')]),
        );
      }),
    );
