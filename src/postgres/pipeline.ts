/**
 * One pipelined connection: queries are written without waiting for the answers of earlier ones, each with a Sync of its
 * own. A batch with a failing statement ends in a COMMIT that "succeeds" with the word ROLLBACK; `command` gives that word.
 */
import type pg from 'pg';
import type { Runner } from '../sql.js';
import { type ConnectionOptions, newClient, type SessionSettings } from './connection.js';
import { databaseError } from './errors.js';
import { runOn } from './run.js';

export interface Pipeline extends Runner {
  /** Runs a statement without parameters and gives the server's command tag, such as COMMIT or ROLLBACK. */
  command(text: string): Promise<string>;
  readonly backendPid: number;
  /** False once the connection broke, was destroyed or closed. */
  readonly alive: boolean;
  /** Warnings of the server, such as "committed locally" of a cancelled wait for a synchronous standby. */
  onNotice(listener: (message: string, sqlstate: string) => void): void;
  /** At once; what is in flight is rejected with `connectionLost`. */
  destroy(): void;
  close(): Promise<void>;
}

/** A query that is not answered by then destroys the connection; nothing is cancelled on the server. */
const ANSWER_TIMEOUT_MS = 20_000;

export const openPipeline = async (connection: ConnectionOptions, settings: SessionSettings): Promise<Pipeline> => {
  const client = newClient(connection, settings, {
    pipeline: true,
    query_timeout: ANSWER_TIMEOUT_MS,
  } as pg.ClientConfig);
  let alive = true;
  const died = (): void => {
    alive = false;
  };
  client.on('error', died);
  client.on('end', died);
  try {
    await client.connect();
  } catch (error) {
    throw databaseError(error);
  }
  const backendPid: unknown = Reflect.get(client, 'processID');
  const destroy = (): void => {
    died();
    const wire: unknown = Reflect.get(client, 'connection');
    const stream: unknown = typeof wire === 'object' && wire !== null ? Reflect.get(wire, 'stream') : null;
    if (typeof stream === 'object' && stream !== null && 'destroy' in stream && typeof stream.destroy === 'function')
      stream.destroy();
  };
  return {
    backendPid: typeof backendPid === 'number' ? backendPid : 0,
    get alive() {
      return alive;
    },
    run: (query, values) => runOn(client, query, values),
    command: async text => {
      try {
        return (await client.query(text)).command;
      } catch (error) {
        throw databaseError(error);
      }
    },
    onNotice: listener => {
      client.on('notice', notice => listener(notice.message ?? '', notice.code ?? ''));
    },
    destroy,
    close: async () => {
      died();
      await client.end().catch(() => undefined);
    },
  };
};
