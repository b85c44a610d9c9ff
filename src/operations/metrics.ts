/** Metrics of the server, for whoever may read them; sizes and slow statements are asked of the database at that moment. */
import { E } from '../fp.js';
import type { Metrics, Sample } from '../metrics.js';
import { type Query, query, type Runner } from '../sql.js';
import { type App, sessionOf } from './app.js';
import { authorise } from './authorise.js';
import type { Operations, ProjectionStatus } from './contract.js';
import { operation } from './operation.js';

interface RelationSize {
  readonly name: string;
  readonly kind: 'table' | 'index';
  readonly bytes: number;
}

const relationSizes: Query<RelationSize> = query(
  'metrics_relation_sizes',
  ({ name, kind, bytes }) =>
    typeof name === 'string' && (kind === 'table' || kind === 'index') && typeof bytes === 'number'
      ? E.right({ name, kind, bytes })
      : E.left('a relation size'),
  `select c.relname as name, case c.relkind when 'i' then 'index' else 'table' end as kind,
          case c.relkind when 'i' then pg_relation_size(c.oid) else pg_table_size(c.oid) end as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in (current_schema(), current_schema() || '_projections') and c.relkind in ('r', 'i')
    order by bytes desc limit 100`,
);

/** The schema of pg_stat_statements, quoted, where it is installed; it is not on our search path. */
const statementsSchema: Query<string> = query(
  'metrics_pg_stat_statements_schema',
  ({ name }) => (typeof name === 'string' ? E.right(name) : E.left('name')),
  `select quote_ident(n.nspname) as name
     from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_stat_statements'`,
);

interface SlowStatement {
  readonly query: string;
  readonly meanSeconds: number;
}

const slowStatements = (schema: string): Query<SlowStatement> =>
  query(
    null,
    ({ query: text, mean }) =>
      typeof text === 'string' && typeof mean === 'number'
        ? E.right({ query: text, meanSeconds: mean })
        : E.left('a statement'),
    `select left(query, 120) as query, mean_exec_time / 1000 as mean
     from ${schema}.pg_stat_statements where userid = current_user::regrole order by mean_exec_time desc limit 10`,
  );

const slowest = async (runner: Runner): Promise<readonly SlowStatement[]> => {
  const [schema] = await runner.run(statementsSchema);
  return schema === undefined ? [] : runner.run(slowStatements(schema));
};

export interface MetricsParts {
  readonly metrics: Metrics;
  readonly runner: Runner;
  readonly pools: () => Sample['pools'];
  readonly projections: () => Promise<readonly ProjectionStatus[]>;
}

export const metricsOperation = (app: App, parts: MetricsParts): Operations['metrics'] =>
  operation('reading metrics', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'sys.metrics', capability: 'read' });
    return parts.metrics.text(async () => ({
      sealed: app.nexus.session === null,
      ledgerSize: session.known.head.size,
      tokens: session.authority.tokens.size,
      queueCommands: session.appender.queue.length,
      queueBytes: session.appender.queue.bytes,
      pools: parts.pools(),
      projections: (await parts.projections()).map(({ name, position, lag, state }) => ({
        ...{ name, position, lag },
        stopped: state === 'stopped',
      })),
      relations: await parts.runner.run(relationSizes),
      statements: await slowest(parts.runner),
    }));
  });
