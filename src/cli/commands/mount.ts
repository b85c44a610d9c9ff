/** `tally mount list|enable|disable|tune|config`: where secrets live, and what holds for all of them there. */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { wholeNumber } from '../arguments/numbers.js';
import { type CommonOptions, type ReasonOptions, withConnection, withReason } from '../arguments/options.js';
import { parsePath } from '../arguments/paths.js';
import { reasonHeaders } from '../arguments/reason.js';
import { trueOrFalse } from '../arguments/switches.js';
import { type Cli, withClient } from '../cli.js';
import type { Answer, Client } from '../client.js';
import { badInput } from '../exit-codes.js';
import { folderAt } from '../places.js';
import { ask, enveloped, perform } from '../requests.js';
import { passWarnings, printAnswer, recordedAt } from '../results.js';
import { printFacts, printTable } from '../terminal/table.js';

const MOUNTS = ['sys', 'mounts'] as const;

const Mounts = enveloped(
  t.record(
    t.string,
    t.type({
      type: t.string,
      description: t.string,
      accessor: t.string,
      options: t.union([t.null, t.record(t.string, t.string)]),
    }),
  ),
);

const Config = enveloped(
  t.type({
    max_versions: t.number,
    cas_required: t.boolean,
    delete_version_after: t.string,
    metadata_cas_required: t.boolean,
  }),
);

interface Change extends CommonOptions, ReasonOptions {}

const segmentsOf = (path: string): readonly string[] => parsePath(path).segments;
const shown = (path: string): string => `${segmentsOf(path).join('/')}/`;

const given = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const said = async (cli: Cli, options: Change, answer: Answer, done: string, nothing: string): Promise<void> => {
  passWarnings(cli.terminal, answer);
  if (options.json === true) return printAnswer(cli.terminal, answer);
  await cli.terminal.print(answer.position === null ? nothing : `${done}${recordedAt(answer)}`);
};

const change = (name: string, description: string): Command =>
  withReason(withConnection(new Command(name)), { repeatable: false })
    .description(description)
    .argument('<path>', 'where it is, such as team/secrets');

const listCommand = (cli: Cli): Command =>
  withConnection(new Command('list'))
    .description('what is mounted')
    .action(async (options: CommonOptions) =>
      withClient(cli, options, async client => {
        const { value, answer } = await ask(client, { method: 'GET', path: [...MOUNTS] }, Mounts);
        if (options.json === true) return printAnswer(cli.terminal, answer);
        const rows = Object.entries(value.data).sort(([a], [b]) => (a < b ? -1 : 1));
        await printTable(
          cli.terminal,
          ['PATH', 'TYPE', 'VERSION', 'DESCRIPTION'],
          rows.map(([path, { type, options: own, description }]) => [path, type, own?.version ?? '', description]),
        );
      }),
    );

const TYPES = ['kv-v2', 'kv-v1'] as const;

interface EnableOptions extends Change {
  readonly type: (typeof TYPES)[number];
  readonly description?: string;
}

const enableCommand = (cli: Cli): Command =>
  change('enable', 'a new place for secrets')
    .addOption(new Option('--type <type>', 'kv-v2 keeps versions, kv-v1 one').choices(TYPES).default(TYPES[0]))
    .addOption(new Option('--description <text>', 'for people'))
    .action(async (path: string, options: EnableOptions) =>
      withClient(cli, options, async client => {
        const body = JSON.stringify(given({ type: options.type, description: options.description }));
        const headers = reasonHeaders(options);
        const answer = await perform(client, { method: 'POST', path: [...MOUNTS, ...segmentsOf(path)], body, headers });
        await said(cli, options, answer, `${shown(path)} enabled`, `${shown(path)}: nothing to change`);
      }),
    );

