/** Runs one query on a pg client and decodes its rows. Errors come out as `DatabaseError`, without parameter values. */
import type pg from 'pg';
import type { Query, Values } from '../sql.js';
import { DatabaseError, databaseError } from './errors.js';

/** What both a pool and a client of `pg` offer. */
interface Queryable {
  query(config: pg.QueryConfig): Promise<pg.QueryResult>;
}

export const runOn = async <Row>(
  client: Queryable,
  query: Query<Row>,
  values: Values = [],
): Promise<readonly Row[]> => {
  let result: pg.QueryResult;
  try {
    const named = query.name === null ? {} : { name: query.name };
    result = await client.query({ ...named, text: query.text, values: [...values] });
  } catch (error) {
    throw databaseError(error);
  }
  // Several statements in one text (DDL) give a list of results, and no rows that anybody asked for.
  if (Array.isArray(result)) return [];
  return result.rows.map((raw: Readonly<Record<string, unknown>>) => {
    const decoded = query.row(raw);
    if (decoded._tag === 'Left')
      throw new DatabaseError(`the database answered something else than ${decoded.left} (${query.name ?? 'a query'})`);
    return decoded.right;
  });
};
