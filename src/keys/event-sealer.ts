/**
 * Seals the parts of a new event and opens those of a stored one: header under the day key, body under a data key of its
 * own, name boxes under the mount's name key (formats.md §1, §4, §5, §6).
 */
import { boxKey, open, openingKey, openWith, seal } from '../crypto/box.js';
import { type Uuid, wipe } from '../crypto/bytes.js';
import { blockContext, bodyContext, headerContext, nameContext } from '../crypto/contexts.js';
import { dayOf } from '../crypto/day-key.js';
import { encodeNames } from '../crypto/names.js';
import { pad, pad32, padBlock, padText, unpad, unpad32, unpadBlock } from '../crypto/padding.js';
import { randomBytes, randomUuid4 } from '../crypto/random.js';
import { HEADER_BYTES_MAX, Header } from '../domain/header.js';
import { BodyKind, type StoredEvent } from '../ledger/event.js';
import { hashSealed, type KeyRow, type SealedEvent } from '../ledger/sealed-event.js';
import type { Custody } from './custody.js';

export interface NewName {
  readonly node: Uuid;
  readonly parent: Uuid;
  readonly segment: string;
  readonly mountNumber: number;
}

export interface EventDraft {
  readonly eventId: Uuid;
  readonly streamId: Uuid;
  readonly type: string;
  readonly lane: number;
  readonly actor: Uuid | null;
  readonly header: Header;
  readonly names?: readonly NewName[];
  /** A data key of `kind` is made for it, with `owner` as in formats.md §6. The plaintext is the caller's to wipe. */
  readonly body?: { readonly kind: number; readonly owner: Uuid; readonly plaintext: Buffer };
}

export class HeaderTooLarge extends Error {
  override readonly name = 'HeaderTooLarge';
}

export const sealEvent = (custody: Custody, draft: EventDraft): SealedEvent => {
  const { eventId, streamId, type, lane, actor } = draft;
  const epoch = custody.epoch;
  const day = dayOf(draft.header.at);
  const header = sealHeader(custody, draft, epoch, day);
  const names = draft.names === undefined || draft.names.length === 0 ? null : sealNames(custody, draft.names);
  const { ledger } = custody;
  if (draft.body === undefined) {
    const none = { keyId: null, body: null, keyRow: null };
    return hashSealed(ledger, { eventId, streamId, type, lane, actor, epoch, day, header, names, ...none });
  }
  const keyId = randomUuid4();
  const dataKey = boxKey('body', randomBytes(32));
  const padded = pad(draft.body.plaintext);
  try {
    const body = seal('body', dataKey, ledger, bodyContext(eventId, streamId, keyId, type), padded);
    const keyRow = custody.wrap(keyId, draft.body.kind, draft.body.owner, dataKey);
    return hashSealed(ledger, { eventId, streamId, type, lane, actor, epoch, day, header, names, keyId, body, keyRow });
  } finally {
    wipe(dataKey, padded);
  }
};

/** A block of recorded requests: the body is sealed under the day key and lives in a partition. */
export const sealBlock = (custody: Custody, draft: Omit<EventDraft, 'body' | 'names'>, lines: Buffer): SealedEvent => {
  const { eventId, streamId, type, lane, actor } = draft;
  const epoch = custody.epoch;
  const day = dayOf(draft.header.at);
  const header = sealHeader(custody, draft, epoch, day);
  const key = boxKey('block', dayKeyOrThrow(custody, epoch, day));
  const body = seal('block', key, custody.ledger, blockContext(eventId, epoch, day), padBlock(lines));
  const parts = { eventId, streamId, type, lane, actor, epoch, day, header, names: null };
  return hashSealed(custody.ledger, { ...parts, keyId: null, body, keyRow: null }, true);
};

