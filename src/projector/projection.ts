/**
 * What a projection is: a name, a version, its tables, and a fold from a stretch of the ledger to statements. Keyless by
 * construction: it runs under a role that can read events and write its own tables, and nothing else.
 */
import type { Query, Runner, Values } from '../sql.js';

/** The events with `from` < position ≤ `to`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** What a fold answers: data until the projector runs it. */
export interface Statement {
  readonly query: Query<never>;
  readonly values: Values;
}

export interface Fold {
  /** How many events a rebuild gives it at once. */
  readonly stretchEvents: number;
  /**
   * The statements that bring the tables from `from` to `to`, in their order. Reads events and its own tables through
   * `read`, and writes nothing itself. It may remember from one stretch to the next: the projector takes a new fold after
   * every failure, and whenever somebody else has moved the tables.
   */
  changes(read: Runner, stretch: Stretch): Promise<readonly Statement[]>;
}

export interface Projection {
  /** Its folder's name. */
  readonly name: string;
  /** Raised when tables or fold change: the projector rebuilds. */
  readonly version: number;
  readonly tables: readonly string[];
  /** Makes the tables, with what the fold needs to find rows again. Names are unqualified: a rebuild makes them elsewhere. */
  readonly ddl: string;
  /** Indexes and constraints that only queries need: a rebuild makes them after the rows. */
  readonly indexes: string;
  readonly newFold: () => Fold;
}

/** An event that this fold cannot take, however often it is tried. The message is shown to operators: no content of it. */
export class CannotFold extends Error {
  override readonly name = 'CannotFold';
}

/** A fold of statements that read the events themselves: each is given `from` as $1 and `to` as $2. */
export const inSets = (...queries: readonly Query<never>[]): (() => Fold) => {
  const fold: Fold = {
    // Large: a set touches each row once where small sets touch it again and again.
    stretchEvents: 500_000,
    changes: async (_read, { from, to }) => queries.map(query => ({ query, values: [from, to] })),
  };
  return () => fold;
};

/** Inside a transaction of the caller, whose search path says which tables are meant. */
export const applyStretch = async (tx: Runner, fold: Fold, stretch: Stretch): Promise<void> => {
  for (const { query, values } of await fold.changes(tx, stretch)) await tx.run(query, values);
};
