/**
 * The events of lane 1 that authority still stands on, with their headers open: folded again in order they give the same
 * authority. That is what a snapshot holds, so that every fold — also one that is added later — is in it without a word of
 * its own. Tokens are not here: there may be a million of them, and they are packed elsewhere.
 */
import * as t from 'io-ts';
import type { Uuid } from '../crypto/bytes.js';
import { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';

const Kept = t.type({
  position: t.number,
  eventId: t.string,
  streamId: t.string,
  streamVersion: t.number,
  type: t.string,
  recordedAt: t.number,
  actor: t.union([t.string, t.null]),
  keyId: t.union([t.string, t.null]),
  facts: t.record(t.string, t.unknown),
  header: Header,
});
type Kept = t.TypeOf<typeof Kept>;

/** The stream is over: nothing of it says anything any more. */
const ENDS: ReadonlySet<string> = new Set([
  'entity.removed',
  'login.removed',
  'role.removed',
  'secretid.removed',
  'policy.removed',
  'quota.removed',
]);
/** Says everything that the stream's earlier events of this type said. */
const REPLACES: ReadonlySet<string> = new Set([
  'policy.written',
  'role.written',
  'login.written',
  'quota.written',
  'config.changed',
  'secretid.spent',
]);

const isToken = (type: string): boolean => type.startsWith('token.');

export class History {
  readonly #byStream = new Map<Uuid, Kept[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(event: StoredEvent, header: Header): void {
    const { position, eventId, streamId, streamVersion, type, recordedAt, actor, keyId, facts } = event;
    if (isToken(type)) return;
    const before = this.#byStream.get(streamId) ?? [];
    if (type === 'role.removed') this.#endSecretIds(header);
    if (ENDS.has(type) || (type === 'secretid.spent' && !(Number(facts.uses) > 0))) {
      this.#byStream.delete(streamId);
      this.#size -= before.length;
      return;
    }
    const kept = REPLACES.has(type) ? before.filter(other => other.type !== type) : before;
    kept.push({ position, eventId, streamId, streamVersion, type, recordedAt, actor, keyId, facts, header });
    this.#byStream.set(streamId, kept);
    this.#size += kept.length - before.length + (kept === before ? 1 : 0);
  }

  /** A role ends with its secret ids: a snapshot must not bring them back to one of the same name. */
  #endSecretIds({ auth_mount, name }: Header): void {
    for (const [streamId, [first, ...others]] of this.#byStream) {
      if (first?.type !== 'secretid.created') continue;
      if (first.header.auth_mount !== auth_mount || first.header.role !== name) continue;
      this.#byStream.delete(streamId);
      this.#size -= 1 + others.length;
    }
  }

  /** In order of position, as JSON texts. */
  *texts(): Iterable<string> {
    const all = [...this.#byStream.values()].flat().sort((a, b) => a.position - b.position);
    for (const kept of all) yield JSON.stringify(kept);
  }
}

/** The event as folds look at it, and its header; null: not what `texts` gave. */
export const keptEvent = (text: string): { readonly event: StoredEvent; readonly header: Header } | null => {
  const parsed: unknown = JSON.parse(text);
  if (!Kept.is(parsed)) return null;
  const { header, ...kept } = parsed;
  return { header, event: { ...SEALED, ...kept, facts: kept.facts as StoredEvent['facts'] } };
};

/** What no fold of lane 1 looks at: the sealed parts were opened when the event was believed. */
const SEALED = {
  ...{ lane: 1, epoch: 0, day: 0, names: null, body: null, bodyKind: 0, bodyLen: 0, bodyHash: null },
  ...{ header: Buffer.alloc(0), rowMac: Buffer.alloc(32) },
} as const;
