/** Reads of one stream's past: by stream version, by position, and the chain of its destroys. Rows come back authenticated. */
import type { Uuid } from '../crypto/bytes.js';
import { E } from '../fp.js';
import { decodeKeyRow } from '../keys/store.js';
import { int4Array } from '../postgres/arrays.js';
import { type Query, query, type RawRow, type RowDecoder, type Runner } from '../sql.js';
import { authenticate, decodeEvent, EVENT_COLUMNS, eventRow, type RowKeys, type StoredEvent } from './event.js';
import { IntegrityError } from './integrity.js';
import type { KeyRow } from './sealed-event.js';

export interface EventWithKey {
  readonly event: StoredEvent;
  readonly key: KeyRow | null;
}

const eventWithKey: RowDecoder<EventWithKey> = (raw: RawRow) => {
  const event = decodeEvent(raw);
  return event ? E.right({ event, key: decodeKeyRow(raw, 'k_') }) : E.left('an events row with its key');
};

const K_COLUMNS =
  'k.key_id as k_key_id, k.kind as k_kind, k.owner as k_owner, k.term as k_term, k.wrapped as k_wrapped';
const E_COLUMNS = EVENT_COLUMNS.split(', ')
  .map(column => `e.${column}`)
  .join(', ');

const range: Query<StoredEvent> = query(
  'stream_range',
  eventRow,
  `select ${EVENT_COLUMNS} from events where stream_id = $1 and stream_version between $2 and $3 order by stream_version`,
);

const bodies: Query<EventWithKey> = query(
  'stream_bodies',
  eventWithKey,
  `select ${E_COLUMNS}, e.body, ${K_COLUMNS}
     from events e left join keys k on k.key_id = e.key_id
    where e.stream_id = $1 and e.stream_version = any ($2::integer[])
    order by e.stream_version`,
);

const bodyAtPosition: Query<EventWithKey> = query(
  'event_body_at_position',
  eventWithKey,
  `select ${E_COLUMNS}, e.body, ${K_COLUMNS}
     from events e left join keys k on k.key_id = e.key_id
    where e.position = $1`,
);

/** From the newest destroy back to the first that is not newer than a write, or that destroys everything before it. */
const destroys: Query<StoredEvent> = query(
  'stream_destroys',
  eventRow,
  `with recursive chain as (
     select * from events where stream_id = $1 and stream_version = $2
     union all
     select e.* from chain c join events e on e.stream_id = $1 and e.stream_version = (c.facts ->> 'prev')::integer
      where not c.facts ? 'through' and e.stream_version > $3 and e.stream_version < c.stream_version
   )
   select ${EVENT_COLUMNS} from chain`,
);

const newestUpTo: Query<StoredEvent> = query(
  'stream_newest_up_to',
  eventRow,
  `with recursive search (low, high) as (
     select 0, coalesce((select max(stream_version) from events where stream_id = $1), 0)
     union all
     select case when e.position <= $2 then e.stream_version else s.low end,
            case when e.position <= $2 then s.high else e.stream_version - 1 end
       from search s
       join events e on e.stream_id = $1 and e.stream_version = (s.low + s.high + 1) / 2
      where s.low < s.high
   )
   select ${EVENT_COLUMNS} from events
    where stream_id = $1
      and stream_version in (select low + d from search, (values (0), (1)) as step (d) where low = high)
    order by stream_version`,
);

const genuine = (keys: RowKeys, streamId: Uuid, event: StoredEvent): StoredEvent => {
  if (event.streamId !== streamId || authenticate(keys, event) === null)
    throw new IntegrityError('event', event.position);
  return event;
};

/** The events with stream versions `from` to `to`, all of them; a gap is an integrity error. */
export const readRange = async (
  runner: Runner,
  keys: RowKeys,
  streamId: Uuid,
  from: number,
  to: number,
): Promise<readonly StoredEvent[]> => {
  const events = await runner.run(range, [streamId, from, to]);
  if (events.length !== to - from + 1) throw new IntegrityError('stream: an event is missing');
  events.forEach((event, i) => {
    if (genuine(keys, streamId, event).streamVersion !== from + i) throw new IntegrityError('event', event.position);
  });
  return events;
};

/** Events with their bodies and key rows, by stream version; those that do not exist are left out. */
export const readBodies = async (
  runner: Runner,
  keys: RowKeys,
  streamId: Uuid,
  streamVersions: readonly number[],
): Promise<readonly EventWithKey[]> => {
  const found = await runner.run(bodies, [streamId, int4Array(streamVersions)]);
  for (const { event } of found) genuine(keys, streamId, event);
  return found;
};

export const readBodyAt = async (runner: Runner, keys: RowKeys, position: number): Promise<EventWithKey | null> => {
  const [found] = await runner.run(bodyAtPosition, [position]);
  if (found === undefined) return null;
  if (found.event.position !== position || authenticate(keys, found.event) === null)
    throw new IntegrityError('event', position);
  return found;
};

/** The stream's newest event at or before `position`, proved by its successor; null when the stream began later. */
export const readNewestUpTo = async (
  runner: Runner,
  keys: RowKeys,
  streamId: Uuid,
  position: number,
): Promise<StoredEvent | null> => {
  const found = await runner.run(newestUpTo, [streamId, position]);
  return provenAsOf(keys, streamId, position, found[0] ?? null, found[1] ?? null);
};

/**
 * The proof of an as-of answer (events.md §1): the event is not after `position`, and the stream's next one is, or does
 * not exist. A stream whose first event is after `position` answers null. Throws when the pair proves nothing.
 */
export const provenAsOf = (
  keys: RowKeys,
  streamId: Uuid,
  position: number,
  first: StoredEvent | null,
  second: StoredEvent | null,
): StoredEvent | null => {
  if (first === null) return null;
  genuine(keys, streamId, first);
  if (first.position > position) {
    if (first.streamVersion !== 1) throw new IntegrityError('stream: an event is missing');
    return null;
  }
  if (second !== null) {
    genuine(keys, streamId, second);
    if (second.streamVersion !== first.streamVersion + 1 || second.position <= position)
      throw new IntegrityError('stream: an event is missing');
  }
  return first;
};

/**
 * Whether a destroy took the key of the event with that stream version, by the chain that starts at the newest destroy
 * (`lastDestroyed` of an authenticated head). A key row that was put back by hand is of no use (events.md §1).
 */
export const wasDestroyed = async (
  runner: Runner,
  keys: RowKeys,
  streamId: Uuid,
  lastDestroyed: number,
  streamVersion: number,
): Promise<boolean> => {
  if (lastDestroyed <= streamVersion) return false;
  const chain = await runner.run(destroys, [streamId, lastDestroyed, streamVersion]);
  let expected: unknown = lastDestroyed;
  for (const event of chain) {
    genuine(keys, streamId, event);
    const { writes, through, prev } = event.facts;
    if (event.streamVersion !== expected || event.type !== 'secret.destroyed')
      throw new IntegrityError('event', event.position);
    if (typeof through === 'number' && through >= streamVersion) return true;
    if (Array.isArray(writes) && writes.includes(streamVersion)) return true;
    if (typeof through === 'number') return false;
    expected = prev;
  }
  // The chain ended where it says that it ends: at no previous destroy, or at one that is older than the write.
  if (typeof expected === 'number' && expected > streamVersion) throw new IntegrityError('chain of destroys');
  return false;
};
