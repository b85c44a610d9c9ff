/**
 * What a projection is: a name, a version, its tables, and how a stretch of the ledger changes them. Keyless by
 * construction: it runs under a role that can read events and write its own tables, and nothing else.
 */
import type { Runner } from '../sql.js';

/** Gives the name of one of the projection's tables: the live one, or one that is built beside it. */
export type TableName = (table: string) => string;

export interface Fold {
  /** Applies the events `from` < position ≤ `to`, inside the caller's transaction. */
  apply(tx: Runner, table: TableName, from: number, to: number): Promise<void>;
}

export interface Projection {
  readonly name: string;
  /** Raised when tables or fold change: the projector rebuilds. */
  readonly version: number;
  readonly tables: readonly string[];
  /** DDL with `{table}` for each table's name and `{suffix}` for what makes names of constraints and indexes unique. */
  readonly ddl: string;
  /** Indexes that a rebuild makes after the rows. */
  readonly indexes: string;
  /** A fold with a memory of its own: a new one after every failure. */
  readonly newFold: () => Fold;
}

/** Fills in the placeholders of a projection's SQL; only names of the closed set of its tables are ever filled in. */
export const fillIn = (sql: string, projection: Projection, table: TableName, suffix: string): string =>
  sql.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    name === 'suffix' ? suffix : projection.tables.includes(name) ? table(name) : whole,
  );
