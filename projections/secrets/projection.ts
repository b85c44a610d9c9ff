/** Secrets and their moments: folded in sets by the database itself, since every event carries the resulting state. */
import { E } from '../../src/fp.js';
import { inSets, type Projection } from '../../src/projector/projection.js';
import { noRow, type Query, query } from '../../src/sql.js';
import { tableSql } from '../table-sql.js';

const moments: Query<never> = query(
  'projection_secret_moments',
  noRow,
  `insert into secret_moments (stream_id, position, stream_version)
   select stream_id, position, stream_version
     from events
    where position > $1 and position <= $2 and lane = 0 and type like 'secret.%'`,
);

/** Only the newest event of each stream is looked into: it says everything. */
const current: Query<never> = query(
  'projection_secrets',
  noRow,
  `insert into secrets as s (stream_id, stream_version, position, version, removed, destroyed, deletion_time, created, updated)
   select e.stream_id, e.stream_version, e.position,
          coalesce((e.facts ->> 'version')::integer, 0),
          coalesce((e.facts ->> 'removed')::boolean, false),
          coalesce((e.facts ->> 'destroyed')::boolean, false),
          coalesce((e.facts ->> 'deletion_time')::bigint, 0),
          coalesce((e.facts ->> 'created')::bigint, 0),
          coalesce((e.facts ->> 'updated')::bigint, 0)
     from (select max(position) as position
             from events
            where position > $1 and position <= $2 and lane = 0 and type like 'secret.%'
            group by stream_id) newest
     join events e on e.position = newest.position and e.position > $1 and e.position <= $2
   on conflict (stream_id) do update
      set stream_version = excluded.stream_version, position = excluded.position, version = excluded.version,
          removed = excluded.removed, destroyed = excluded.destroyed, deletion_time = excluded.deletion_time,
          created = excluded.created, updated = excluded.updated`,
);

export const secrets: Projection = {
  name: 'secrets',
  version: 1,
  tables: ['secret_moments', 'secrets'],
  ...tableSql('secrets'),
  newFold: inSets(moments, current),
};

/** The stream version of the newest event of stream $1 at or before position $2, as far as the projection knows. A hint. */
export const asOf: Query<number> = query(
  'projection_secret_as_of',
  ({ stream_version }) => (typeof stream_version === 'number' ? E.right(stream_version) : E.left('stream_version')),
  'select stream_version from secret_moments where stream_id = $1 and position <= $2 order by position desc limit 1',
);

export interface CurrentSecret {
  readonly streamVersion: number;
  readonly position: number;
  /** 0: it has none. */
  readonly version: number;
  readonly removed: boolean;
  readonly destroyed: boolean;
  /** µs since 1970; 0: it has none. */
  readonly deletionTime: number;
  /** µs since 1970. */
  readonly created: number;
  readonly updated: number;
}

/** The secret of stream $1 as the projection has it. */
export const currentOf: Query<CurrentSecret> = query(
  'projection_secret_current',
  ({ stream_version, position, version, removed, destroyed, deletion_time, created, updated }) =>
    typeof stream_version === 'number' &&
    typeof position === 'number' &&
    typeof version === 'number' &&
    typeof removed === 'boolean' &&
    typeof destroyed === 'boolean' &&
    typeof deletion_time === 'number' &&
    typeof created === 'number' &&
    typeof updated === 'number'
      ? E.right({
          ...{ position, version, removed, destroyed, created, updated },
          ...{ streamVersion: stream_version, deletionTime: deletion_time },
        })
      : E.left('a secret'),
  `select stream_version, position, version, removed, destroyed, deletion_time, created, updated
     from secrets where stream_id = $1`,
);
