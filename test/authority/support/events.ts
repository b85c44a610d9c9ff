/** Events of lane 1 for folds, with what folds look at. */
import type { Uuid } from '../../../src/crypto/bytes.js';
import type { Facts } from '../../../src/domain/facts.js';
import type { StoredEvent } from '../../../src/ledger/event.js';

export const laneOne = (type: string, streamId: Uuid, recordedAt: number, facts: Facts = {}): StoredEvent => ({
  ...{ position: 1, eventId: streamId, streamId, streamVersion: 1, type, lane: 1, recordedAt, actor: null },
  ...{ epoch: 1, day: 20_000, keyId: null, facts, header: Buffer.alloc(0), names: null, body: null },
  ...{ bodyKind: 0, bodyLen: 0, bodyHash: null, rowMac: Buffer.alloc(32) },
});
