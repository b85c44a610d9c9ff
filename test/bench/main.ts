/**
 * `npm run bench`: every figure beside a baseline that was measured in the same run, on real PostgreSQL with fsync and
 * synchronous_commit on. Ratios are worth trusting, absolute figures belong to the machine.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { projections } from '../../projections/index.js';
import { randomUuid4 } from '../../src/crypto/random.js';
import { openDatabase } from '../../src/postgres/database.js';
import { type Embedded, startEmbedded } from '../../src/postgres/embedded.js';
import { Projector } from '../../src/projector/projector.js';
import { rebuild } from '../../src/projector/rebuild.js';
import { batchCeiling, singleRows } from './baselines.js';
import { baselineTables, projectionEvents } from './fixtures.js';
import { httpFigures } from './http.js';
import { inProcess } from './in-process.js';
import { policyFigures } from './policies.js';
import { residentMb, startDevServer } from './processes.js';
import { below, figure, floor, perSecond, say } from './report.js';
import { rotationFigures } from './rotation.js';
import { fillTokens, startFromSnapshot } from './tokens.js';
import { inTurns } from './turns.js';

const REBUILD_EVENTS = 200_000;
const LIVE_TOKENS = 1_000_000;

const ownerClient = async ({ connection }: Embedded, database = connection.database): Promise<pg.Client> => {
  const { host, port, user, password } = connection;
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  await client.query('set search_path to tallystick, tallystick_projections, public');
  return client;
};

const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'));
say(
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}; client, server and PostgreSQL share them`,
);
try {
  say('\nAppends through the ledger, in this process, sealing included');
  const ledgerFolder = join(folder, 'ledger');
  const embedded = await startEmbedded({ folder: ledgerFolder });
  const program = await inProcess(ledgerFolder, embedded);
  const client = await ownerClient(embedded);
  await baselineTables(client);
  const WRITERS = [1, 16, 64, 256] as const;
  await program.writes(256, 2);
  const [single = 0, ceiling = 0, ...rates] = await inTurns([
    () => singleRows(client, 1),
    () => batchCeiling(program.database, 1),
    ...WRITERS.map(writers => () => program.writes(writers, 2)),
  ]);
  figure('single-row durable inserts, one connection', perSecond(single), 'baseline');
  figure('batch ceiling: same columns and indexes, 256 rows', perSecond(ceiling), 'baseline');
  const share = (rate: number): string => `${Math.round((100 * rate) / ceiling)} %`;
  for (const [i, writers] of WRITERS.entries()) {
    const rate = rates[i] ?? 0;
    const times = `${(rate / single).toFixed(2)} × single rows`;
    figure(`${writers} writers`, perSecond(rate), `${times}, ${share(rate)} of the ceiling`);
  }
  const at256 = rates[WRITERS.indexOf(256)] ?? 0;
  floor('ledger at 256 with sealing ≥ 30 % of the batch ceiling', at256 / ceiling >= 0.3, share(at256));

  say('\nCPU of this process');
  figure('sealing a write', `${(await program.sealingMicros()).toFixed(0)} µs`);
  figure('opening a read', `${(await program.openingMicros()).toFixed(0)} µs`);

  say('\nPolicies, one check');
  policyFigures();

  say('\nAs of then');
  await program.versions('asof/short', 10);
  await program.versions('asof/long', 100_000);
  const [short, long] = [await program.asOfMillis('asof/short', 10), await program.asOfMillis('asof/long', 100_000)];
  figure('as-of read, stream of 10 versions', `${short.toFixed(2)} ms`);
  figure('as-of read, stream of 100,000 versions', `${long.toFixed(2)} ms`);
  floor('as of on 100,000 versions within 2 × of 10', long <= 2 * short, `${(long / short).toFixed(2)} ×`);

  await rotationFigures(program);

  const server = await startDevServer(join(folder, 'http'));
  await httpFigures(folder, server, embedded.connection, () => singleRows(client, 1));
  await server.stop();

  say('\nStart');
  figure('first start to ready was', `${(server.readyMs / 1000).toFixed(2)} s`);
  const again = await startDevServer(join(folder, 'http'));
  figure('second start to ready', `${(again.readyMs / 1000).toFixed(2)} s`);
  await again.stop();
  const idle = await startDevServer(join(folder, 'idle'));
  await new Promise(resolve => setTimeout(resolve, 5000));
  const resident = residentMb(idle.pid);
  figure('server process, idle', `${resident.toFixed(0)} MB`);
  floor('idle below 150 MB resident', resident < 150, `${resident.toFixed(0)} MB`);
  await idle.stop();

  say(`\nStart with ${LIVE_TOKENS.toLocaleString('en')} live tokens, from a snapshot`);
  fillTokens(program.session, LIVE_TOKENS);
  const fromSnapshot = await startFromSnapshot(embedded, ledgerFolder, join(folder, 'tokens'), program);
  figure('unsealed after', `${(fromSnapshot.ms / 1000).toFixed(1)} s`, `${fromSnapshot.mb.toFixed(0)} MB resident`);
  floor(
    'a million live tokens within 10 s and 400 MB',
    fromSnapshot.tokens >= LIVE_TOKENS && fromSnapshot.ms < 10_000 && fromSnapshot.mb < 400,
    `${(fromSnapshot.ms / 1000).toFixed(1)} s, ${fromSnapshot.mb.toFixed(0)} MB`,
  );

  say(`\nRebuilding projections over ${REBUILD_EVENTS.toLocaleString('en')} events`);
  await program.stop();
  await client.end();
  const admin = await ownerClient(embedded, 'postgres');
  await admin.query('create database rebuild');
  await admin.end();
  const owner = { ...embedded.connection, database: 'rebuild' };
  const database = await openDatabase({
    owner,
    logins: null,
    schema: 'tallystick',
    dataFolder: join(folder, randomUuid4()),
    poolSize: 2,
  });
  const filler = await ownerClient(embedded, 'rebuild');
  const projector = new Projector({
    pool: database.projector,
    maintenance: database.maintenance,
    doorbell: null,
    projections,
    fold: true,
    notice: () => {},
  });
  await new Promise(resolve => setTimeout(resolve, 500));
  await projector.stop();
  await projectionEvents(filler, REBUILD_EVENTS);
  for (const projection of projections) {
    const { events, seconds } = await rebuild(database.maintenance, projection);
    figure(projection.name, perSecond(events / seconds), `${seconds.toFixed(2)} s`);
    floor(`rebuild of ${projection.name} ≥ 100,000 events/s`, events / seconds >= 100_000, perSecond(events / seconds));
  }
  await filler.end();
  await database.close();
  await embedded.stop();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
say(below() === 0 ? '\nAll floors hold.' : `\n${below()} floors do not hold on this machine, in this run.`);
process.exitCode = below() === 0 ? 0 : 1;