/** The lines of a block, or null when the body is not the one that was sealed for this event. */
export const openBlock = (
  custody: Custody,
  event: Pick<StoredEvent, 'eventId' | 'epoch' | 'day'>,
  body: Buffer,
): Buffer | null => {
  const key = custody.dayKey(event.epoch, event.day);
  if (key === null) return null;
  const context = blockContext(event.eventId, event.epoch, event.day);
  const padded = open('block', boxKey('block', key), custody.ledger, context, body);
  return padded === null ? null : unpadBlock(padded);
};

/** Null: the epoch's key is not held, or the header is not what was sealed for this event. */
export const openHeader = (custody: Custody, event: StoredEvent): Header | null => {
  const key = custody.dayKey(event.epoch, event.day);
  if (key === null) return null;
  const context = headerContext(event.eventId, event.streamId, event.epoch, event.day, event.type);
  const padded = open('header', boxKey('header', key), custody.ledger, context, event.header);
  const plaintext = padded === null ? null : unpad(padded);
  if (plaintext === null) return null;
  const parsed: unknown = JSON.parse(plaintext.toString('utf8'));
  return Header.is(parsed) ? parsed : null;
};

/** The plaintext of an event's body with its key row, or null when either is not what was made for this event. */
export const openBody = (custody: Custody, event: StoredEvent, row: KeyRow): Buffer | null => {
  const opening = bodyOpening(custody, event, row);
  if (opening === null) return null;
  try {
    return openBodyWith(opening, event);
  } finally {
    wipe(opening);
  }
};

/** The key that opens the body of this event and nothing else, the caller's to wipe; null as `openBody`. */
export const bodyOpening = (custody: Custody, event: StoredEvent, row: KeyRow): Buffer | null => {
  if (event.body === null || event.bodyKind !== BodyKind.row || event.keyId === null || row.keyId !== event.keyId)
    return null;
  const dataKey = custody.unwrap(row);
  if (dataKey === null) return null;
  const context = bodyContext(event.eventId, event.streamId, event.keyId, event.type);
  const opening = openingKey('body', boxKey('body', dataKey), custody.ledger, context, event.body);
  wipe(dataKey);
  return opening;
};

/** The plaintext of the event's body; null: it is not the body that `opening` was made for. */
export const openBodyWith = (opening: Buffer, { body }: StoredEvent): Buffer | null => {
  const padded = body === null ? null : openWith(opening, body);
  return padded === null ? null : unpad(padded);
};

/** The segment that a name box holds, or null when the box is not the one of this node under this parent. */
export const openName = (
  custody: Custody,
  mountNumber: number,
  node: Uuid,
  parent: Uuid,
  box: Buffer,
): string | null => {
  const key = custody.keyring.nameKey(mountNumber);
  const padded = key === null ? null : open('name', key, custody.ledger, nameContext(node, parent), box);
  return padded === null ? null : (unpad32(padded)?.toString('utf8') ?? null);
};

const sealHeader = (
  custody: Custody,
  draft: Omit<EventDraft, 'body' | 'names'>,
  epoch: number,
  day: number,
): Buffer => {
  const text = JSON.stringify(draft.header);
  if (Buffer.byteLength(text, 'utf8') > HEADER_BYTES_MAX)
    throw new HeaderTooLarge('the header of an event is larger than 256 KiB');
  const key = boxKey('header', dayKeyOrThrow(custody, epoch, day));
  const context = headerContext(draft.eventId, draft.streamId, epoch, day, draft.type);
  return seal('header', key, custody.ledger, context, padText(text));
};

const sealNames = (custody: Custody, names: readonly NewName[]): Buffer =>
  encodeNames(
    names.map(({ node, parent, segment, mountNumber }) => {
      const key = custody.keyring.nameKey(mountNumber);
      if (key === null) throw new Error('the mount has no name key');
      const box = seal('name', key, custody.ledger, nameContext(node, parent), pad32(Buffer.from(segment, 'utf8')));
      return { node, parent, box };
    }),
  );

const dayKeyOrThrow = (custody: Custody, epoch: number, day: number): Buffer => {
  const key = custody.dayKey(epoch, day);
  if (key === null) throw new Error('the current epoch has no header key');
  return key;
};
