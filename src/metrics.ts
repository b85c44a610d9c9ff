/** The server's metrics, for Prometheus. Labels are closed sets: never a path, a name, an address or anything a caller sent. */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Failure } from './failure.js';
import type { AppendMeasure } from './ledger/appender.js';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Conflicts and faults: what is not the caller's mistake. */
const WORLD: ReadonlySet<Failure['kind']> = new Set([
  ...(['busy', 'plan-outdated', 'idempotency-mismatch', 'overloaded', 'database-unavailable'] as const),
  ...(['projection-behind', 'integrity', 'upstream', 'timeout', 'internal'] as const),
]);

export interface Metrics {
  /** Prometheus text; `sample` is asked for what is only known at that moment. */
  readonly text: (sample: () => Promise<Sample>) => Promise<string>;
  readonly request: (method: string, route: string, status: number, seconds: number) => void;
  /** A request or connection that was refused for there being too many. */
  readonly refused: (by: string) => void;
  readonly append: (measure: AppendMeasure) => void;
  /** Key rows that were wrapped again under the active term. */
  readonly rewrapped: (rows: number) => void;
  readonly failure: (failure: Failure) => void;
  readonly integrity: () => void;
  /** For another process of this node, which adds them up. */
  readonly snapshot: () => Promise<readonly object[]>;
}

/** Values that are read when somebody asks. */
export interface Sample {
  readonly sealed: boolean;
  readonly ledgerSize: number;
  readonly tokens: number;
  readonly queueCommands: number;
  readonly queueBytes: number;
  readonly pools: readonly {
    readonly role: string;
    readonly total: number;
    readonly idle: number;
    readonly waiting: number;
  }[];
  readonly projections: readonly {
    readonly name: string;
    readonly position: number;
    readonly lag: number;
    readonly stopped: boolean;
  }[];
  readonly relations: readonly { readonly name: string; readonly kind: 'table' | 'index'; readonly bytes: number }[];
  /** Slowest statements by mean time, where pg_stat_statements is there; text is static SQL of ours. */
  readonly statements: readonly { readonly query: string; readonly meanSeconds: number }[];
}

/** `others`: snapshots of this node's other processes. */
export const createMetrics = (others?: () => Promise<readonly (readonly object[])[]>): Metrics => {
  const registry = new Registry();
  registry.setDefaultLabels({});
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: 'tallystick_http_requests_total',
    help: 'Requests answered.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const requestSeconds = new Histogram({
    name: 'tallystick_http_request_seconds',
    help: 'Time from the request to its answer.',
    labelNames: ['method', 'route'],
    buckets: SECONDS,
    registers,
  });
  const events = new Counter({ name: 'tallystick_append_events_total', help: 'Events appended.', registers });
  const batchEvents = new Histogram({
    name: 'tallystick_append_batch_events',
    help: 'Events in one batch.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    registers,
  });
  const lockWait = new Histogram({
    name: 'tallystick_append_lock_wait_seconds',
    help: 'Wait for the append lock.',
    buckets: SECONDS,
    registers,
  });
  const commit = new Histogram({
    name: 'tallystick_append_commit_seconds',
    help: 'From the lock to the heard COMMIT.',
    buckets: SECONDS,
    registers,
  });
  const rewrapped = new Counter({
    name: 'tallystick_keys_rewrapped_total',
    help: 'Key rows that this process wrapped again under the active term.',
    registers,
  });
  const failures = new Counter({
    name: 'tallystick_append_failures_total',
    help: 'Operations that ended in a conflict or a fault.',
    labelNames: ['kind'],
    registers,
  });
  const refused = new Counter({
    name: 'tallystick_http_refused_total',
    help: 'Requests and connections refused for there being too many.',
    labelNames: ['by'],
    registers,
  });
  const integrity = new Counter({
    name: 'tallystick_integrity_errors_total',
    help: 'Stored things that did not authenticate. Anything but 0 needs a person.',
    registers,
  });
  const gauges = sampledGauges(registers);

  return {
    request: (method, route, status, seconds) => {
      requests.inc({ method, route, status: String(status) });
      requestSeconds.observe({ method, route }, seconds);
    },
    refused: by => refused.inc({ by }),
    append: measure => {
      events.inc(measure.events);
      batchEvents.observe(measure.events);
      lockWait.observe(measure.lockWait / 1000);
      commit.observe(measure.commit / 1000);
    },
    rewrapped: rows => rewrapped.inc(rows),
    failure: failure => {
      if (!WORLD.has(failure.kind)) return;
      failures.inc({ kind: failure.kind });
      if (failure.kind === 'integrity') integrity.inc();
    },
    integrity: () => integrity.inc(),
    snapshot: async () => registry.getMetricsAsJSON(),
    text: async sample => {
      gauges(await sample());
      if (others === undefined) return registry.metrics();
      const all = [await registry.getMetricsAsJSON(), ...(await others())];
      return AggregatorRegistry.aggregate(all).metrics();
    },
  };
};

const sampledGauges = (registers: Registry[]): ((sample: Sample) => void) => {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `tallystick_${name}`, help, labelNames, registers });
  const sealed = gauge('ledger_sealed', '1 while no root key is in memory.');
  const size = gauge('ledger_size_events', 'The newest position that this process knows.');
  const tokens = gauge('authority_tokens', 'Tokens in memory.');
  const queueCommands = gauge('append_queue_commands', 'Commands waiting to be appended.');
  const queueBytes = gauge('append_queue_bytes', 'Bytes waiting to be appended.');
  const pool = gauge('pool_connections', 'Database connections.', ['role', 'state']);
  const position = gauge('projection_position', 'What a projection has folded up to.', ['projection']);
  const lag = gauge('projection_lag_events', 'Events that a projection is behind.', ['projection']);
  const stopped = gauge('projection_stopped', '1 when a projection stopped on an event.', ['projection']);
  const tables = gauge('table_bytes', 'Size of a table, TOAST included.', ['table']);
  const indexes = gauge('index_bytes', 'Size of an index.', ['index']);
  const statements = gauge('statement_seconds_mean', 'Mean time of the slowest statements.', ['query']);
  return sample => {
    sealed.set(sample.sealed ? 1 : 0);
    size.set(sample.ledgerSize);
    tokens.set(sample.tokens);
    queueCommands.set(sample.queueCommands);
    queueBytes.set(sample.queueBytes);
    for (const { role, total, idle, waiting } of sample.pools) {
      pool.set({ role, state: 'total' }, total);
      pool.set({ role, state: 'idle' }, idle);
      pool.set({ role, state: 'waiting' }, waiting);
    }
    for (const { name, ...projection } of sample.projections) {
      position.set({ projection: name }, projection.position);
      lag.set({ projection: name }, projection.lag);
      stopped.set({ projection: name }, projection.stopped ? 1 : 0);
    }
    for (const { name, kind, bytes } of sample.relations)
      if (kind === 'table') tables.set({ table: name }, bytes);
      else indexes.set({ index: name }, bytes);
    statements.reset();
    for (const { query, meanSeconds } of sample.statements) statements.set({ query: query.slice(0, 120) }, meanSeconds);
  };
};
