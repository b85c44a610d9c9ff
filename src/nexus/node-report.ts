/**
 * What this process tells the others of itself, and what they told: which terms it can open, and which erasure keys lie in
 * its place. Nobody is allowed anything because of it; that a copy of an erasure key is gone is recorded because of it, so a
 * report is authenticated by the row key and says as of which event it was made.
 */
import * as t from 'io-ts';
import { constantTimeEqual } from '../crypto/bytes.js';
import { type NodeWords, nodeReportMac } from '../crypto/node-report-mac.js';
import { E } from '../fp.js';
import type { Custody } from '../keys/custody.js';
import { anyRow, noRow, type Query, query, type Runner } from '../sql.js';

export interface NodeReport extends Omit<NodeWords, 'ended'> {
  /** It renewed its row within the last `SILENT_SECONDS`, and did not end. */
  readonly live: boolean;
  readonly secondsAgo: number;
}

/** A process that is silent for so long is not waited for: it may hold up a rotation no longer. */
export const SILENT_SECONDS = 20;

const Row = t.type({
  process: t.string,
  node: t.string,
  holds: t.array(t.tuple([t.number, t.string])),
  keeps: t.array(t.number),
  ended: t.boolean,
  told: t.number,
  live: t.boolean,
  seconds_ago: t.number,
});

interface Stored extends NodeReport {
  readonly ended: boolean;
  readonly mac: Buffer;
}

/** Null: not what this program writes, as anybody with the table could make it. */
const storedReports: Query<Stored | null> = query(
  'nodes_reports',
  raw => {
    const { mac } = raw;
    if (!Row.is(raw) || !Buffer.isBuffer(mac)) return E.right(null);
    const { seconds_ago: secondsAgo, holds, ...rest } = raw;
    return E.right({ ...rest, mac, holds: new Map(holds), secondsAgo });
  },
  `select process, node, holds, to_jsonb(keeps) as keeps, ended, told, mac,
          not ended and seen_at > clock_timestamp() - make_interval(secs => ${SILENT_SECONDS}) as live,
          floor(extract(epoch from clock_timestamp() - seen_at))::integer as seconds_ago
     from nodes
    order by node, seen_at desc`,
);

/** Those that a process with this ledger's keys made; whatever else lies in the table is as if it were not there. */
export const nodeReports = async (runner: Runner, custody: Custody): Promise<readonly NodeReport[]> => {
  const stored = (await runner.run(storedReports)).filter(report => report !== null);
  return stored.filter(report => custody.rowKeysAt(report.told).some(key => isGenuine(key, custody.ledger, report)));
};

const isGenuine = (key: Buffer, ledger: Buffer, stored: Stored): boolean => {
  try {
    return constantTimeEqual(nodeReportMac(key, ledger, stored), stored.mac);
  } catch (error) {
    // What cannot be encoded was never a report.
    if (error instanceof RangeError) return false;
    throw error;
  }
};

/** What each node said last: its processes share a place of erasure keys. */
export const newestReports = (reports: readonly NodeReport[]): readonly NodeReport[] => {
  const newest = new Map<string, NodeReport>();
  for (const report of reports) {
    const known = newest.get(report.node);
    const later = known === undefined || report.told > known.told;
    if (later || (report.told === known.told && report.secondsAgo < known.secondsAgo)) newest.set(report.node, report);
  }
  return [...newest.values()];
};

/** Nodes in whose place the term's erasure key lies, by what each said last. */
export const nodesKeeping = (reports: readonly NodeReport[], term: number): readonly string[] =>
  newestReports(reports)
    .filter(({ keeps }) => keeps.includes(term))
    .map(({ node }) => node);

const putReport: Query<never> = query(
  'nodes_report',
  noRow,
  `insert into nodes (process, node, holds, keeps, ended, told, mac) values ($1, $2, $3, $4, $5, $6, $7)
   on conflict (process) do update
      set node = excluded.node, holds = excluded.holds, keeps = excluded.keeps, ended = excluded.ended,
          told = excluded.told, mac = excluded.mac, seen_at = clock_timestamp()`,
);

/** Rows of processes of this node that are gone: what lies in its place is told by those that live. */
const forgetSilent: Query<null> = query(
  'nodes_forget_silent',
  anyRow,
  `delete from nodes
    where node = $1 and process <> $2
      and (ended or seen_at < clock_timestamp() - make_interval(secs => ${SILENT_SECONDS}))`,
);

export const report = async (runner: Runner, custody: Custody, own: NodeWords): Promise<void> => {
  const { process, node, holds, keeps, ended, told } = own;
  const key = custody.rowKey(custody.epoch);
  // Behind a rotation of the root key nobody believes it: what it said before stands.
  if (key === null) return;
  const mac = nodeReportMac(key, custody.ledger, own);
  await runner.run(putReport, [process, node, JSON.stringify([...holds]), [...keeps], ended, told, mac]);
  if (!ended) await runner.run(forgetSilent, [node, process]);
};
