/** The audit index: narrow rows of every lane, folded in one statement. */
import type { Uuid } from '../../src/crypto/bytes.js';
import { E } from '../../src/fp.js';
import type { Fold, Projection, TableName } from '../../src/projector/projection.js';
import { noRow, type Query, query } from '../../src/sql.js';
import { tableSql } from '../table-sql.js';

const insert = (table: TableName): Query<never> =>
  query(
    `projection_${table('audit_index')}`,
    noRow,
    `insert into ${table('audit_index')} (position, stream_id, actor, type, recorded_at)
     select position, stream_id, actor, type, recorded_at from events where position > $1 and position <= $2`,
  );

const fold: Fold = {
  apply: async (tx, table, from, to) => {
    await tx.run(insert(table), [from, to]);
  },
};

export const auditIndex: Projection = {
  name: 'audit-index',
  version: 1,
  tables: ['audit_index'],
  ...tableSql('audit-index'),
  newFold: () => fold,
};

const position = ({ position: found }: Readonly<Record<string, unknown>>) =>
  typeof found === 'number' ? E.right(found) : E.left('position');

export interface Search {
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
  readonly actor: Uuid | null;
  readonly underNode: Uuid | null;
  readonly type: string | null;
}

/** $1 after, $2 up to, $3 limit, $4 actor or null, $5 type or null. */
export const searchAll: Query<number> = query(
  'projection_audit_search',
  position,
  `select position from audit_index
    where position > $1 and position <= $2 and ($4::uuid is null or actor = $4) and ($5::text is null or type = $5)
    order by position limit $3`,
);

/** The same under $6, a node: itself and everything below it in the tree. */
export const searchUnder: Query<number> = query(
  'projection_audit_search_under',
  position,
  `with recursive under (node) as (
     select $6::uuid
     union all
     select n.node from under u join tree_names n on n.parent = u.node
   )
   select a.position from audit_index a
    where a.stream_id in (select node from under)
      and a.position > $1 and a.position <= $2 and ($4::uuid is null or a.actor = $4) and ($5::text is null or a.type = $5)
    order by a.position limit $3`,
);
