/**
 * `tally audit replay`: the audit trail in its order, one line for each record, values never. With `--follow` it stays,
 * and goes on at the same place after the server was away.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { parseMoment } from '../arguments/moments.js';
import { wholeNumber } from '../arguments/numbers.js';
import { type CommonOptions, withConnection } from '../arguments/options.js';
import { type Cli, withClient } from '../cli.js';
import type { Client } from '../client.js';
import { type AuditRecord, actorName, type EventFilter, type EventPage, readPage } from '../events.js';
import { badInput, CliError, ExitCode } from '../exit-codes.js';
import { printJson } from '../results.js';
import { oneLine } from '../terminal/escape.js';
import type { Terminal } from '../terminal/terminal.js';

interface Options extends CommonOptions {
  readonly path?: string;
  readonly actor?: string;
  readonly type?: string;
  readonly outcome?: string;
  readonly from?: string;
  readonly to?: string;
  readonly after?: string;
  readonly limit?: number;
  readonly follow?: boolean;
}

const POLL_MS = 1_000;
const POLL_MS_MAX = 15_000;

const WIDTHS = { position: 9, time: 27, actor: 12, type: 18, path: 32 } as const;

const line = (terminal: Terminal, record: AuditRecord): string => {
  const place = (record.index ?? 0) === 0 ? String(record.position) : `${record.position}.${record.index}`;
  const outcome = oneLine(record.outcome ?? '-');
  return [
    place.padStart(WIDTHS.position),
    oneLine(record.recorded_at).padEnd(WIDTHS.time),
    oneLine(actorName(record)).padEnd(WIDTHS.actor),
    oneLine(record.type).padEnd(WIDTHS.type),
    oneLine(record.path ?? '-').padEnd(WIDTHS.path),
    outcome === 'ok' ? terminal.green(outcome) : terminal.red(outcome),
  ].join('  ');
};

const filterOf = (options: Options, nowMs: number): EventFilter => ({
  path: options.path,
  actor: options.actor,
  type: options.type,
  outcome: options.outcome,
  from: options.from === undefined ? undefined : parseMoment(options.from, nowMs),
  to: options.to === undefined ? undefined : parseMoment(options.to, nowMs),
});

/** The server is away, not unwilling: worth waiting for. */
const willComeBack = (error: unknown): error is CliError =>
  error instanceof CliError && (error.exitCode === ExitCode.unreachable || error.exitCode === ExitCode.sealed);

/** One page, however long the server is away. Says so once when it goes and once when it is back. */
const readPatiently = async (
  cli: Cli,
  client: Client,
  filter: EventFilter,
  after: string | undefined,
): Promise<EventPage> => {
  for (let away = 0; ; away++) {
    try {
      const page = await readPage(client, filter, after);
      if (away > 0) cli.terminal.note('the server is back; going on where we were');
      return page;
    } catch (error) {
      if (!willComeBack(error)) throw error;
      if (away === 0) cli.terminal.note(`${oneLine(error.message)}; waiting for it`);
      await pause(Math.min(POLL_MS * 2 ** away, POLL_MS_MAX));
    }
  }
};

const replay = async (cli: Cli, client: Client, options: Options): Promise<void> => {
  const { terminal } = cli;
  const filter = filterOf(options, cli.now());
  const wanted = options.limit ?? Number.POSITIVE_INFINITY;
  let { after } = options;
  let shown = 0;
  // The first page is not waited for: a wrong address or a missing login should be seen at once.
  for (let pages = 0; shown < wanted && !terminal.deserted(); pages++) {
    const page =
      options.follow === true && pages > 0
        ? await readPatiently(cli, client, filter, after)
        : await readPage(client, filter, after, wanted - shown);
    for (const record of page.events.slice(0, wanted - shown)) {
      shown++;
      await (options.json === true ? printJson(terminal, record) : terminal.print(line(terminal, record)));
    }
    after = page.after;
    if (!page.end) continue;
    if (options.follow !== true) break;
    await pause(POLL_MS);
  }
  if (shown === 0) terminal.note('no record matches');
};

export const auditCommand = (cli: Cli): Command =>
  new Command('audit').description('the audit trail').addCommand(
    withConnection(new Command('replay'))
      .description('show the audit trail, oldest first; with --json one JSON document a line')
      .addOption(new Option('--path <prefix>', 'only what happened at or below this path'))
      .addOption(new Option('--actor <name>', "only this actor's, by name or id"))
      .addOption(new Option('--type <type>', 'only this type, such as secret.written'))
      .addOption(new Option('--outcome <outcome>', 'only this outcome').choices(['ok', 'denied', 'failed', 'error']))
      .addOption(new Option('--from <time>', 'not before: RFC 3339, unix seconds, or how long ago (10m)'))
      .addOption(new Option('--to <time>', 'not after'))
      .addOption(new Option('--after <place>', 'go on after this place: POSITION or POSITION.INDEX'))
      .addOption(new Option('--limit <n>', 'at most so many records').argParser(wholeNumber(1)))
      .addOption(new Option('--follow', 'stay and show what comes; survives a restart of the server').conflicts('to'))
      .action(async (options: Options) => {
        if (options.after !== undefined && !/^\d{1,16}(\.\d{1,9})?$/.test(options.after)) {
          throw badInput('--after is not a place in the ledger', 'It looks like this: 120 or 120.3');
        }
        await withClient(cli, options, client => replay(cli, client, options));
      }),
  );
