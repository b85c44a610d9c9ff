/** Secrets and their moments: folded in sets by the database itself, since every event carries the resulting state. */
import { E } from '../../src/fp.js';
import type { Fold, Projection, TableName } from '../../src/projector/projection.js';
import { noRow, type Query, query } from '../../src/sql.js';
import { tableSql } from '../table-sql.js';

const moments = (table: TableName): Query<never> =>
  query(
    `projection_${table('secret_moments')}`,
    noRow,
    `insert into ${table('secret_moments')} (stream_id, position, stream_version)
     select stream_id, position, stream_version
       from events
      where position > $1 and position <= $2 and lane = 0 and type like 'secret.%'
      order by stream_id, position`,
  );

const current = (table: TableName): Query<never> =>
  query(
    `projection_${table('secrets')}`,
    noRow,
    `insert into ${table('secrets')} as s (stream_id, stream_version, position, version, removed, destroyed, deletion_time, updated)
     select distinct on (stream_id)
            stream_id, stream_version, position,
            coalesce((facts ->> 'version')::integer, 0),
            coalesce((facts ->> 'removed')::boolean, false),
            coalesce((facts ->> 'destroyed')::boolean, false),
            coalesce((facts ->> 'deletion_time')::bigint, 0),
            coalesce((facts ->> 'updated')::bigint, 0)
       from events
      where position > $1 and position <= $2 and lane = 0 and type like 'secret.%'
      order by stream_id, stream_version desc
     on conflict (stream_id) do update
        set stream_version = excluded.stream_version, position = excluded.position, version = excluded.version,
            removed = excluded.removed, destroyed = excluded.destroyed, deletion_time = excluded.deletion_time,
            updated = excluded.updated`,
  );

const fold: Fold = {
  apply: async (tx, table, from, to) => {
    await tx.run(moments(table), [from, to]);
    await tx.run(current(table), [from, to]);
  },
};

export const secrets: Projection = {
  name: 'secrets',
  version: 1,
  tables: ['secret_moments', 'secrets'],
  ...tableSql('secrets'),
  newFold: () => fold,
};

/** The stream version of a secret's newest event at or before a position, as far as the projection knows. A hint. */
export const momentOf: Query<number> = query(
  'projection_secret_moment_of',
  ({ stream_version }) => (typeof stream_version === 'number' ? E.right(stream_version) : E.left('stream_version')),
  'select stream_version from secret_moments where stream_id = $1 and position <= $2 order by position desc limit 1',
);
