/** HTTP at 64 connections, the load from another process: against an empty fastify and a pooled read of one row. */
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from '../../src/postgres/connection.js';
import { appRoleToken } from './approle.js';
import { cpuOf, cpuOfPostgres } from './cpu.js';
import { type Empty, type Load, load, type Server, startEmptyServer, startServer } from './processes.js';
import { figure, floor, perSecond, say } from './report.js';
import { inTurns } from './turns.js';

const SECONDS = 5;
const CONNECTIONS = 64;
const WORKERS = [1, 2, 4] as const;

const latencies = ({ p50, p99 }: Load): string => `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;

/** `single` measures durable single-row inserts a second. */
export const httpFigures = async (
  folder: string,
  server: Server,
  connection: ConnectionOptions,
  single: () => Promise<number>,
): Promise<void> => {
  const empty = await startEmptyServer(connection);
  say('\nHTTP at 64 connections, load from another process');
  await rootFigures(server, empty, single);
  await doorFigures(empty);
  await appRoleFigures(server);
  await workerFigures(folder, empty);
  empty.stop();
};

const rootFigures = async (server: Server, empty: Empty, singleRows: () => Promise<number>): Promise<void> => {
  for (const writers of [1, 16, 256]) {
    const write = await load(server.address, server.token, 'write', writers, SECONDS);
    figure(`writes at ${writers}`, perSecond(write.rate), latencies(write));
  }
  const [writes, reads] = [new Weighed(server), new Weighed(server)];
  const rateOf = (kind: string) => async () => (await load(empty.address, '', kind, CONNECTIONS, 2)).rate;
  const [single = 0, post = 0, write = 0, pooled = 0, constant = 0, read = 0] = await inTurns([
    singleRows,
    rateOf('post'),
    () => writes.load('write'),
    rateOf('pooled'),
    rateOf('constant'),
    () => reads.load('read'),
  ]);
  figure('single-row durable inserts, one connection', perSecond(single), 'baseline');
  figure('empty fastify, JSON POST', perSecond(post), 'baseline');
  figure('writes at 64', perSecond(write), `${(write / single).toFixed(2)} × single rows, ${writes.said}`);
  const wanted = Math.min(2.5 * single, 0.25 * post);
  floor(
    'HTTP writes at 64 ≥ min(2.5 × single rows, 25 % of empty POST)',
    write >= wanted,
    `${perSecond(write)} against ${perSecond(wanted)}`,
  );
  figure('pooled single-row read through fastify', perSecond(pooled), 'baseline');
  const times = read / pooled;
  figure(
    'bytes of a read, always the same, through fastify',
    perSecond(constant),
    `${(constant / pooled).toFixed(2)} ×`,
  );
  figure('reads', perSecond(read), `${times.toFixed(2)} ×, ${reads.said}`);
  floor('HTTP reads at 64 ≥ 1.2 × pooled single-row route', times >= 1.2, `${times.toFixed(2)} ×`);
  floor('HTTP reads at 64 ≥ 2.5 × pooled single-row route', times >= 2.5, `${times.toFixed(2)} ×`);
  floor('p99 of reads < 50 ms', reads.p99 < 50, `${reads.p99.toFixed(1)} ms`);
};

/** Load with what each request cost whom: where their sum is the machine's, nothing is left to gain but by spending less. */
class Weighed {
  #micros = { server: 0, postgres: 0, load: 0 };
  #requests = 0;
  /** ms, the worst of all turns. */
  p99 = 0;

  constructor(readonly server: Server) {}

  /** Requests a second. */
  async load(kind: string): Promise<number> {
    const { pid, folder, address, token } = this.server;
    const before = { server: cpuOf(pid), postgres: cpuOfPostgres(folder) };
    const done = await load(address, token, kind, CONNECTIONS, 2);
    this.#micros = {
      server: this.#micros.server + cpuOf(pid) - before.server,
      postgres: this.#micros.postgres + cpuOfPostgres(folder) - before.postgres,
      load: this.#micros.load + done.cpu,
    };
    this.#requests += done.requests;
    this.p99 = Math.max(this.p99, done.p99);
    return done.rate;
  }

  get said(): string {
    // A backend that ended meanwhile took its own away.
    const each = (micros: number): string => `${Math.max(0, Math.round(micros / this.#requests))} µs`;
    const { server, postgres, load } = this.#micros;
    const spent = `server ${each(server)}, PostgreSQL ${each(postgres)}, load ${each(load)}`;
    return `p99 ${this.p99.toFixed(1)} ms; CPU: ${spent} on ${cpus().length} processors`;
  }
}

/** The same empty server with the door that lets LIST through Node's parser, and without. */
const doorFigures = async (empty: Empty): Promise<void> => {
  const [without, through] = [
    await load(empty.address, '', 'empty', CONNECTIONS, SECONDS),
    await load(empty.doorAddress, '', 'empty', CONNECTIONS, SECONDS),
  ];
  figure('empty GET without the door for LIST', perSecond(without.rate), 'baseline');
  figure('empty GET through it', perSecond(through.rate), `${Math.round((100 * through.rate) / without.rate)} %`);
};

const appRoleFigures = async (server: Server): Promise<void> => {
  const token = await appRoleToken(server);
  for (const kind of ['write', 'read'] as const) {
    const rateOf = (by: string) => async () => (await load(server.address, by, kind, CONNECTIONS, 2)).rate;
    const [root = 0, role = 0] = await inTurns([rateOf(server.token), rateOf(token)]);
    const share = role / root;
    figure(`${kind}s by an AppRole's token, 8 policies`, perSecond(role), `root's ${perSecond(root)}`);
    floor(`authorised ${kind}s within 15 % of root's`, share >= 0.85, `${Math.round(share * 100)} %`);
  }
};

const workerFigures = async (folder: string, empty: Empty): Promise<void> => {
  for (const workers of WORKERS) {
    const server = await startServer(join(folder, `workers-${workers}`), workers);
    const rateOf = (kind: string) => async () => (await load(server.address, server.token, kind, CONNECTIONS, 2)).rate;
    // Each process compiles its own hot paths, and the more there are, the later it has seen enough to do so.
    for (const kind of ['write', 'read']) await load(server.address, server.token, kind, CONNECTIONS, 4 * workers);
    const pool = async () => (await load(empty.address, '', 'pooled', CONNECTIONS, 2)).rate;
    const [write = 0, read = 0, pooled = 0] = await inTurns([rateOf('write'), rateOf('read'), pool]);
    const times = `${(read / pooled).toFixed(2)} × pooled`;
    figure(`--workers ${workers}: writes, reads`, perSecond(write), `${perSecond(read)}, ${times}`);
    await server.stop();
  }
};
