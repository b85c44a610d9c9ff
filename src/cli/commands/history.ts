/**
 * `tally history PATH`: every change of one secret with who made it and when, and what has become of each version. Read
 * from the audit trail, so pruned versions and earlier lives of the name are in it; values never are.
 */
import { Command } from 'commander';
import * as t from 'io-ts';
import { type CommonOptions, withConnection } from '../arguments/options.js';
import { type Cli, withClient } from '../cli.js';
import type { Client } from '../client.js';
import { type AuditRecord, actorName, readEvents } from '../events.js';
import { CliError, ExitCode } from '../exit-codes.js';
import { type Place, route, secretAt } from '../places.js';
import { decodeAnswer, enveloped, refused } from '../requests.js';
import { printJson } from '../results.js';
import { printTable } from '../terminal/table.js';

const Version = t.type({ created_time: t.string, deletion_time: t.string, destroyed: t.boolean });
const Metadata = enveloped(t.type({ current_version: t.number, versions: t.record(t.string, Version) }));
type Metadata = t.TypeOf<typeof Metadata>['data'];

interface VersionLine {
  readonly version: number;
  readonly created_time: string;
  readonly deletion_time: string;
  readonly destroyed: boolean;
  readonly state: 'live' | 'deleted' | 'destroyed';
  readonly actor: string | null;
  readonly position: number | null;
  readonly reason: string | null;
  readonly ticket: string | null;
}

/** What the secret is now, if it is there and this login may see more than the trail. */
const readMetadata = async (client: Client, place: Place): Promise<Metadata | 'gone' | 'closed'> => {
  const answer = await client.call({ method: 'GET', path: route(place, 'metadata') });
  if (answer.status === 404) return 'gone';
  if (answer.status === 403) return 'closed';
  if (answer.status !== 200) throw await refused(client, answer);
  return decodeAnswer(answer, Metadata).data;
};

const readTrail = async (client: Client, place: Place): Promise<readonly AuditRecord[]> => {
  const found: AuditRecord[] = [];
  for await (const record of readEvents(client, { path: place.full, outcome: 'ok' })) {
    // The filter is a prefix: what lies below this name is another secret's.
    if (record.path === place.full && record.type.startsWith('secret.')) found.push(record);
  }
  return found;
};

/** A version's creation time is the time its event was recorded, to the microsecond and never twice in one secret's life. */
const sameMoment = (a: string, b: string): boolean => a.replace(/\.?0*Z$/, '') === b.replace(/\.?0*Z$/, '');

const versionLines = (metadata: Metadata, trail: readonly AuditRecord[], nowMs: number): readonly VersionLine[] =>
  Object.entries(metadata.versions)
    .map(([name, version]): VersionLine => {
      const write = trail.findLast(
        record => record.type === 'secret.written' && sameMoment(record.recorded_at, version.created_time),
      );
      const deleted = version.deletion_time !== '' && Date.parse(version.deletion_time) <= nowMs;
      return {
        version: Number(name),
        ...version,
        state: version.destroyed ? 'destroyed' : deleted ? 'deleted' : 'live',
        actor: write === undefined ? null : actorName(write),
        position: write?.position ?? null,
        reason: write?.reason ?? null,
        ticket: write?.ticket ?? null,
      };
    })
    .sort((a, b) => a.version - b.version);

const versionsOf = (record: AuditRecord, lines: readonly VersionLine[]): string | null => {
  if (record.versions !== undefined) return record.versions.join(', ');
  if (record.type !== 'secret.written') return null;
  return String(record.version ?? lines.find(line => line.position === record.position)?.version ?? '-');
};

export const historyCommand = (cli: Cli): Command =>
  withConnection(new Command('history'))
    .description('who changed a secret and when, version by version')
    .argument('<path>', 'the secret, such as secret/team/db')
    .action(async (path: string, options: CommonOptions) =>
      withClient(cli, options, async client => {
        const place = await secretAt(client, path);
        const [now, trail] = [await readMetadata(client, place), await readTrail(client, place)];
        const metadata = typeof now === 'string' ? null : now;
        if (metadata === null && trail.length === 0) {
          throw new CliError(ExitCode.absent, `nothing was ever at ${place.full}, or this login may not see it`);
        }
        const lines = metadata === null ? [] : versionLines(metadata, trail, cli.now());
        if (options.json === true) {
          return printJson(cli.terminal, {
            path: place.full,
            current_version: metadata?.current_version ?? null,
            versions: lines,
            events: trail,
          });
        }
        await printTable(
          cli.terminal,
          ['VERSION', 'WHAT', 'WHO', 'WHEN', 'POSITION', 'NOW', 'REASON', 'TICKET'],
          trail.map(record => [
            versionsOf(record, lines),
            record.type.replace('secret.', ''),
            actorName(record),
            record.recorded_at,
            record.position,
            lines.find(line => line.position === record.position)?.state ?? null,
            record.reason,
            record.ticket,
          ]),
        );
        if (now === 'gone') cli.terminal.note(`${place.full} does not exist now; this is what was.`);
        if (now === 'closed') cli.terminal.note(`this login may not see what ${place.full} is now; this is its trail.`);
      }),
    );
