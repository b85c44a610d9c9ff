/**
 * A running server, put together: database, Nexus, operations, HTTP, projections, in the order in which they depend on each
 * other, and taken apart in the opposite one. Reads top to bottom.
 */
import { readFileSync } from 'node:fs';
import pino from 'pino';
import { type AssemblyOptions, assemble } from './assemble.js';
import type { Config } from './config.js';
import { knownAnswerTest } from './crypto/box.js';
import { type Ground, givenGround, openGround } from './ground.js';
import { createServer, type HttpOptions } from './http/server.js';
import type { Metrics } from './metrics.js';
import type { Nexus } from './nexus/nexus.js';
import type { Database } from './postgres/database.js';

export interface Program {
  readonly nexus: Nexus;
  readonly address: string;
  /** Shown on the console of an uninitialised server. */
  readonly initCode: string;
  /** Resolves when the embedded database ended by itself. */
  readonly databaseEnded: Promise<void>;
  stop(): Promise<void>;
}

export interface ProgramOptions extends Pick<AssemblyOptions, 'slotCost' | 'kmsProbeMs'> {
  /** A database that is open already; whoever gives it closes it. */
  readonly database?: Database;
}

export const createLogger = (config: Config): pino.Logger =>
  pino({ level: config.logLevel, base: { node: config.nodeId } });

export const startProgram = async (
  config: Config,
  log: pino.Logger,
  options: ProgramOptions = {},
): Promise<Program> => {
  knownAnswerTest();
  const { database } = options;
  const ground = database === undefined ? await openGround(config) : givenGround(config.dataFolder, database);
  try {
    return await serve(config, log, ground, options);
  } catch (error) {
    await ground.stop();
    throw error;
  }
};

const serve = async (config: Config, log: pino.Logger, ground: Ground, options: ProgramOptions): Promise<Program> => {
  const assembled = assemble(config, log, ground.database, { ...options, leads: true });
  const listen = async () => {
    const http = createServer(assembled.operations, httpOptions(config, log, assembled.metrics));
    return { http, address: await http.listen({ host: config.host, port: config.port }) };
  };
  const { http, address } = await listen().catch(async (error: unknown) => {
    // What is assembled runs already, and would go on by itself: a port in use, a certificate that cannot be read.
    await assembled.stop();
    throw error;
  });
  return {
    ...{ nexus: assembled.nexus, initCode: assembled.initCode, address },
    databaseEnded: ground.embedded?.ended ?? new Promise(() => {}),
    stop: async () => {
      // In this order nothing that was answered is lost: no new requests, the last records, then the rest.
      await http.close();
      await assembled.stop();
      await ground.stop();
    },
  };
};

export const httpOptions = (config: Config, log: pino.Logger, metrics: Metrics): HttpOptions => ({
  log,
  observe: metrics.request,
  failed: metrics.failure,
  plainHttp: config.plainHttp,
  limits: config.limits,
  refused: metrics.refused,
  ...(config.tls === null ? {} : { tls: tlsFiles(config.tls) }),
});

const tlsFiles = ({ cert, key, clientCa }: NonNullable<Config['tls']>) => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
  ...(clientCa === null ? {} : { clientCa: readFileSync(clientCa) }),
});
