/**
 * Searches of the audit index: positions in order, a page at a time; the next page begins after the last position. Each set
 * of filters is a text of its own, and unnamed, so that the planner sees the values: whether actor, stream or type is the
 * rarest differs from search to search.
 */
import type { Uuid } from '../../src/crypto/bytes.js';
import { E } from '../../src/fp.js';
import { uuidArray } from '../../src/postgres/arrays.js';
import { type Query, query, type Values } from '../../src/sql.js';

export interface Search {
  /** Positions greater than this … */
  readonly after: number;
  /** … and not greater than this. */
  readonly upTo: number;
  readonly limit: number;
  readonly actor: Uuid | null;
  /** Events of any of these streams. */
  readonly streams: readonly Uuid[] | null;
  readonly type: string | null;
}

export interface Find {
  readonly query: Query<number>;
  readonly values: Values;
}

export const find = ({ after, upTo, limit, actor, streams, type }: Search): Find => {
  const values: (number | string | Buffer)[] = [after, upTo, limit];
  const where = (condition: (parameter: string) => string, value: string | Buffer | null): string =>
    value === null ? '' : `\n    and ${condition(`$${values.push(value)}`)}`;
  return {
    query: query(
      null,
      ({ position }) => (typeof position === 'number' ? E.right(position) : E.left('position')),
      `select position
         from audit_index
        where position > $1 and position <= $2${where(p => `actor = ${p}::uuid`, actor)}${where(
          p => `stream_id = any (${p}::uuid[])`,
          streams === null ? null : uuidArray(streams),
        )}${where(p => `type = ${p}::text`, type)}
        order by position
        limit $3`,
    ),
    values,
  };
};
