/** `tally get PATH`: shows a secret, now or as of then. The one command whose purpose is to print a value. */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { E } from '../../fp.js';
import { memberAt, members, plainText } from '../arguments/json-text.js';
import { momentQuery } from '../arguments/moments.js';
import { wholeNumber } from '../arguments/numbers.js';
import { type CommonOptions, type MomentFlags, withConnection, withMoment } from '../arguments/options.js';
import { wrapHeader, wrapTtlOption } from '../arguments/wrap-ttl.js';
import { type Cli, withClient } from '../cli.js';
import type { Answer, Client } from '../client.js';
import { badInput, CliError, ExitCode } from '../exit-codes.js';
import { anySecretAt, type Place, route } from '../places.js';
import { decodeAnswer, enveloped, refused } from '../requests.js';
import { passWarnings, printAnswer, printJsonText } from '../results.js';
import { severalLines } from '../terminal/escape.js';
import { printTable } from '../terminal/table.js';
import { printWrapping } from './wrapping.js';

type Options = CommonOptions &
  MomentFlags & { readonly field?: string; readonly version?: number; readonly wrapTtl?: string };

const Found = enveloped(
  t.type({
    metadata: t.type({ version: t.number, created_time: t.string, deletion_time: t.string, destroyed: t.boolean }),
  }),
);

/** A version that is deleted or destroyed: a 404 that still tells what it was. */
const gone = (place: Place, answer: Answer): CliError | null => {
  let found: ReturnType<typeof Found.decode>;
  try {
    found = Found.decode(JSON.parse(answer.text));
  } catch {
    return null;
  }
  if (E.isLeft(found)) return null;
  const { version, destroyed, deletion_time } = found.right.data.metadata;
  return destroyed
    ? new CliError(
        ExitCode.absent,
        `${place.full} version ${version} is destroyed: nobody can read it again`,
        `Other versions: tally history ${place.full}`,
      )
    : new CliError(
        ExitCode.absent,
        `${place.full} version ${version} was deleted at ${deletion_time}`,
        `Bring it back: tally undelete ${place.full} --versions ${version}`,
      );
};

const read = async (
  client: Client,
  place: Place,
  query: Record<string, string | undefined>,
  wrapTtl: string | undefined,
): Promise<Answer> => {
  const headers = wrapHeader(wrapTtl);
  const answer = await client.call({ method: 'GET', path: route(place, 'data'), query, headers });
  if (answer.status === 200) return answer;
  const folder = [...place.mount, ...place.path.slice(0, -1)].join('/');
  throw (
    (answer.status === 404 ? gone(place, answer) : null) ??
    (await refused(client, answer, {
      message: `nothing is at ${place.full}${Object.keys(query).length === 0 ? '' : ' in that version or at that time'}`,
      hint: `See what there is: tally list ${folder}/`,
    }))
  );
};

export const getCommand = (cli: Cli): Command =>
  withMoment(withConnection(new Command('get')))
    .description('show a secret, now or as it was')
    .argument('<path>', 'the secret, such as secret/team/db')
    .addOption(new Option('--field <name>', 'print only this field, exactly as it is'))
    .addOption(new Option('--version <n>', 'this version instead of the current one').argParser(wholeNumber(1)))
    .addOption(
      wrapTtlOption('--wrap-ttl <duration>', 'keep it for whoever brings the token that is printed').conflicts('field'),
    )
    .action(async (path: string, options: Options) =>
      withClient(cli, options, async client => {
        const { terminal } = cli;
        const moment = momentQuery(options, cli.now());
        const place = await anySecretAt(client, path);
        if (place.version === 1 && options.version !== undefined)
          throw badInput(`${place.full} has one version, and no --version`);
        const query = { ...moment, ...(options.version === undefined ? {} : { version: String(options.version) }) };
        const answer = await read(client, place, query, options.wrapTtl);
        if (options.wrapTtl !== undefined) return printWrapping(cli, answer, options.json);
        passWarnings(terminal, answer);
        const inside = place.version === 1 ? ['data'] : ['data', 'data'];
        const fields = members(memberAt(answer.text, ...inside) ?? '') ?? new Map<string, string>();
        const named = place.version === 1 ? null : decodeAnswer(answer, Found).data.metadata;
        const title = named === null ? place.full : `${place.full} version ${named.version}`;

        if (options.field !== undefined) {
          const value = fields.get(options.field);
          if (value === undefined) {
            throw new CliError(ExitCode.absent, `${title} has no field of that name`);
          }
          // Exactly the value: a line end is added only for a person's eyes.
          if (options.json === true) return printJsonText(terminal, value);
          return terminal.write(`${plainText(value)}${terminal.watched ? '\n' : ''}`);
        }
        if (options.json === true) return printAnswer(terminal, answer);

        const asOf = answer.position === null ? '' : ` · as of ledger position ${answer.position}`;
        await terminal.print(
          terminal.dim(
            named === null
              ? `${place.full}${asOf}`
              : `${place.full} · version ${named.version} · ${named.created_time}${asOf}`,
          ),
        );
        await terminal.print('');
        await printTable(
          terminal,
          ['KEY', 'VALUE'],
          [...fields].map(([key, value]) => [key, plainText(value)]),
          severalLines,
        );
      }),
    );
