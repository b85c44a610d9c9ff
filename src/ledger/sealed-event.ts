/**
 * An event that is sealed but has no place yet. Header and body are sealed and hashed before the append lock; under it
 * only what depends on the head is added: facts, stream version, position, leaf, MAC (formats.md §8).
 */
import type { Uuid } from '../crypto/bytes.js';
import { bodyHash, sealedHashOf } from '../crypto/event-hash.js';
import { BodyKind, type StoredEvent } from './event.js';

/** One row of the key store, made with the event whose body it opens. */
export interface KeyRow {
  readonly keyId: Uuid;
  readonly kind: number;
  readonly owner: Uuid;
  readonly term: number;
  readonly wrapped: Buffer;
}

export interface SealedEvent {
  readonly eventId: Uuid;
  readonly streamId: Uuid;
  readonly type: string;
  readonly lane: number;
  readonly actor: Uuid | null;
  readonly epoch: number;
  readonly day: number;
  readonly keyId: Uuid | null;
  readonly header: Buffer;
  readonly names: Buffer | null;
  readonly body: Buffer | null;
  readonly bodyKind: number;
  readonly bodyLen: number;
  readonly bodyHash: Buffer | null;
  readonly sealedHash: Buffer;
  /** The key row that comes with it, if its body has a data key of its own. */
  readonly keyRow: KeyRow | null;
}

export type Unhashed = Omit<SealedEvent, 'bodyKind' | 'bodyLen' | 'bodyHash' | 'sealedHash'>;

/**
 * Hashes the sealed parts. `block`: the body is a block of recorded requests and lives in a partition of its own.
 *
 * Field by field, here and below: taking or spreading the rest of an object costs more than all the hashes of its place.
 */
export const hashSealed = (ledger: Buffer, parts: Unhashed, block = false): SealedEvent => {
  const { body } = parts;
  const bodyKind = body === null ? BodyKind.none : block ? BodyKind.block : BodyKind.row;
  const hashed = { bodyKind, bodyLen: body?.length ?? 0, bodyHash: body === null ? null : bodyHash(body) };
  return {
    eventId: parts.eventId,
    streamId: parts.streamId,
    type: parts.type,
    lane: parts.lane,
    actor: parts.actor,
    epoch: parts.epoch,
    day: parts.day,
    keyId: parts.keyId,
    header: parts.header,
    names: parts.names,
    body,
    keyRow: parts.keyRow,
    bodyKind: hashed.bodyKind,
    bodyLen: hashed.bodyLen,
    bodyHash: hashed.bodyHash,
    sealedHash: sealedHashOf(ledger, parts, hashed),
  };
};

export const placedEvent = (
  sealed: SealedEvent,
  place: Pick<StoredEvent, 'position' | 'streamVersion' | 'recordedAt' | 'facts' | 'rowMac'>,
): StoredEvent => ({
  position: place.position,
  eventId: sealed.eventId,
  streamId: sealed.streamId,
  streamVersion: place.streamVersion,
  type: sealed.type,
  lane: sealed.lane,
  recordedAt: place.recordedAt,
  actor: sealed.actor,
  epoch: sealed.epoch,
  day: sealed.day,
  keyId: sealed.keyId,
  facts: place.facts,
  header: sealed.header,
  names: sealed.names,
  body: sealed.body,
  bodyKind: sealed.bodyKind,
  bodyLen: sealed.bodyLen,
  bodyHash: sealed.bodyHash,
  rowMac: place.rowMac,
});

/** What the event weighs on the wire, for the limits of batch and queue; bytes. */
export const weightOf = (event: SealedEvent): number =>
  400 + event.header.length + (event.names?.length ?? 0) + (event.body?.length ?? 0);
