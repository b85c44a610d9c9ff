/**
 * The keyring in memory: index, name, row, token, event-id, snapshot and checkpoint keys, and each living term's wrapping
 * share. It lives wrapped under the root key in one database row; here it exists only while the server is unsealed.
 */
import { type BoxKey, boxKey, open, seal } from '../crypto/box.js';
import { label, wipe } from '../crypto/bytes.js';
import { keyringContext } from '../crypto/contexts.js';
import { decodeKeyring, encodeKeyring, type KeyringEntry } from '../crypto/keyring-tlv.js';
import { prf } from '../crypto/prf.js';
import { randomBytes } from '../crypto/random.js';
import { KeyringKind, KeyringState } from './key-kinds.js';

export class Keyring {
  readonly #byKind = new Map<number, KeyringEntry[]>();
  readonly #newest = new Map<number, readonly Buffer[]>();

  constructor(
    readonly generation: number,
    readonly rootGeneration: number,
    readonly entries: readonly KeyringEntry[],
  ) {
    for (const entry of entries) {
      const same = this.#byKind.get(entry.kind);
      if (same) same.push(entry);
      else this.#byKind.set(entry.kind, [entry]);
    }
    for (const [kind, same] of this.#byKind) this.#newest.set(kind, same.map(({ bytes }) => bytes).reverse());
  }

  get indexKey(): Buffer {
    return this.#only(KeyringKind.index);
  }

  get tokenKey(): Buffer {
    return this.#only(KeyringKind.token);
  }

  /** The one in use first, then those of earlier root keys: what they hashed is still found. */
  get tokenKeys(): readonly Buffer[] {
    return this.#newestFirst(KeyringKind.token);
  }

  get eventIdKey(): Buffer {
    return this.#only(KeyringKind.eventId);
  }

  /** Those of earlier root keys, the newest first. */
  get formerEventIdKeys(): readonly Buffer[] {
    return this.#newestFirst(KeyringKind.eventId).slice(1);
  }

  /** Seeds of the keys that signed, and sign, checkpoints; the one in use first. */
  get checkpointSeeds(): readonly Buffer[] {
    return this.#newestFirst(KeyringKind.checkpointSeed);
  }

  get snapshotKey(): BoxKey<'snapshot'> {
    return boxKey('snapshot', this.#only(KeyringKind.snapshot));
  }

  /** The key of a mount's names, by the mount's number. */
  nameKey(mountNumber: number): BoxKey<'name'> | null {
    const entry = this.#byKind.get(KeyringKind.name)?.find(({ id }) => id === mountNumber);
    return entry === undefined ? null : boxKey('name', entry.bytes);
  }

  /** The row key that serves an epoch: of those whose first epoch is not later, the newest. */
  rowKey(epoch: number): Buffer | null {
    let best: KeyringEntry | null = null;
    for (const entry of this.#byKind.get(KeyringKind.row) ?? [])
      if (entry.id <= epoch && (best === null || entry.id > best.id)) best = entry;
    return best?.bytes ?? null;
  }

  /** The epoch from which the newest row key serves. */
  get newestRowEpoch(): number {
    return Math.max(...(this.#byKind.get(KeyringKind.row) ?? []).map(({ id }) => id));
  }

  /** W[term], or null when the term is over. */
  share(term: number): Buffer | null {
    return this.#byKind.get(KeyringKind.share)?.find(({ id }) => id === term)?.bytes ?? null;
  }

  /** Terms that have a share: the living ones, and one that is prepared. */
  get terms(): readonly number[] {
    return (this.#byKind.get(KeyringKind.share) ?? []).map(({ id }) => id).sort((a, b) => a - b);
  }

  /** Terms under which keys may lie. */
  get livingTerms(): readonly number[] {
    const living = (this.#byKind.get(KeyringKind.share) ?? []).filter(({ state }) => state === KeyringState.active);
    return living.map(({ id }) => id).sort((a, b) => a - b);
  }

  wipe(): void {
    wipe(...this.entries.map(({ bytes }) => bytes));
  }

  #only(kind: number): Buffer {
    const [newest] = this.#newestFirst(kind);
    if (newest === undefined) throw new Error(`the keyring has no key of kind ${kind}`);
    return newest;
  }

  #newestFirst(kind: number): readonly Buffer[] {
    return this.#newest.get(kind) ?? [];
  }
}

/** A fresh key. `createdAt` µs. */
export const newEntry = (kind: number, id: number, createdAt: number): KeyringEntry => ({
  ...{ kind, id, createdAt, state: KeyringState.active },
  bytes: randomBytes(32),
});

/** A new ledger's keyring: one of each key, a name key for each of `mounts` mounts, and the share of term 1. `createdAt` µs. */
export const newKeyring = (createdAt: number, mounts: number): Keyring => {
  const entry = (kind: number, id: number): KeyringEntry => newEntry(kind, id, createdAt);
  const K = KeyringKind;
  return new Keyring(1, 1, [
    ...[K.index, K.token, K.eventId, K.snapshot].map(kind => entry(kind, 1)),
    entry(K.row, 1),
    entry(K.checkpointSeed, 1),
    entry(K.share, 1),
    ...Array.from({ length: mounts }, (_, i) => entry(K.name, i + 1)),
  ]);
};

/** What a new root key brings with it, and what happens to what was before. */
export interface Succession {
  readonly add: readonly KeyringEntry[];
  readonly remove: readonly KeyringEntry[];
}

/** Kinds that go on as what knows, or proves, what was made with them; the keys of names cannot be changed. */
const SUCCEEDED: readonly number[] = [
  KeyringKind.row,
  KeyringKind.checkpointSeed,
  KeyringKind.token,
  KeyringKind.eventId,
];

/**
 * New row, checkpoint, token, event-id and snapshot keys. A former snapshot key goes: what it opens could be made by whoever
 * has it. `firstEpoch` = the header epoch from which the new row key serves; `createdAt` µs.
 */
export const succession = (keyring: Keyring, firstEpoch: number, createdAt: number): Succession => {
  const kinds = [...SUCCEEDED, KeyringKind.snapshot];
  const remove = keyring.entries.filter(({ kind }) => kinds.includes(kind));
  const nextId = (kind: number): number =>
    kind === KeyringKind.row ? firstEpoch : Math.max(...remove.filter(e => e.kind === kind).map(({ id }) => id)) + 1;
  return {
    remove,
    add: [
      ...remove.filter(({ kind }) => SUCCEEDED.includes(kind)).map(entry => ({ ...entry, state: KeyringState.former })),
      ...kinds.map(kind => newEntry(kind, nextId(kind), createdAt)),
    ],
  };
};

const keyringKey = (rootKey: Buffer, ledger: Buffer): BoxKey<'keyring'> =>
  boxKey('keyring', prf(rootKey, Buffer.concat([label('keyring-key'), ledger])));

export const sealKeyring = (rootKey: Buffer, ledger: Buffer, keyring: Keyring): Buffer => {
  const key = keyringKey(rootKey, ledger);
  const plaintext = encodeKeyring(keyring.entries);
  const context = keyringContext(keyring.generation, keyring.rootGeneration);
  const box = seal('keyring', key, ledger, context, plaintext, { provider: 'noble' });
  wipe(key, plaintext);
  return box;
};

/** Null when the box is not this ledger's keyring of that generation under this root key. */
export const openKeyring = (
  rootKey: Buffer,
  ledger: Buffer,
  generation: number,
  rootGeneration: number,
  box: Buffer,
): Keyring | null => {
  const key = keyringKey(rootKey, ledger);
  const plaintext = open('keyring', key, ledger, keyringContext(generation, rootGeneration), box, {
    provider: 'noble',
  });
  wipe(key);
  if (plaintext === null) return null;
  const entries = decodeKeyring(plaintext);
  wipe(plaintext);
  return entries === null ? null : new Keyring(generation, rootGeneration, entries);
};
