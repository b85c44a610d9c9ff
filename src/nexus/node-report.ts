/**
 * What this process tells the others of itself, and what they told: which terms it can open, and which erasure keys lie in
 * its place. For coordination only; nothing is allowed or believed because of it.
 */
import * as t from 'io-ts';
import type { Uuid } from '../crypto/bytes.js';
import { E } from '../fp.js';
import { anyRow, noRow, type Query, query, type Runner } from '../sql.js';

export interface NodeReport {
  readonly process: Uuid;
  readonly node: string;
  /** Checks of erasure keys (hex) by term. */
  readonly holds: ReadonlyMap<number, string>;
  readonly keeps: readonly number[];
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
  live: t.boolean,
  seconds_ago: t.number,
});

export const nodeReports: Query<NodeReport> = query(
  'nodes_reports',
  raw => {
    if (!Row.is(raw)) return E.left('a nodes row');
    const { seconds_ago: secondsAgo, holds, ...rest } = raw;
    return E.right({ ...rest, holds: new Map(holds), secondsAgo });
  },
  `select process, node, holds, to_jsonb(keeps) as keeps,
          not ended and seen_at > clock_timestamp() - make_interval(secs => ${SILENT_SECONDS}) as live,
          floor(extract(epoch from clock_timestamp() - seen_at))::integer as seconds_ago
     from nodes
    order by node, seen_at desc`,
);

/** Nodes in whose place the term's erasure key lies, by what each said last: its processes share that place. */
export const nodesKeeping = (reports: readonly NodeReport[], term: number): readonly string[] => {
  const newest = new Map<string, NodeReport>();
  for (const report of reports) {
    const known = newest.get(report.node);
    if (known === undefined || report.secondsAgo < known.secondsAgo) newest.set(report.node, report);
  }
  return [...newest.values()].filter(({ keeps }) => keeps.includes(term)).map(({ node }) => node);
};

const putReport: Query<never> = query(
  'nodes_report',
  noRow,
  `insert into nodes (process, node, holds, keeps, ended) values ($1, $2, $3, $4, $5)
   on conflict (process) do update
      set node = excluded.node, holds = excluded.holds, keeps = excluded.keeps, ended = excluded.ended,
          seen_at = clock_timestamp()`,
);

/** Rows of processes of this node that are gone: what lies in its place is told by those that live. */
const forgetSilent: Query<null> = query(
  'nodes_forget_silent',
  anyRow,
  `delete from nodes
    where node = $1 and process <> $2
      and (ended or seen_at < clock_timestamp() - make_interval(secs => ${SILENT_SECONDS}))`,
);

export type OwnReport = Omit<NodeReport, 'live' | 'secondsAgo'> & { readonly ended: boolean };

export const report = async (runner: Runner, own: OwnReport): Promise<void> => {
  const { process, node, holds, keeps, ended } = own;
  await runner.run(putReport, [process, node, JSON.stringify([...holds]), [...keeps], ended]);
  if (!ended) await runner.run(forgetSilent, [node, process]);
};
