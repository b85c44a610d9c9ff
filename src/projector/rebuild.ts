/**
 * Rebuild: the same fold from the first event into tables beside the live ones, which then take their place at the live
 * position, in one transaction. Reads never stop, and the worker goes on until that moment.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { E } from '../fp.js';
import { DatabaseError } from '../postgres/errors.js';
import type { Pool } from '../postgres/pool.js';
import { type Query, query } from '../sql.js';
import { type Beside, InUse, type Progress, withBeside } from './beside.js';
import type { Projection } from './projection.js';
import { command, holdMark, ledgerSize, putMark } from './statements.js';

/**
 * The swap waits so long for reads to let go of the old tables, while later reads wait behind it. A read may hold one table
 * and wait for another: giving up before PostgreSQL looks for a deadlock (1 s) makes sure that it is never the read who loses.
 */
const SWAP_WAIT_MS = 100;
/** Autovacuum yields only to who waits past `deadlock_timeout`: some attempts do. */
const LONG_WAIT_MS = 1500;
const LONG_EVERY = 12;
const APART_MS_MAX = 1000;
const GIVE_UP_MS = 600_000;

export interface Rebuilt {
  /** Up to this position. */
  readonly events: number;
  readonly seconds: number;
}

export interface RebuildOptions {
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

/**
 * Rejects with `InUse` when somebody is at it or holds the live tables, and with what the fold threw on an event that it
 * cannot take. The live tables are then as they were.
 */
export const rebuild = (
  pool: Pool,
  projection: Projection,
  { signal = new AbortController().signal, progress }: RebuildOptions = {},
): Promise<Rebuilt> => {
  const startedAt = performance.now();
  return withBeside(pool, projection, 'rebuild', signal, async beside => {
    await follow(beside, progress);
    await beside.indexes();
    // They may have taken long.
    await follow(beside, progress);
    return { events: await swap(beside, progress), seconds: (performance.now() - startedAt) / 1000 };
  });
};

const follow = (beside: Beside, progress: Progress | undefined): Promise<void> =>
  beside.follow(async () => (await beside.session.run(ledgerSize))[0] ?? 0, progress);

const swap = async (beside: Beside, progress: Progress | undefined): Promise<number> => {
  const until = performance.now() + GIVE_UP_MS;
  for (let attempt = 1; ; attempt += 1)
    try {
      return await trySwap(beside, attempt % LONG_EVERY === 0 ? LONG_WAIT_MS : SWAP_WAIT_MS);
    } catch (error) {
      if (!isHeld(error) || beside.signal.aborted) throw error;
      if (performance.now() > until)
        throw new InUse(beside.projection.name, 'something holds its tables, such as a dump: rebuild it after that');
      await sleep(Math.min(APART_MS_MAX, attempt * 20));
      await follow(beside, progress);
    }
};

const isHeld = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.sqlstate === '55P03' || error.sqlstate === '40P01');

const present: Query<string> = query(
  null,
  ({ name }) => (typeof name === 'string' ? E.right(name) : E.left('name')),
  'select name from unnest($1::text[]) as name where to_regclass(name) is not null',
);

/** All or nothing: if we die before its commit, the live tables and their position are as they were. */
const trySwap = (beside: Beside, waitMs: number): Promise<number> =>
  beside.session.transaction(async tx => {
    const { name, version, tables } = beside.projection;
    // Held from here to the end: no worker moves on while the rest is folded and the tables change places.
    await tx.run(holdMark, [name]);
    const [size = 0] = await tx.run(ledgerSize);
    await beside.finish(tx, size);
    await tx.run(command(`set local lock_timeout = ${waitMs}`));
    const old = await tx.run(present, [tables.map(table => beside.live(table))]);
    if (old.length > 0) await tx.run(command(`lock table ${old.join(', ')} in access exclusive mode`));
    for (const table of old) await tx.run(command(`drop table ${table}`));
    for (const table of tables)
      await tx.run(command(`alter table ${beside.beside(table)} set schema ${beside.places.live}`));
    await tx.run(putMark, [name, version, size]);
    return size;
  });
