/** An ordinary pool of one role: reads, and transactions that are not hot. Connections of unknown state are thrown away. */
import pg from 'pg';
import type { Runner } from '../sql.js';
import { type ConnectionOptions, clientConfig, type SessionSettings } from './connection.js';
import { databaseError } from './errors.js';
import { runOn } from './run.js';

export interface PoolStats {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

export interface Pool extends Runner {
  /** BEGIN … COMMIT around `work`; any throw rolls back. Resolves only after COMMIT was heard. */
  transaction<T>(work: (tx: Runner) => Promise<T>): Promise<T>;
  /** One connection for several statements that belong together. */
  session<T>(work: (connection: Runner) => Promise<T>): Promise<T>;
  stats(): PoolStats;
  close(): Promise<void>;
}

export const openPool = (connection: ConnectionOptions, settings: SessionSettings, max: number): Pool => {
  const pool = new pg.Pool({ ...clientConfig(connection, settings), max, idleTimeoutMillis: 30_000 });
  // Without a listener an idle connection that breaks would end the process; the next query opens a new one.
  pool.on('error', () => {});

  const session = async <T>(work: (connection: Runner) => Promise<T>): Promise<T> => {
    const client = await pool.connect().catch((error: unknown) => {
      throw databaseError(error);
    });
    const ignored = (): void => {};
    client.on('error', ignored);
    let failed = true;
    try {
      const result = await work({ run: (query, values) => runOn(client, query, values) });
      failed = false;
      return result;
    } finally {
      client.removeListener('error', ignored);
      client.release(failed);
    }
  };

  return {
    run: (query, values) => runOn(pool, query, values),
    session,
    transaction: work =>
      session(async tx => {
        await tx.run(begin);
        const result = await work(tx);
        await tx.run(commit);
        return result;
      }),
    stats: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  };
};

const none = () => ({ _tag: 'Left' as const, left: 'no row' });
const begin = { name: null, text: 'begin', row: none };
const commit = { name: null, text: 'commit', row: none };
