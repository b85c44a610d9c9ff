/** The statements of the append path (postgres.md §2). Arrays travel in PostgreSQL's binary form. */
import type { Uuid } from '../crypto/bytes.js';
import { E } from '../fp.js';
import { byteaArray, int2Array, int4Array, jsonbArray, textArray, uuidArray } from '../postgres/arrays.js';
import { anyRow, noRow, type Query, query, type Values } from '../sql.js';
import { EVENT_COLUMNS, eventRow, type StoredEvent } from './event.js';
import type { KeyRow } from './sealed-event.js';

/** Two keys name the lock: the class is ours, the object is the schema, so that ledgers in one database do not wait for each other. */
export const lockLedger: Query<null> = query(
  'ledger_lock',
  anyRow,
  `select pg_advisory_xact_lock(1414745932, hashtext(current_schema()))`,
);

export const newestOfStreams: Query<StoredEvent> = query(
  'ledger_newest_of_streams',
  eventRow,
  `select h.*
     from unnest($1::uuid[]) as i (id)
     join lateral (select ${EVENT_COLUMNS} from events where stream_id = i.id order by stream_version desc limit 1) h on true`,
);

export interface Located {
  readonly eventId: Uuid;
  readonly position: number;
  /** µs */
  readonly recordedAt: number;
}

export const positionsOfIds: Query<Located> = query(
  'ledger_positions_of_ids',
  ({ event_id, position, recorded_at }) =>
    typeof event_id === 'string' && typeof position === 'number' && typeof recorded_at === 'number'
      ? E.right({ eventId: event_id, position, recordedAt: recorded_at })
      : E.left('event_id, position, recorded_at'),
  'select event_id, position, recorded_at from events where event_id = any ($1::uuid[])',
);

export const insertEvents: Query<never> = query(
  'ledger_insert_events',
  noRow,
  `insert into events (position, event_id, stream_id, stream_version, type, lane, recorded_at, actor, epoch, day, key_id,
                       facts, header, names, body, body_kind, body_len, body_hash, row_mac)
   select $1::bigint + n, event_id, stream_id, stream_version, type, lane, to_timestamp($2::bigint / 1000000.0), actor, epoch, day, key_id,
          facts, header, names, body, body_kind, body_len, body_hash, row_mac
     from unnest($3::uuid[], $4::uuid[], $5::integer[], $6::text[], $7::smallint[], $8::uuid[], $9::integer[], $10::integer[],
                 $11::uuid[], $12::jsonb[], $13::bytea[], $14::bytea[], $15::bytea[], $16::smallint[], $17::integer[],
                 $18::bytea[], $19::bytea[])
          with ordinality
          as u (event_id, stream_id, stream_version, type, lane, actor, epoch, day, key_id, facts, header, names, body,
                body_kind, body_len, body_hash, row_mac, n)`,
);

/** The columns of `insertEvents` from $3 on, also the event arguments of `append()`. */
export const eventArrays = (events: readonly StoredEvent[]): Buffer[] => [
  uuidArray(events.map(event => event.eventId)),
  uuidArray(events.map(event => event.streamId)),
  int4Array(events.map(event => event.streamVersion)),
  textArray(events.map(event => event.type)),
  int2Array(events.map(event => event.lane)),
  uuidArray(events.map(event => event.actor)),
  int4Array(events.map(event => event.epoch)),
  int4Array(events.map(event => event.day)),
  uuidArray(events.map(event => event.keyId)),
  jsonbArray(events.map(event => event.facts)),
  byteaArray(events.map(event => event.header)),
  byteaArray(events.map(event => event.names)),
  // A block's body lives in a partition of its own.
  byteaArray(events.map(event => (event.bodyKind === 2 ? null : event.body))),
  int2Array(events.map(event => event.bodyKind)),
  int4Array(events.map(event => event.bodyLen)),
  byteaArray(events.map(event => event.bodyHash)),
  byteaArray(events.map(event => event.rowMac)),
];

export const insertKeys: Query<never> = query(
  'keys_insert',
  noRow,
  `insert into keys (key_id, kind, owner, term, wrapped)
   select * from unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::integer[], $5::bytea[])`,
);

export const keyArrays = (keys: readonly KeyRow[]): Values => [
  uuidArray(keys.map(key => key.keyId)),
  int2Array(keys.map(key => key.kind)),
  uuidArray(keys.map(key => key.owner)),
  int4Array(keys.map(key => key.term)),
  byteaArray(keys.map(key => key.wrapped)),
];

/** In order of key_id, the one lock order of key rows everywhere. */
export const deleteKeys: Query<never> = query(
  'keys_delete',
  noRow,
  `delete from keys where key_id in (select key_id from keys where key_id = any ($1::uuid[]) order by key_id for update)`,
);

export const insertBatch: Query<never> = query(
  'ledger_insert_batch',
  noRow,
  `insert into batches (size, prev_size, root, frontier, last_at, authority_count, authority_chain, keyring_generation, epoch, head_mac)
   values ($1, $2, $3, $4, to_timestamp($5::bigint / 1000000.0), $6, $7, $8, $9, $10)`,
);

export const insertBlock: Query<never> = query(
  'ledger_insert_block',
  noRow,
  `insert into blocks (position, recorded_at, body) values ($1, to_timestamp($2::bigint / 1000000.0), $3)`,
);

export const putSlot: Query<never> = query(
  'keys_put_slot',
  noRow,
  `insert into slots (slot_id, record) values ($1, $2) on conflict (slot_id) do update set record = excluded.record`,
);

export const deleteSlot: Query<never> = query('keys_delete_slot', noRow, 'delete from slots where slot_id = $1');

export const putKeyring: Query<never> = query(
  'keys_put_keyring',
  noRow,
  `insert into keyring (generation, box) values ($1, $2)`,
);

export const dropOldKeyrings: Query<never> = query(
  'keys_drop_old_keyrings',
  noRow,
  'delete from keyring where generation < $1',
);
