/**
 * The event's hashes, its Merkle leaf, its MAC, the chain of authority and the head's MAC (formats.md §8). Hashes are made
 * by encoding columns, never by decoding stored bytes.
 */
import type { Facts } from '../domain/facts.js';
import { concat, label, passing, type Uuid, u32, u64, uuidBytes } from './bytes.js';
import { encodeFacts, encodeItems } from './cbor.js';
import { prf, sha256, tagBytes, taggedHash } from './prf.js';

/** Of the sealed bytes as they are stored, 32 bytes each; facts are encoded first. */
export const bodyHash = (body: Buffer): Buffer => taggedHash('body1', body);
export const headerHash = (header: Buffer): Buffer => taggedHash('head1', header);
export const namesHash = (names: Buffer): Buffer => taggedHash('name1', names);
export const factsHash = (facts: Facts): Buffer => taggedHash('fact1', encodeFacts(facts));

/** What is known of an event before the append lock. */
export interface SealedParts {
  readonly eventId: Uuid;
  readonly streamId: Uuid;
  readonly type: string;
  readonly lane: number;
  readonly actor: Uuid | null;
  readonly epoch: number;
  readonly day: number;
  readonly keyId: Uuid | null;
  readonly headerHash: Buffer;
  readonly namesHash: Buffer | null;
  readonly bodyKind: number;
  readonly bodyLen: number;
  readonly bodyHash: Buffer | null;
}

/** What `sealedHash` hashes after its tag. */
export const sealInput = (ledger: Buffer, parts: SealedParts): Buffer =>
  concat(
    ledger,
    encodeItems([
      uuidBytes(parts.eventId),
      uuidBytes(parts.streamId),
      parts.type,
      parts.lane,
      parts.actor === null ? null : uuidBytes(parts.actor),
      parts.epoch,
      parts.day,
      parts.keyId === null ? null : uuidBytes(parts.keyId),
      parts.headerHash,
      parts.namesHash,
      parts.bodyKind,
      parts.bodyLen,
      parts.bodyHash,
    ]),
  );

/** Binds everything of an event that is known before the append lock; the bodies only through their hashes. */
export const sealedHash = (ledger: Buffer, parts: SealedParts): Buffer => taggedHash('seal1', sealInput(ledger, parts));

type Columns = Omit<SealedParts, 'headerHash' | 'namesHash' | 'bodyKind' | 'bodyLen' | 'bodyHash'> & {
  readonly header: Buffer;
  readonly names: Buffer | null;
};

/** `sealedHash` of an event's columns, whose header and names are hashed here; of its body only kind, length and hash are asked. */
export const sealedHashOf = (
  ledger: Buffer,
  event: Columns,
  body: Pick<SealedParts, 'bodyKind' | 'bodyLen' | 'bodyHash'>,
): Buffer =>
  sealedHash(ledger, {
    eventId: event.eventId,
    streamId: event.streamId,
    type: event.type,
    lane: event.lane,
    actor: event.actor,
    epoch: event.epoch,
    day: event.day,
    keyId: event.keyId,
    headerHash: headerHash(event.header),
    namesHash: event.names === null ? null : namesHash(event.names),
    bodyKind: body.bodyKind,
    bodyLen: body.bodyLen,
    bodyHash: body.bodyHash,
  });

/** `facts` and `sealed` are their hashes. Stream version and facts are decided at the head of the ledger. */
export const eventHash = (streamVersion: number, facts: Buffer, sealed: Buffer): Buffer =>
  taggedHash('evnt1', concat(u64(streamVersion), facts, sealed));

/** The 80 bytes that are the Merkle leaf's data. `recordedAt` µs. */
export const entry = (ledger: Buffer, position: number, recordedAt: number, hash: Buffer): Buffer =>
  concat(tagBytes('leaf1'), ledger, u64(position), u64(recordedAt), hash);

const LEAF = Buffer.from([0]);

/** RFC 6962 §2.1: H(0x00 ‖ entry). */
export const leafHash = (data: Buffer): Buffer => sha256(passing(LEAF, data));

/** The column beside the row, not in the tree; only who holds the row key of the epoch can make it. */
export const rowMac = (rowKey: Buffer, ledger: Buffer, leaf: Buffer): Buffer =>
  prf(rowKey, passing(label('row'), ledger, leaf));

/** c(i+1) from c(i) and the leaf of the next event of lane 1; c(0) is 32 zero bytes. */
export const authorityChain = (previous: Buffer, leaf: Buffer): Buffer =>
  sha256(passing(label('authority'), previous, leaf));

export interface HeadParts {
  readonly epoch: number;
  readonly size: number;
  readonly root: Buffer;
  /** µs */
  readonly lastRecordedAt: number;
  readonly authorityCount: number;
  readonly authorityChain: Buffer;
  readonly keyringGeneration: number;
  /** The hashes one after another. */
  readonly frontier: Buffer;
}

/** Over the batch's head: who does not hold the row key can neither cut the ledger short nor put another in its place. */
export const headMac = (rowKey: Buffer, ledger: Buffer, head: HeadParts): Buffer =>
  prf(
    rowKey,
    concat(
      label('head'),
      ledger,
      u32(head.epoch),
      u64(head.size),
      head.root,
      u64(head.lastRecordedAt),
      u64(head.authorityCount),
      head.authorityChain,
      u64(head.keyringGeneration),
      sha256(head.frontier),
    ),
  );