const disableCommand = (cli: Cli): Command =>
  change('disable', 'take a mount and all its secrets out of sight; the ledger keeps them').action(
    async (path: string, options: Change) =>
      withClient(cli, options, async client => {
        const headers = reasonHeaders(options);
        const answer = await perform(client, { method: 'DELETE', path: [...MOUNTS, ...segmentsOf(path)], headers });
        await said(cli, options, answer, `${shown(path)} disabled`, `nothing is mounted at ${shown(path)}`);
      }),
  );

interface TuneOptions extends Change {
  readonly description?: string;
  readonly withVersions?: boolean;
}

const tuneCommand = (cli: Cli): Command =>
  change('tune', 'change a mount')
    .addOption(new Option('--description <text>', 'for people'))
    .addOption(new Option('--with-versions', 'from version 1 to 2; there is no way back'))
    .action(async (path: string, options: TuneOptions) =>
      withClient(cli, options, async client => {
        const fields = given({
          description: options.description,
          options: options.withVersions === true ? { version: '2' } : undefined,
        });
        if (Object.keys(fields).length === 0)
          throw badInput('there is nothing to change', 'See: tally mount tune --help');
        const answer = await perform(client, {
          ...{ method: 'POST', path: [...MOUNTS, ...segmentsOf(path), 'tune'] },
          ...{ body: JSON.stringify(fields), headers: reasonHeaders(options) },
        });
        await said(cli, options, answer, `${shown(path)} tuned`, `${shown(path)}: nothing to change`);
      }),
    );

interface ConfigOptions extends Change {
  readonly maxVersions?: number;
  readonly casRequired?: boolean;
  readonly deleteVersionAfter?: string;
}

/** In a mount of version 1, and below a mount, `config` would be a secret. */
const configOf = async (client: Client, path: string): Promise<readonly string[]> => {
  const { mount, version, path: inside } = await folderAt(client, path);
  if (version === 2 && inside.length === 0) return [...mount, 'config'];
  throw badInput(`${shown(path)} is no mount with versions`, 'See what is mounted: tally mount list');
};

const showConfig = async (cli: Cli, client: Client, options: ConfigOptions, path: readonly string[]): Promise<void> => {
  const { value, answer } = await ask(client, { method: 'GET', path }, Config);
  if (options.json === true) return printAnswer(cli.terminal, answer);
  await printFacts(cli.terminal, [
    ['Max versions', value.data.max_versions === 0 ? '0 (10)' : value.data.max_versions],
    ['Check-and-set required', String(value.data.cas_required)],
    ['Deletes versions after', value.data.delete_version_after],
    ['Metadata check-and-set required', String(value.data.metadata_cas_required)],
  ]);
};

const configCommand = (cli: Cli): Command =>
  change('config', 'what holds for all secrets of a mount with versions; without options: show it')
    .addOption(new Option('--max-versions <n>', 'how many versions to keep').argParser(wholeNumber(0)))
    .addOption(new Option('--cas-required <bool>', 'every write must say --cas').argParser(trueOrFalse))
    .addOption(
      new Option('--delete-version-after <duration>', 'new versions end so long after they are written (768h)'),
    )
    .action(async (path: string, options: ConfigOptions) =>
      withClient(cli, options, async client => {
        const fields = given({
          max_versions: options.maxVersions,
          cas_required: options.casRequired,
          delete_version_after: options.deleteVersionAfter,
        });
        const at = await configOf(client, path);
        if (Object.keys(fields).length === 0) return showConfig(cli, client, options, at);
        const answer = await perform(client, {
          ...{ method: 'POST', path: at },
          ...{ body: JSON.stringify(fields), headers: reasonHeaders(options) },
        });
        await said(cli, options, answer, `${shown(path)} configured`, `${shown(path)}: nothing to change`);
      }),
    );

export const mountCommand = (cli: Cli): Command =>
  new Command('mount')
    .description('where secrets live')
    .addCommand(listCommand(cli))
    .addCommand(enableCommand(cli))
    .addCommand(disableCommand(cli))
    .addCommand(tuneCommand(cli))
    .addCommand(configCommand(cli));
