/**
 * Rebuild and verify: the same fold into tables beside the live ones. A rebuild swaps them in at the live position, in one
 * transaction; reads never stop. A verification compares them and drops them.
 */
import { randomBytes } from 'node:crypto';
import { E } from '../fp.js';
import type { Pool } from '../postgres/pool.js';
import { noRow, type Query, query, type Runner } from '../sql.js';
import { type Fold, fillIn, type Projection, type TableName } from './projection.js';
import { holdMark, ledgerSize, putMark } from './statements.js';

/** Large: a set of a hundred thousand events touches each row once where small sets touch it again and again. */
const BATCH_EVENTS = 100_000;

const ddl = (text: string): Query<never> => query(null, noRow, text);

const count: (text: string) => Query<number> = text =>
  query(null, ({ n }) => (typeof n === 'number' ? E.right(n) : E.left('n')), text);

interface Side {
  readonly table: TableName;
  readonly fold: Fold;
  readonly suffix: string;
}

const newSide = (projection: Projection): Side => {
  const suffix = randomBytes(4).toString('hex');
  return { suffix, table: table => `${table}_${suffix}`, fold: projection.newFold() };
};

/** The tables of a projection that has none yet, empty and live. */
export const createTables = async (tx: Runner, projection: Projection): Promise<void> => {
  const suffix = randomBytes(4).toString('hex');
  const live: TableName = table => table;
  await tx.run(ddl(fillIn(projection.ddl, projection, live, suffix)));
  await tx.run(ddl(fillIn(projection.indexes, projection, live, suffix)));
};

const fill = async (
  pool: Pool,
  { fold, table }: Side,
  upTo: number,
  progress: (position: number, size: number) => void,
): Promise<void> => {
  for (let at = 0; at < upTo; at += BATCH_EVENTS) {
    const to = Math.min(upTo, at + BATCH_EVENTS);
    await pool.transaction(tx => fold.apply(tx, table, at, to));
    progress(to, upTo);
  }
};

const dropSide = async (pool: Pool, projection: Projection, { table }: Side): Promise<void> => {
  for (const name of projection.tables)
    await pool.run(ddl(`drop table if exists ${table(name)}`)).catch(() => undefined);
};

export interface Rebuilt {
  readonly events: number;
  readonly seconds: number;
}

export const rebuild = async (
  pool: Pool,
  projection: Projection,
  progress: (position: number, size: number) => void,
): Promise<Rebuilt> => {
  const startedAt = performance.now();
  const side = newSide(projection);
  try {
    await pool.run(ddl(fillIn(projection.ddl, projection, side.table, side.suffix)));
    const [size = 0] = await pool.run(ledgerSize);
    await fill(pool, side, size, progress);
    await pool.run(ddl(fillIn(projection.indexes, projection, side.table, side.suffix)));
    const events = await pool.transaction(async tx => {
      // Held from here to the end: no worker moves on while the rest is folded and the tables change places.
      await tx.run(holdMark, [projection.name]);
      const [now = size] = await tx.run(ledgerSize);
      if (now > size) await side.fold.apply(tx, side.table, size, now);
      for (const name of projection.tables) {
        await tx.run(ddl(`drop table if exists ${name}`));
        await tx.run(ddl(`alter table ${side.table(name)} rename to ${name}`));
      }
      await tx.run(putMark, [projection.name, projection.version, now]);
      return now;
    });
    return { events, seconds: (performance.now() - startedAt) / 1000 };
  } catch (error) {
    await dropSide(pool, projection, side);
    throw error;
  }
};

export interface Verified {
  readonly rows: number;
  readonly differences: number;
  readonly position: number;
}

/** Folds the ledger again, up to where the live rows are, and counts the rows that are in one and not in the other. */
export const verify = async (pool: Pool, projection: Projection): Promise<Verified> => {
  const side = newSide(projection);
  try {
    await pool.run(ddl(fillIn(projection.ddl, projection, side.table, side.suffix)));
    const [mark] = await pool.run(holdMark, [projection.name]);
    const size = mark?.position ?? 0;
    await fill(pool, side, size, () => {});
    return await pool.transaction(async tx => {
      const [held] = await tx.run(holdMark, [projection.name]);
      const position = held?.position ?? 0;
      if (position > size) await side.fold.apply(tx, side.table, size, position);
      let [rows, differences] = [0, 0];
      for (const name of projection.tables) {
        const [n = 0] = await tx.run(count(`select count(*) as n from ${name}`));
        const [live, again] = [`table ${name}`, `table ${side.table(name)}`];
        const [different = 0] = await tx.run(
          count(`select count(*) as n from ((${live} except all ${again}) union all (${again} except all ${live})) d`),
        );
        rows += n;
        differences += different;
      }
      return { rows, differences, position };
    });
  } finally {
    await dropSide(pool, projection, side);
  }
};
