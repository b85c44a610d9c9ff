/** The projector's own statements: how far each projection is, and who may fold it. */
import { E } from '../fp.js';
import { noRow, type Query, query } from '../sql.js';

export interface Mark {
  readonly name: string;
  readonly version: number;
  readonly position: number;
  readonly state: string;
  readonly stoppedAt: number | null;
  readonly reason: string | null;
}

const markRow = ({ name, version, position, state, stopped_at, reason }: Readonly<Record<string, unknown>>) =>
  typeof name === 'string' && typeof version === 'number' && typeof position === 'number' && typeof state === 'string'
    ? E.right({
        ...{ name, version, position, state },
        stoppedAt: typeof stopped_at === 'number' ? stopped_at : null,
        reason: typeof reason === 'string' ? reason : null,
      })
    : E.left('a projection row');

export const marks: Query<Mark> = query(
  'projection_marks',
  markRow,
  'select name, version, position, state, stopped_at, reason from projection order by name',
);

export const markOf: Query<Mark> = query(
  'projection_mark_of',
  markRow,
  'select name, version, position, state, stopped_at, reason from projection where name = $1',
);

/** Holds the row, and with it everybody who would move it, until the transaction ends. */
export const holdMark: Query<Mark> = query(
  'projection_hold_mark',
  markRow,
  'select name, version, position, state, stopped_at, reason from projection where name = $1 for update',
);

export const ledgerSize: Query<number> = query(
  'projection_ledger_size',
  ({ size }) => (typeof size === 'number' ? E.right(size) : E.left('size')),
  'select size from ledger_head',
);

const one = (raw: Readonly<Record<string, unknown>>) => (raw.name === undefined ? E.left('name') : E.right(true));

/** Answers a row if the lease is ours now: it was ours, nobody's, or had lapsed. */
export const takeLease: Query<boolean> = query(
  'projection_take_lease',
  one,
  `update projection
      set lease_token = $2, lease_until = clock_timestamp() + interval '10 seconds'
    where name = $1 and (lease_token = $2 or lease_until is null or lease_until < clock_timestamp())
   returning name`,
);

export const dropLease: Query<never> = query(
  'projection_drop_lease',
  noRow,
  'update projection set lease_until = null where name = $1 and lease_token = $2',
);

/** One row, or somebody else has folded: then this transaction must not be. */
export const moveTo: Query<boolean> = query(
  'projection_move_to',
  one,
  `update projection
      set position = $4, lease_until = clock_timestamp() + interval '10 seconds'
    where name = $1 and position = $2 and lease_token = $3 and state = 'running'
   returning name`,
);

export const stopAt: Query<never> = query(
  'projection_stop_at',
  noRow,
  `update projection set state = 'stopped', stopped_at = $3, reason = $4 where name = $1 and position = $2`,
);

export const putMark: Query<never> = query(
  'projection_put_mark',
  noRow,
  `insert into projection (name, version, position, state) values ($1, $2, $3, 'running')
   on conflict (name) do update
      set version = excluded.version, position = excluded.position, state = 'running', stopped_at = null, reason = null`,
);
