/** The statements of point reads: the rows of a stream's head, and which streams moved since rows were read. */
import type { Uuid } from '../crypto/bytes.js';
import { E } from '../fp.js';
import { decodeKeyRow } from '../keys/store.js';
import { type Query, query, type RawRow } from '../sql.js';
import { decodeEvent, eventColumnsOf, type StoredEvent } from './event.js';
import { Openings } from './openings.js';
import type { PointRead } from './point-reads.js';

export interface PointRow extends PointRead {
  readonly id: Uuid;
}

const eventOrNone = (raw: RawRow, prefix: string): StoredEvent | null => {
  const event = decodeEvent(raw, prefix);
  if (event === undefined) throw new TypeError('an events row');
  return event;
};

const pointRow = (raw: RawRow): PointRow | null => {
  const { id, size } = raw;
  if (typeof id !== 'string' || typeof size !== 'number') return null;
  const keys = ['hk_', 'wk_', 'ak_'].flatMap(prefix => decodeKeyRow(raw, prefix) ?? []);
  return {
    id,
    size,
    newest: eventOrNone(raw, 'h_'),
    written: eventOrNone(raw, 'w_'),
    annotated: eventOrNone(raw, 'a_'),
    keys,
    openings: new Openings(),
  };
};

const keyColumns = (alias: string): string =>
  ['key_id', 'kind', 'owner', 'term', 'wrapped'].map(column => `${alias}.${column} as ${alias}_${column}`).join(', ');

/** The rows of the stream i.id. Lateral with a limit: one index probe for each, whatever the planner knows of the tables. */
const ROWS = `
  left join lateral (select * from events where stream_id = i.id order by stream_version desc limit 1) h on true
  left join lateral (select * from events
                      where (h.facts ->> 'written')::integer <> h.stream_version
                        and stream_id = i.id and stream_version = (h.facts ->> 'written')::integer limit 1) w on true
  left join lateral (select * from events
                      where (h.facts ->> 'annotated')::integer <> h.stream_version
                        and stream_id = i.id and stream_version = (h.facts ->> 'annotated')::integer limit 1) a on true
  left join lateral (select * from keys where key_id = h.key_id limit 1) hk on true
  left join lateral (select * from keys where key_id = w.key_id limit 1) wk on true
  left join lateral (select * from keys where key_id = a.key_id limit 1) ak on true`;

export const pointReads: Query<PointRow> = query(
  'ledger_point_reads',
  raw => {
    try {
      const row = pointRow(raw);
      return row === null ? E.left('a point read') : E.right(row);
    } catch (error) {
      return E.left(String(error));
    }
  },
  `select i.id, (select size from ledger_head) as size,
          ${eventColumnsOf('h', 'h_', true)}, ${keyColumns('hk')},
          ${eventColumnsOf('w', 'w_', true)}, ${keyColumns('wk')},
          ${eventColumnsOf('a', 'a_', true)}, ${keyColumns('ak')}
     from unnest($1::uuid[]) as i (id) ${ROWS}`,
);

/** More than so many new events, and everything that is cached is dropped instead of looked through. */
export const MOVED_MAX = 1000;

export interface Moved {
  /** The ledger's size in this snapshot. */
  readonly size: number;
  /** Lane 1 has events after $1. */
  readonly authority: boolean;
  /** Streams that got events after $2; null: more than MOVED_MAX events. */
  readonly streams: readonly Uuid[] | null;
}

/** One snapshot, one row, and nearly always nothing in it. */
export const moved: Query<Moved> = query(
  'ledger_moved',
  ({ size, authority, streams, events }) =>
    typeof size === 'number' &&
    typeof authority === 'boolean' &&
    typeof streams === 'string' &&
    typeof events === 'number'
      ? E.right({ size, authority, streams: events > MOVED_MAX ? null : streams === '' ? [] : streams.split(',') })
      : E.left('what moved'),
  `select (select size from ledger_head) as size,
          exists (select from events where lane = 1 and position > $1) as authority,
          coalesce(string_agg(t.stream_id::text, ','), '') as streams,
          count(*) as events
     from (select stream_id from events where position > $2 order by position limit ${MOVED_MAX + 1}) t`,
);
