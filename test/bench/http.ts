/** HTTP at 64 connections, the load from another process: against an empty fastify and a pooled read of one row. */
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from '../../src/postgres/connection.js';
import { appRoleToken } from './approle.js';
import { cpuOf, cpuOfPostgres } from './cpu.js';
import { type Empty, type Load, load, type Server, startEmptyServer, startServer } from './processes.js';
import { figure, floor, perSecond, say } from './report.js';

const SECONDS = 5;
const CONNECTIONS = 64;
const WORKERS = [1, 2, 4] as const;

const latencies = ({ p50, p99 }: Load): string => `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;

/** `single` = durable single-row inserts a second, of this run. */
export const httpFigures = async (
  folder: string,
  server: Server,
  connection: ConnectionOptions,
  single: number,
): Promise<void> => {
  const empty = await startEmptyServer(connection);
  say('\nHTTP at 64 connections, load from another process');
  await rootFigures(server, empty, single);
  await doorFigures(empty);
  await appRoleFigures(server);
  await workerFigures(folder, empty);
  empty.stop();
};

const rootFigures = async (server: Server, empty: Empty, single: number): Promise<void> => {
  const post = await load(empty.address, '', 'post', CONNECTIONS, SECONDS);
  figure('empty fastify, JSON POST', perSecond(post.rate), 'baseline');
  for (const writers of [1, 16, 64, 256]) {
    const [write, spent] = await weighed(server, () => load(server.address, server.token, 'write', writers, SECONDS));
    const times = `${(write.rate / single).toFixed(2)} × single rows`;
    figure(`writes at ${writers}`, perSecond(write.rate), `${latencies(write)}, ${times}`);
    if (writers !== CONNECTIONS) continue;
    figure('  CPU of a write', spent);
    const wanted = Math.min(2.5 * single, 0.25 * post.rate);
    floor(
      'HTTP writes at 64 ≥ min(2.5 × single rows, 25 % of empty POST)',
      write.rate >= wanted,
      `${perSecond(write.rate)} against ${perSecond(wanted)}`,
    );
  }
  const pooled = await load(empty.address, '', 'pooled', CONNECTIONS, SECONDS);
  figure('pooled single-row read through fastify', perSecond(pooled.rate), `baseline, p99 ${pooled.p99.toFixed(1)} ms`);
  const [read, spent] = await weighed(server, () => load(server.address, server.token, 'read', CONNECTIONS, SECONDS));
  figure('reads', perSecond(read.rate), latencies(read));
  figure('  CPU of a read', spent);
  const times = read.rate / pooled.rate;
  floor('HTTP reads at 64 ≥ 1.2 × pooled single-row route', times >= 1.2, `${times.toFixed(2)} ×`);
  floor('HTTP reads at 64 ≥ 2.5 × pooled single-row route', times >= 2.5, `${times.toFixed(2)} ×`);
  floor('p99 of reads < 50 ms', read.p99 < 50, `${read.p99.toFixed(1)} ms`);
};

/** With what each request cost whom: where their sum is the machine's, nothing is left to gain but by spending less. */
const weighed = async (server: Server, run: () => Promise<Load>): Promise<readonly [Load, string]> => {
  const before = { server: cpuOf(server.pid), postgres: cpuOfPostgres(server.folder) };
  const load = await run();
  const each = (micros: number): string => `${Math.round(micros / load.requests)} µs`;
  const spent = [
    `server ${each(cpuOf(server.pid) - before.server)}`,
    `PostgreSQL ${each(cpuOfPostgres(server.folder) - before.postgres)}`,
    `load ${each(load.cpu)}`,
  ];
  return [load, `${spent.join(', ')} on ${cpus().length} processors`];
};

/** The same empty server with the door that lets LIST through Node's parser, and without. */
const doorFigures = async (empty: Empty): Promise<void> => {
  const [without, through] = [
    await load(empty.address, '', 'empty', CONNECTIONS, SECONDS),
    await load(empty.doorAddress, '', 'empty', CONNECTIONS, SECONDS),
  ];
  figure('empty GET without the door for LIST', perSecond(without.rate), 'baseline');
  figure('empty GET through it', perSecond(through.rate), `${Math.round((100 * through.rate) / without.rate)} %`);
};

/** Turn by turn, so that a machine that changes its pace does not decide. */
const appRoleFigures = async (server: Server): Promise<void> => {
  const token = await appRoleToken(server);
  for (const kind of ['write', 'read'] as const) {
    const rates = { root: 0, role: 0 };
    for (const _ of [1, 2, 3]) {
      rates.root += (await load(server.address, server.token, kind, CONNECTIONS, 2)).rate / 3;
      rates.role += (await load(server.address, token, kind, CONNECTIONS, 2)).rate / 3;
    }
    const share = rates.role / rates.root;
    figure(`${kind}s by an AppRole's token, 8 policies`, perSecond(rates.role), `root's ${perSecond(rates.root)}`);
    floor(`authorised ${kind}s within 15 % of root's`, share >= 0.85, `${Math.round(share * 100)} %`);
  }
};

const workerFigures = async (folder: string, empty: Empty): Promise<void> => {
  const pooled = await load(empty.address, '', 'pooled', CONNECTIONS, SECONDS);
  for (const workers of WORKERS) {
    const server = await startServer(join(folder, `workers-${workers}`), workers);
    const write = await load(server.address, server.token, 'write', CONNECTIONS, SECONDS);
    const read = await load(server.address, server.token, 'read', CONNECTIONS, SECONDS);
    const times = `${(read.rate / pooled.rate).toFixed(2)} × pooled`;
    figure(`--workers ${workers}: writes, reads`, perSecond(write.rate), `${perSecond(read.rate)}, ${times}`);
    await server.stop();
  }
};
