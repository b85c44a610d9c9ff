/**
 * Statements and typed queries as data. A query is static text with a name (so that PostgreSQL parses it once for each
 * connection) and a decoder for its rows: what the database answers is checked before it is believed to have a type.
 */
import type { Either } from './fp.js';
import { E } from './fp.js';

export type RawRow = Readonly<Record<string, unknown>>;

/** Left = what was expected and where, never the value itself. */
export type RowDecoder<Row> = (raw: RawRow) => Either<string, Row>;

export interface Query<Row> {
  /** Unique in the program, at most 63 bytes; `null` for one-off statements (DDL, maintenance). */
  readonly name: string | null;
  readonly text: string;
  readonly row: RowDecoder<Row>;
}

export const query = <Row>(name: string | null, row: RowDecoder<Row>, text: string): Query<Row> => ({
  name,
  text,
  row,
});

/** For statements that answer no rows. */
export const noRow: RowDecoder<never> = () => E.left('no row');

/** For statements whose row says nothing, such as a lock that was waited for. */
export const anyRow: RowDecoder<null> = () => E.right(null);

/** A bag of positional parameters that fits a query; Buffers travel as binary. */
export type Values = readonly (string | number | boolean | null | Buffer | readonly string[] | readonly number[])[];

/** Runs queries: a pool, one connection, or a transaction. Rejects with `DatabaseError` (postgres/errors.ts). */
export interface Runner {
  run<Row>(query: Query<Row>, values?: Values): Promise<readonly Row[]>;
}
