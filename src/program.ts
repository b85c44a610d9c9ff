/**
 * A running server, put together: database, Nexus, operations, HTTP, projections, in the order in which they depend on each
 * other, and taken apart in the opposite one. Reads top to bottom.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { projections } from '../projections/index.js';
import { causeOf } from './cause.js';
import type { Config } from './config.js';
import { knownAnswerTest } from './crypto/box.js';
import { uuidText } from './crypto/bytes.js';
import { sha256 } from './crypto/prf.js';
import { createServer } from './http/server.js';
import { type Argon2Cost, type Pepper, SLOT_COST } from './keys/slots.js';
import { createMetrics } from './metrics.js';
import { keepEpochs } from './nexus/epochs.js';
import { type Follower, follow } from './nexus/follower.js';
import { Nexus } from './nexus/nexus.js';
import { nodeFiles } from './nexus/node-files.js';
import type { NexusPorts } from './nexus/ports.js';
import { createOperations } from './operations/create.js';
import { InitCode } from './operations/sys.js';
import { packageVersion } from './package-root.js';
import { connectionFromUrl, UnusableDatabase } from './postgres/connection-url.js';
import { type Database, openDatabase } from './postgres/database.js';
import { type Embedded, startEmbedded } from './postgres/embedded.js';
import { type FolderLock, lockFolder } from './postgres/folder-lock.js';
import { projectionParts } from './projection-parts.js';

export interface Program {
  readonly nexus: Nexus;
  readonly address: string;
  /** Shown on the console of an uninitialised server. */
  readonly initCode: string;
  /** Resolves when the embedded database ended by itself. */
  readonly databaseEnded: Promise<void>;
  stop(): Promise<void>;
}

export interface ProgramOptions {
  readonly slotCost?: Argon2Cost;
  /** A database that is open already; whoever gives it closes it. */
  readonly database?: Database;
}

/** What both a server and a projector on its own need. */
export interface Ground {
  readonly lock: FolderLock;
  readonly embedded: Embedded | null;
  readonly database: Database;
  stop(): Promise<void>;
}

/** Locks the data folder, starts or connects the database, migrates. Nothing is left behind when it throws. */
export const openGround = async (config: Config): Promise<Ground> => {
  const lock = lockFolder(config.dataFolder);
  let embedded: Embedded | null = null;
  try {
    const { databaseUrl, roleUrls, databaseTls } = config;
    if (databaseUrl === null && roleUrls === null) embedded = await startEmbedded({ folder: config.dataFolder });
    const owner = embedded?.connection ?? (databaseUrl === null ? null : connectionFromUrl(databaseUrl, databaseTls));
    const logins = roleUrls && {
      writer: connectionFromUrl(roleUrls.writer, databaseTls),
      projector: connectionFromUrl(roleUrls.projector, databaseTls),
      auditor: connectionFromUrl(roleUrls.auditor, databaseTls),
    };
    const { schema, dataFolder, poolSize } = config;
    const database = await openDatabase({ owner, logins, schema, dataFolder, poolSize });
    const running = embedded;
    return {
      lock,
      embedded,
      database,
      stop: async () => {
        await database.close();
        await running?.stop();
        lock.release();
      },
    };
  } catch (error) {
    await embedded?.stop();
    lock.release();
    throw error;
  }
};

export const createLogger = (config: Config): pino.Logger =>
  pino({ level: config.logLevel, base: { node: config.nodeId } });

export const startProgram = async (
  config: Config,
  log: pino.Logger,
  options: ProgramOptions = {},
): Promise<Program> => {
  knownAnswerTest();
  const given = options.database;
  const ground: Ground =
    given === undefined ? await openGround(config) : givenGround(lockFolder(config.dataFolder), given);
  try {
    return await serve(config, log, ground, options);
  } catch (error) {
    await ground.stop();
    throw error;
  }
};

