/**
 * One pipelined connection: queries are written without waiting for the answers of earlier ones, each with a Sync of its
 * own. A batch with a failing statement ends in a COMMIT that "succeeds" with the word ROLLBACK; `command` gives that word.
 */
import type { Runner } from '../sql.js';
import { refuseOther } from './checks.js';
import { type ConnectionOptions, newClient, type SessionSettings } from './connection.js';
import { DatabaseError, databaseError } from './errors.js';
import { runOn } from './run.js';

export interface Pipeline extends Runner {
  /** Runs a statement without parameters and gives the server's command tag, such as COMMIT or ROLLBACK. */
  command(text: string): Promise<string>;
  readonly backendPid: number;
  /** False once the connection broke, was destroyed or closed. */
  readonly alive: boolean;
  /** At once; what is in flight is rejected with `connectionLost`. */
  destroy(): void;
  /** After what is in flight was answered. */
  close(): Promise<void>;
}

/** A query that is not answered by then destroys the connection; nothing is cancelled on the server. */
const ANSWER_TIMEOUT_MS = 20_000;

export const openPipeline = async (
  connection: ConnectionOptions,
  settings: SessionSettings,
  systemIdentifier: string | null,
): Promise<Pipeline> => {
  const client = newClient(connection, settings, { pipeline: true, query_timeout: ANSWER_TIMEOUT_MS });
  let alive = true;
  const died = (): void => {
    alive = false;
  };
  client.on('error', died);
  client.on('end', died);
  try {
    await client.connect();
    await refuseOther(client, systemIdentifier);
  } catch (error) {
    destroySocket(client);
    throw databaseError(error);
  }
  /**
   * A commit whose wait for a synchronous standby was broken off "succeeds" with a warning, and only here. Nothing that we
   * ask is warned about otherwise: after a warning nothing of this connection is believed.
   */
  let warned = false;
  client.on('notice', ({ code }) => {
    if (code === undefined || code.startsWith('00')) return;
    warned = true;
    died();
  });
  /** The server says why it closes a connection before the socket says that it is closed. */
  const heard = <T>(answer: Promise<T>): Promise<T> =>
    answer.then(
      value => {
        if (!warned) return value;
        throw new DatabaseError('the database warned of its answer', { connectionLost: true });
      },
      (error: unknown) => {
        const failure = databaseError(error);
        if (failure.connectionLost) died();
        throw failure;
      },
    );
  const backendPid: unknown = Reflect.get(client, 'processID');
  return {
    backendPid: typeof backendPid === 'number' ? backendPid : 0,
    get alive() {
      return alive;
    },
    run: (query, values) => heard(runOn(client, query, values)),
    command: text => heard(client.query(text).then(result => result.command)),
    destroy: () => {
      died();
      destroySocket(client);
    },
    close: async () => {
      died();
      await client.end().catch(() => undefined);
    },
  };
};

/** `pg` has no public way to drop a connection without a farewell, which would wait for the queries in flight. */
const destroySocket = (client: object): void => {
  const wire: unknown = Reflect.get(client, 'connection');
  const stream: unknown = typeof wire === 'object' && wire !== null ? Reflect.get(wire, 'stream') : null;
  if (typeof stream === 'object' && stream !== null && 'destroy' in stream && typeof stream.destroy === 'function')
    stream.destroy();
};
