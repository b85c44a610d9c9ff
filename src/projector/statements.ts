/** The projector's own statements: how far each projection is, and who may fold it. */
import { E } from '../fp.js';
import { anyRow, noRow, type Query, query, type RawRow } from '../sql.js';

/** What a projection has folded, as it is stored. */
export interface Mark {
  readonly name: string;
  readonly version: number;
  readonly position: number;
  readonly state: 'running' | 'stopped';
  readonly stoppedAt: number | null;
  readonly reason: string | null;
}

const markOfRow = ({ name, version, position, state, stopped_at, reason }: RawRow): Mark | null =>
  typeof name === 'string' && typeof version === 'number' && typeof position === 'number'
    ? {
        ...{ name, version, position },
        state: state === 'stopped' ? 'stopped' : 'running',
        stoppedAt: typeof stopped_at === 'number' ? stopped_at : null,
        reason: typeof reason === 'string' ? reason : null,
      }
    : null;

const markRow = (raw: RawRow) => {
  const mark = markOfRow(raw);
  return mark === null ? E.left('a projection row') : E.right(mark);
};

const MARK = 'name, version, position, state, stopped_at, reason';

export const marks: Query<Mark> = query('projection_marks', markRow, `select ${MARK} from projection order by name`);

export const markOf: Query<Mark> = query(
  'projection_mark_of',
  markRow,
  `select ${MARK} from projection where name = $1`,
);

/** Holds the row, and with it everybody who would move it, until the transaction ends. */
export const holdMark: Query<Mark> = query(
  'projection_hold_mark',
  markRow,
  `select ${MARK} from projection where name = $1 for update`,
);

const sizeRow = ({ size }: RawRow) => (typeof size === 'number' ? E.right(size) : E.left('size'));

/** How many events there are; 0 in a database without a ledger. */
export const ledgerSize: Query<number> = query(
  'projection_ledger_size',
  sizeRow,
  'select coalesce((select size from ledger_head), 0) as size',
);

/** All that a worker has to know to decide what to do. */
export interface Situation {
  readonly mark: Mark;
  readonly size: number;
  /** The lease is ours, and for longer than a transaction takes. */
  readonly mine: boolean;
  /** Somebody else has it. */
  readonly taken: boolean;
}

export const situationOf: Query<Situation> = query(
  'projection_situation_of',
  raw => {
    const [mark, { size, mine, taken }] = [markOfRow(raw), raw];
    return mark !== null && typeof size === 'number' && typeof mine === 'boolean' && typeof taken === 'boolean'
      ? E.right({ mark, size, mine, taken })
      : E.left('a projection row with its lease');
  },
  `select ${MARK},
          coalesce((select size from ledger_head), 0) as size,
          coalesce(lease_token = $2 and lease_until > clock_timestamp() + interval '5 seconds', false) as mine,
          coalesce(lease_token <> $2 and lease_until > clock_timestamp(), false) as taken
     from projection
    where name = $1`,
);

const one = ({ name }: RawRow) => (name === undefined ? E.left('name') : E.right(true));

/** Answers a row if the lease is ours now: it was ours, nobody's, or had lapsed. $1 name, $2 token. */
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

/**
 * Moves the position on, and renews the lease: one row, or somebody else has folded, rebuilt or stopped it, and nothing of
 * this transaction may stay. $1 name, $2 version, $3 token, $4 from, $5 to.
 */
export const moveTo: Query<boolean> = query(
  'projection_move_to',
  one,
  `update projection
      set position = $5, lease_until = clock_timestamp() + interval '10 seconds'
    where name = $1 and version = $2 and lease_token = $3 and position = $4 and state = 'running'
   returning name`,
);

/** $1 name, $2 version, $3 token, $4 where it is, $5 the position that it cannot fold, $6 why. */
export const stopAt: Query<boolean> = query(
  'projection_stop_at',
  one,
  `update projection
      set state = 'stopped', stopped_at = $5, reason = $6, lease_until = null
    where name = $1 and version = $2 and lease_token = $3 and position = $4
   returning name`,
);

/**
 * $1 name, $2 version, $3 position: freshly made tables, that run from here on. Nobody has their lease: a worker may remember
 * what it read of the rows before, though it stood where these stand.
 */
export const putMark: Query<never> = query(
  'projection_put_mark',
  noRow,
  `insert into projection (name, version, position, state) values ($1, $2, $3, 'running')
   on conflict (name) do update
      set version = excluded.version, position = excluded.position, state = 'running', stopped_at = null, reason = null,
          lease_token = null, lease_until = null`,
);

/** Twenty processes may start at once: one of them makes the tables. */
export const lockCreation: Query<null> = query(
  null,
  anyRow,
  'select pg_advisory_xact_lock(1414745933, hashtext(current_schema()))',
);

/** SQL without parameters and rows, such as DDL. */
export const command = (text: string): Query<never> => query(null, noRow, text);
