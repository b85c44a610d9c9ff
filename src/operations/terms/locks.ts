/**
 * One process at a time for each kind of work on terms. The locks only spare work: every step is decided at the head of the
 * ledger, so that two processes that both believe to hold one do no harm.
 */

import { E } from '../../fp.js';
import type { Pool } from '../../postgres/pool.js';
import { anyRow, type Query, query } from '../../sql.js';

/** Advisory locks, beside those of the append path. */
export const TermLock = { step: 1414745940, rewrap: 1414745941 } as const;

const tryLock: Query<boolean> = query(
  'terms_try_lock',
  ({ got }) => (typeof got === 'boolean' ? E.right(got) : E.left('got')),
  'select pg_try_advisory_lock($1, hashtext(current_schema())) as got',
);

const unlock: Query<null> = query('terms_unlock', anyRow, 'select pg_advisory_unlock($1, hashtext(current_schema()))');

/** Null: another process is at it. A connection that dies takes its lock with it. */
export const withTermLock = <T>(pool: Pool, lock: keyof typeof TermLock, work: () => Promise<T>): Promise<T | null> =>
  pool.session(async connection => {
    const [got] = await connection.run(tryLock, [TermLock[lock]]);
    if (got !== true) return null;
    try {
      return await work();
    } finally {
      await connection.run(unlock, [TermLock[lock]]);
    }
  });
