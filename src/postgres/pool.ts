/** An ordinary pool of one role: reads, and transactions that are not hot. Connections of unknown state are thrown away. */
import pg from 'pg';
import type { Runner } from '../sql.js';
import { refuseOther } from './checks.js';
import { type ConnectionOptions, clientConfig, type SessionSettings } from './connection.js';
import { DatabaseError, databaseError } from './errors.js';
import { runOn } from './run.js';

export interface PoolStats {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

export interface Session extends Runner {
  /**
   * BEGIN … COMMIT around `work`; any throw rolls back. Resolves only after the server said COMMIT: if `work` swallowed the
   * error of a statement, COMMIT "succeeds" with the word ROLLBACK, and this rejects.
   */
  transaction<T>(work: (tx: Runner) => Promise<T>): Promise<T>;
}

export interface Pool extends Session {
  /** One connection for what belongs together, such as a lock of the session; a throw closes it, and with it the lock. */
  session<T>(work: (connection: Session) => Promise<T>): Promise<T>;
  stats(): PoolStats;
  close(): Promise<void>;
}

export interface PoolOptions {
  readonly connection: ConnectionOptions;
  readonly settings: SessionSettings;
  readonly max: number;
  /** Null: whichever primary answers. */
  readonly systemIdentifier: string | null;
}

export const openPool = ({ connection, settings, max, systemIdentifier }: PoolOptions): Pool => {
  const pool = new pg.Pool({
    ...clientConfig(connection, settings),
    max,
    idleTimeoutMillis: 30_000,
    verify: (client, done) => void refuseOther(client, systemIdentifier).then(() => done(), done),
  });
  // Without a listener a connection that breaks would end the process: one of the pool while it is idle, one of its own
  // at any other moment. Whoever uses it hears of it by what it asks; the next query opens a new one.
  pool.on('error', () => {});
  pool.on('connect', client => client.on('error', () => {}));

  const withClient = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect().catch((error: unknown) => {
      throw databaseError(error);
    });
    let failed = true;
    try {
      const result = await work(client);
      failed = false;
      return result;
    } finally {
      client.release(failed);
    }
  };
  const runner = (client: pg.PoolClient): Runner => ({ run: (query, values) => runOn(client, query, values) });
  const command = (client: pg.PoolClient, text: string): Promise<string> =>
    client.query(text).then(
      result => result.command,
      (error: unknown) => {
        throw databaseError(error);
      },
    );

  const transactionOn = async <T>(client: pg.PoolClient, work: (tx: Runner) => Promise<T>): Promise<T> => {
    await command(client, 'begin');
    const result = await work(runner(client));
    if ((await command(client, 'commit')) !== 'COMMIT')
      throw new DatabaseError('the transaction was rolled back', { sqlstate: '40000' });
    return result;
  };
  /** In a session somebody may go on after a transaction that failed. */
  const rolledBack = async <T>(client: pg.PoolClient, work: (tx: Runner) => Promise<T>): Promise<T> => {
    try {
      return await transactionOn(client, work);
    } catch (error) {
      await command(client, 'rollback').catch(() => undefined);
      throw error;
    }
  };

  let closed: Promise<void> | null = null;
  return {
    run: (query, values) => runOn(pool, query, values),
    session: work =>
      withClient(client => work({ ...runner(client), transaction: inside => rolledBack(client, inside) })),
    transaction: work => withClient(client => transactionOn(client, work)),
    stats: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => {
      closed ??= pool.end();
      return closed;
    },
  };
};
