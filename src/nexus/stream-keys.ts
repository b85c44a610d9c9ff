/** The data keys that a secret's stream ever had and has not destroyed: of values and custom metadata, of all generations. */
import type { Uuid } from '../crypto/bytes.js';
import type { StoredEvent } from '../ledger/event.js';
import { readRange } from '../ledger/stream-reads.js';
import type { Session } from './session.js';

export interface StreamKey {
  readonly keyId: Uuid;
  readonly streamVersion: number;
  readonly position: number;
  /** µs */
  readonly recordedAt: number;
  readonly eventId: Uuid;
  readonly type: string;
  /** Stream version of the destroy that took it; null: none did. */
  readonly destroyedBy: number | null;
}

/** Events have headers of up to 256 KiB. */
const AT_ONCE = 500;

/** All of them up to a stream version, in order. Every event is read, authenticated and accounted for. */
export const streamKeys = async (session: Session, node: Uuid, upTo: number): Promise<readonly StreamKey[]> => {
  const keys = new Map<number, StreamKey>();
  for (let from = 1; from <= upTo; from += AT_ONCE) {
    const to = Math.min(upTo, from + AT_ONCE - 1);
    for (const event of await readRange(session.ports.runner, session.custody, node, from, to)) fold(keys, event);
  }
  return [...keys.values()];
};

const fold = (keys: Map<number, StreamKey>, event: StoredEvent): void => {
  const { keyId, streamVersion, position, recordedAt, eventId, type } = event;
  if (keyId !== null)
    keys.set(streamVersion, { keyId, streamVersion, position, recordedAt, eventId, type, destroyedBy: null });
  if (type !== 'secret.destroyed') return;
  const { writes, through } = event.facts;
  const named = new Set(Array.isArray(writes) ? writes : []);
  for (const [at, key] of keys)
    if (key.destroyedBy === null && (named.has(at) || (typeof through === 'number' && at <= through)))
      keys.set(at, { ...key, destroyedBy: streamVersion });
};
