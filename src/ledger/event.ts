/**
 * The stored event: its columns, how a row is decoded, and how it is authenticated. No event that was read from the
 * database is used before `authenticate` has recomputed its hashes and compared its MAC (formats.md §8, §9.1).
 */
import type { Uuid } from '../crypto/bytes.js';
import { constantTimeEqual } from '../crypto/bytes.js';
import { bodyHash, entry, eventHash, factsHash, leafHash, rowMac, sealedHashOf } from '../crypto/event-hash.js';
import type { Facts } from '../domain/facts.js';
import { E } from '../fp.js';
import type { RawRow, RowDecoder, Runner } from '../sql.js';
import type { KeyRow } from './sealed-event.js';

/** 0 data, 1 authority, 2 recorded requests. */
export type Lane = 0 | 1 | 2;

/** Where the body is: nowhere, in the row, or in a block partition that may be dropped after its retention. */
export const BodyKind = { none: 0, row: 1, block: 2 } as const;

/** An event with its place. `body` is null when there is none and when the reader did not select it. */
export interface StoredEvent {
  readonly position: number;
  readonly eventId: Uuid;
  readonly streamId: Uuid;
  readonly streamVersion: number;
  readonly type: string;
  readonly lane: number;
  /** µs since 1970, whole milliseconds */
  readonly recordedAt: number;
  readonly actor: Uuid | null;
  readonly epoch: number;
  readonly day: number;
  readonly keyId: Uuid | null;
  readonly facts: Facts;
  readonly header: Buffer;
  readonly names: Buffer | null;
  readonly body: Buffer | null;
  readonly bodyKind: number;
  readonly bodyLen: number;
  readonly bodyHash: Buffer | null;
  readonly rowMac: Buffer;
}

/** Everything but the body: what it takes to authenticate a row. */
export const EVENT_COLUMNS =
  'position, event_id, stream_id, stream_version, type, lane, recorded_at, actor, epoch, day, key_id, facts, header, names, body_kind, body_len, body_hash, row_mac';

/** The same columns of the row `alias`, each named `prefix` + column, for statements that join several events. */
export const eventColumnsOf = (alias: string, prefix: string, body: boolean): string =>
  [...EVENT_COLUMNS.split(', '), ...(body ? ['body'] : [])]
    .map(column => `${alias}.${column} as ${prefix}${column}`)
    .join(', ');

const isUuidOrNull = (value: unknown): value is string | null => value === null || typeof value === 'string';
const isBytesOrNull = (value: unknown): value is Buffer | null => value === null || Buffer.isBuffer(value);

/** Decodes the columns whose names start with `prefix`; null when the row is absent (an outer join found nothing). */
export const decodeEvent = (raw: RawRow, prefix = ''): StoredEvent | null | undefined => {
  const position = raw[`${prefix}position`];
  if (position === null) return null;
  const streamVersion = raw[`${prefix}stream_version`];
  const recordedAt = raw[`${prefix}recorded_at`];
  const [eventId, streamId, type] = [raw[`${prefix}event_id`], raw[`${prefix}stream_id`], raw[`${prefix}type`]];
  const [lane, epoch, day] = [raw[`${prefix}lane`], raw[`${prefix}epoch`], raw[`${prefix}day`]];
  const [actor, keyId] = [raw[`${prefix}actor`], raw[`${prefix}key_id`]];
  const [facts, header] = [raw[`${prefix}facts`], raw[`${prefix}header`]];
  const [names, body] = [raw[`${prefix}names`], raw[`${prefix}body`] ?? null];
  const [bodyKind, bodyLen] = [raw[`${prefix}body_kind`], raw[`${prefix}body_len`]];
  const [hash, mac] = [raw[`${prefix}body_hash`], raw[`${prefix}row_mac`]];
  if (
    typeof position !== 'number' ||
    typeof streamVersion !== 'number' ||
    typeof recordedAt !== 'number' ||
    typeof eventId !== 'string' ||
    typeof streamId !== 'string' ||
    typeof type !== 'string' ||
    typeof lane !== 'number' ||
    typeof epoch !== 'number' ||
    typeof day !== 'number' ||
    !isUuidOrNull(actor) ||
    !isUuidOrNull(keyId) ||
    !isFacts(facts) ||
    !Buffer.isBuffer(header) ||
    !isBytesOrNull(names) ||
    !isBytesOrNull(body) ||
    typeof bodyKind !== 'number' ||
    typeof bodyLen !== 'number' ||
    !isBytesOrNull(hash) ||
    !Buffer.isBuffer(mac)
  )
    return undefined;
  return {
    position,
    eventId,
    streamId,
    streamVersion,
    type,
    lane,
    recordedAt,
    actor,
    epoch,
    day,
    keyId,
    facts,
    header,
    names,
    body,
    bodyKind,
    bodyLen,
    bodyHash: hash,
    rowMac: mac,
  };
};

const isFacts = (value: unknown): value is Facts =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const eventRow: RowDecoder<StoredEvent> = raw => {
  const event = decodeEvent(raw);
  return event ? E.right(event) : E.left('an events row');
};

/** The keys that authenticating needs: which row key serves an epoch. */
export interface RowKeys {
  readonly ledger: Buffer;
  /** null: no such epoch was ever opened, or its row key authenticates nothing as far on as `position` (0: asked for no row). */
  rowKey(epoch: number, position?: number): Buffer | null;
}

/** What folding and appending need beside that. */
export interface LedgerKeys extends RowKeys {
  /** Before these events are folded: loads the keys that another process brought about with them. */
  learn(runner: Runner, events: readonly StoredEvent[]): Promise<void>;
  /** Nothing new may be of a retired epoch: its header could never be opened. */
  isRetired(epoch: number): boolean;
  /** The key under the term that is active at the head: a row that was wrapped before its activation is wrapped again. */
  current(row: KeyRow): KeyRow;
}

/**
 * The Merkle leaf hash of a row that is genuine, null for one that is not: edited, moved, forged, or with a body that is
 * not the one that was hashed. Facts that cannot be encoded count as edited.
 */
export const authenticate = (keys: RowKeys, event: StoredEvent): Buffer | null => {
  const key = keys.rowKey(event.epoch, event.position);
  if (key === null) return null;
  if (event.body !== null && event.bodyKind === BodyKind.row) {
    if (event.bodyHash === null || event.body.length !== event.bodyLen) return null;
    if (!constantTimeEqual(bodyHash(event.body), event.bodyHash)) return null;
  }
  const leaf = leafOf(keys.ledger, event);
  if (leaf === null) return null;
  return constantTimeEqual(rowMac(key, keys.ledger, leaf), event.rowMac) ? leaf : null;
};

/** The leaf hash that the row's columns give, whether the row is genuine or not; null if they cannot be encoded. */
export const leafOf = (ledger: Buffer, event: StoredEvent): Buffer | null => {
  try {
    const sealed = sealedHashOf(ledger, event, event);
    const hash = eventHash(event.streamVersion, factsHash(event.facts), sealed);
    return leafHash(entry(ledger, event.position, event.recordedAt, hash));
  } catch (error) {
    // Only out-of-range columns (a forged row) can make the encoders refuse.
    if (error instanceof RangeError || error instanceof TypeError) return null;
    throw error;
  }
};