const givenGround = (lock: FolderLock, database: Database): Ground => ({
  lock,
  database,
  embedded: null,
  stop: async () => lock.release(),
});

const serve = async (config: Config, log: pino.Logger, ground: Ground, options: ProgramOptions): Promise<Program> => {
  const { database } = ground;
  const nowMs = (): number => Date.now();
  const metrics = createMetrics();
  // Causes are logged by name and SQLSTATE: a message may quote what the program was given, a name does not.
  const notice = (what: string, cause: unknown): void => {
    if (cause instanceof Error && cause.name === 'IntegrityError') metrics.integrity();
    log.warn({ what, cause: causeOf(cause) }, 'notice');
  };
  const doorbell = database.openDoorbell(cause => notice('doorbell', cause));
  const projector = projectionParts(config, database, doorbell, projections, log);
  const initCode = new InitCode();
  let follower: Follower | null = null;
  let stopEpochs: (() => void) | null = null;

  const ports: NexusPorts = {
    database,
    nowMs,
    files: nodeFiles(config.dataFolder),
    erasureKey: config.erasureKey,
    pepper: readPepper(config.pepperFile),
    slotCost: options.slotCost ?? SLOT_COST,
    programVersion: packageVersion,
    sessionPorts: () => ({
      runner: database.writer,
      openPipeline: database.openPipeline,
      nowMs,
      anchorPath: join(config.dataFolder, 'anchor.json'),
      committed: () => {
        projector.wake();
        doorbell.ring();
      },
      notice,
      measured: metrics.append,
    }),
    unsealed: session => {
      follower = follow(session, doorbell.subscribe, notice);
      stopEpochs = keepEpochs(session, nowMs, cause => notice('header epoch', cause));
      session.recorder.record({ v: 1, at: nowMs() * 1000, op: 'sys.start', node: config.nodeId, outcome: 'ok' });
    },
    sealing: session => {
      session.recorder.record({ v: 1, at: nowMs() * 1000, op: 'sys.stop', node: config.nodeId, outcome: 'ok' });
      follower?.stop();
      stopEpochs?.();
    },
    notice,
  };
  const nexus = new Nexus(ports);
  const app = { nexus, nodeId: config.nodeId, programVersion: packageVersion, nowMs };
  const operations = createOperations(app, {
    initCode,
    projectionReads: projector.reads,
    projectionControl: projector.control,
    metrics: {
      metrics,
      runner: database.writer,
      projections: () => projector.control.status(nexus.session?.known.head.size ?? 0),
      pools: () => [
        { role: 'writer', ...database.writer.stats() },
        { role: 'projector', ...database.projector.stats() },
        { role: 'auditor', ...database.auditor.stats() },
      ],
    },
  });
  const http = createServer(operations, {
    log,
    observe: metrics.request,
    failed: metrics.failure,
    plainHttp: config.plainHttp,
    ...(config.tls === null ? {} : { tls: tlsFiles(config.tls) }),
  });
  const address = await http.listen({ host: config.host, port: config.port });
  return {
    nexus,
    address,
    initCode: initCode.shown,
    databaseEnded: ground.embedded?.ended ?? new Promise(() => {}),
    stop: async () => {
      // In this order nothing that was answered is lost: no new requests, the last records, then the rest.
      await http.close();
      await nexus.seal();
      await projector.stop();
      await doorbell.close();
      await ground.stop();
    },
  };
};

const readPepper = (path: string | null): Pepper | null => {
  if (path === null) return null;
  const key = readFileSync(path);
  if (key.length !== 32) throw new UnusableDatabase('TALLYSTICK_PEPPER_FILE must hold exactly 32 bytes');
  return { id: uuidText(sha256(key).subarray(0, 16)), key };
};

const tlsFiles = ({ cert, key, clientCa }: NonNullable<Config['tls']>) => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
  ...(clientCa === null ? {} : { ca: readFileSync(clientCa) }),
});
