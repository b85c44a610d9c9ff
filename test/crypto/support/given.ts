/** The inputs of the vectors in formats.md §10, by the names that they have there. */
import { boxKey } from '../../../src/crypto/box.js';
import { uuidText } from '../../../src/crypto/bytes.js';
import { bodyContext, headerContext, nameContext } from '../../../src/crypto/contexts.js';
import { dayKey } from '../../../src/crypto/day-key.js';
import type { SealedParts } from '../../../src/crypto/event-hash.js';
import { mountIndexKey, node } from '../../../src/crypto/names.js';

/** Bytes start, start + 1, … */
export const seq = (start: number, n: number): Buffer =>
  Buffer.from(Array.from({ length: n }, (_, i) => (start + i) & 0xff));

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const uuid = (start: number): string => uuidText(seq(start, 16));

export const ledger = seq(0x10, 16);
export const eventId = uuid(0x20);
export const keyId = uuid(0x30);
export const dataKey = boxKey('body', seq(0x40, 32));
export const actor = uuid(0x50);
export const tokenKey = seq(0x60, 32);
export const eventIdKey = seq(0x65, 32);
export const mount = uuid(0x70);
export const indexKey = seq(0x80, 32);
export const share = seq(0x90, 32);
export const salt = seq(0xa0, 24);
export const headerKey = seq(0xc0, 32);
export const rowKey = seq(0xe0, 32);
export const erasureKey = seq(0x01, 32);
export const nameKey = boxKey('name', seq(0x15, 32));
export const ikm = seq(0x00, 32);
export const slotId = uuid(0xb0);

export const type = 'secret.written';
export const epoch = 1;
export const day = 20_000;
export const position = 7;
export const recordedAt = 1_764_000_000_000_000;

export const mountKey = mountIndexKey(indexKey, ledger, mount);
export const team = node(mountKey, ledger, mount, 'team');
export const db = node(mountKey, ledger, team, 'db');
export const todaysKey = boxKey('header', dayKey(headerKey, ledger, epoch, day));

export const contextOfBody = bodyContext(eventId, db, keyId, type);
export const contextOfHeader = headerContext(eventId, db, epoch, day, type);
export const contextOfName = nameContext(db, team);

/** Everything of the event but the hashes of its parts. */
export const eventWith = (
  hashes: Pick<SealedParts, 'headerHash' | 'namesHash' | 'bodyHash' | 'bodyLen'>,
): SealedParts => ({ eventId, streamId: db, type, lane: 0, actor, epoch, day, keyId, bodyKind: 1, ...hashes });
