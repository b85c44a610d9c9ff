/**
 * What an unsealed server holds in memory: the root key, the keyring, the wrapping keys of the living terms, the header
 * keys of the epochs. Everything that is sealed, opened, wrapped or authenticated passes through here; `wipe` ends it.
 */
import { type BoxKey, open, seal } from '../crypto/box.js';
import { constantTimeEqual, type Uuid, uuidBytes, uuidText, wipe } from '../crypto/bytes.js';
import { keyContext } from '../crypto/contexts.js';
import { dayKey } from '../crypto/day-key.js';
import { erasureCheck, wrappingKey } from '../crypto/term.js';
import type { LedgerKeys, StoredEvent } from '../ledger/event.js';
import { IntegrityError } from '../ledger/integrity.js';
import type { KeyRow } from '../ledger/sealed-event.js';
import type { Runner } from '../sql.js';
import { KeyringKind } from './key-kinds.js';
import { Keyring, openKeyring } from './keyring.js';
import { epochKeyRows, keyringRow } from './store.js';

const DAY_KEYS_MAX = 4096;

/** A term that is held here: its wrapping key, and what tells that its erasure key is the right one. */
interface HeldTerm {
  readonly key: BoxKey<'key'>;
  /** hex */
  readonly check: string;
}

/** A rotation of the root key, as lane 1 records it. */
export interface RootRotation {
  readonly generation: number;
  /** Header epochs from here on are under the new row key. */
  readonly firstEpoch: number;
  /** The position up to which the earlier row keys authenticate. */
  readonly at: number;
  /** The position of the snapshot that was made for it; 0: none. */
  readonly snapshot: number;
  /** µs */
  readonly recordedAt: number;
}

const NO_ROTATIONS: readonly RootRotation[] = [];

export class Custody implements LedgerKeys {
  readonly ledgerId: Uuid;
  #rootKey: Buffer;
  #keyring: Keyring;
  #activeTerm = (): number => 1;
  isRetired: (epoch: number) => boolean = () => false;
  #rotations: () => readonly RootRotation[] = () => NO_ROTATIONS;
  #currentEpoch = 1;
  readonly #terms = new Map<number, HeldTerm>();
  readonly #headerKeys = new Map<number, Buffer>();
  readonly #dayKeys = new Map<number, Buffer>();
  readonly #rowKeys = new Map<number, Buffer>();
  #ended = false;

  constructor(
    /** L, 16 bytes. */
    readonly ledger: Buffer,
    rootKey: Buffer,
    keyring: Keyring,
    /** E[term] of each living term; wiped with the rest. */
    erasureKeys: ReadonlyMap<number, Buffer>,
  ) {
    this.ledgerId = uuidText(ledger);
    this.#rootKey = rootKey;
    this.#keyring = keyring;
    for (const [term, erasureKey] of erasureKeys) this.holdTerm(term, erasureKey);
  }

  get rootKey(): Buffer {
    return this.#rootKey;
  }

  get keyring(): Keyring {
    return this.#keyring;
  }

  /** The root key was rotated: from now on the ledger is opened, and its keyring sealed, by this one. */
  replaceRoot(rootKey: Buffer, keyring: Keyring): void {
    wipe(this.#rootKey);
    this.#rootKey = rootKey;
    this.replaceKeyring(keyring);
  }

  /**
   * A keyring change was committed. What is not in the new one is overwritten; of what lives on, the bytes that are in use
   * here stay, and a second copy, as a keyring read from the database brings along, is overwritten.
   */
  replaceKeyring(keyring: Keyring): void {
    const before = new Map(this.#keyring.entries.map(entry => [`${entry.kind}/${entry.id}`, entry.bytes]));
    const entries = keyring.entries.map(entry => {
      const bytes = before.get(`${entry.kind}/${entry.id}`);
      if (bytes === undefined || !constantTimeEqual(bytes, entry.bytes)) return entry;
      before.delete(`${entry.kind}/${entry.id}`);
      if (bytes !== entry.bytes) wipe(entry.bytes);
      return { ...entry, bytes };
    });
    wipe(...before.values());
    this.#keyring = new Keyring(keyring.generation, keyring.rootGeneration, entries);
    this.#rowKeys.clear();
    if (this.#ended) this.wipe();
  }

  /** The active term: new keys are wrapped under it. */
  get term(): number {
    return this.#activeTerm();
  }

  /** Whoever folds lane 1 knows which one it is. */
  followTerm(active: () => number): void {
    this.#activeTerm = active;
  }

  /** Terms that can be opened here, each with the check of its erasure key. */
  get terms(): ReadonlyMap<number, string> {
    return new Map([...this.#terms].map(([term, { check }]) => [term, check]));
  }

  /** Holds a term's wrapping key from now on; the erasure key stays the caller's to wipe. Not in the keyring: nothing. */
  holdTerm(term: number, erasureKey: Buffer): void {
    const share = this.#keyring.share(term);
    if (share === null) return;
    this.dropTerm(term);
    const key = wrappingKey(erasureKey, this.ledger, term, share);
    this.#terms.set(term, { key, check: erasureCheck(erasureKey, this.ledger, term).toString('hex') });
  }

  dropTerm(term: number): void {
    const held = this.#terms.get(term);
    if (held !== undefined) wipe(held.key);
    this.#terms.delete(term);
  }

  get epoch(): number {
    return this.#currentEpoch;
  }

  /** Whoever folds lane 1 knows when a new root key took over, and from which epoch its row key serves. */
  followRoots(rotations: () => readonly RootRotation[]): void {
    this.#rotations = rotations;
  }

  /**
   * Whoever had an earlier root key could make rows with its row key for ever: behind the rotation they count for nothing. And
   * a process that was not told a new root key has no row key for what comes after it.
   */
  rowKey(epoch: number, position = 0): Buffer | null {
    for (const { generation, firstEpoch, at } of this.#rotations())
      if (epoch < firstEpoch ? position > at : generation > this.#keyring.rootGeneration) return null;
    const cached = this.#rowKeys.get(epoch);
    if (cached !== undefined) return cached;
    const key = this.#keyring.rowKey(epoch);
    if (key !== null && this.#rowKeys.size < 1024) this.#rowKeys.set(epoch, key);
    return key;
  }

  /**
   * Row keys of who knew the ledger up to `us`. A process that was not told of a new root key yet has the one before, and knows
   * nothing of after the rotation.
   */
  rowKeysAt(us: number): readonly Buffer[] {
    const replaced = (id: number): boolean =>
      this.#rotations().some(({ firstEpoch, recordedAt }) => id < firstEpoch && us > recordedAt);
    return this.#keyring.entries.flatMap(({ kind, id, bytes }) =>
      kind === KeyringKind.row && !replaced(id) ? [bytes] : [],
    );
  }

  /** Null: no header key of that epoch is held here (not loaded yet, or retired). */
  dayKey(epoch: number, day: number): Buffer | null {
    const at = epoch * 2 ** 22 + day;
    const cached = this.#dayKeys.get(at);
    if (cached !== undefined) return cached;
    const headerKey = this.#headerKeys.get(epoch);
    if (headerKey === undefined || day >= 2 ** 22) return null;
    const key = dayKey(headerKey, this.ledger, epoch, day);
    if (this.#dayKeys.size >= DAY_KEYS_MAX) {
      wipe(...this.#dayKeys.values());
      this.#dayKeys.clear();
    }
    this.#dayKeys.set(at, key);
    return key;
  }

  holdsEpoch(epoch: number): boolean {
    return this.#headerKeys.has(epoch);
  }

  /** Whoever folds lane 1 knows which header epochs are retired: nothing is sealed in them any more. */
  followEpochs(isRetired: (epoch: number) => boolean): void {
    this.isRetired = isRetired;
  }

  /** What is retired by now is overwritten here, too. */
  dropRetired(): void {
    for (const [epoch, key] of this.#headerKeys) {
      if (!this.isRetired(epoch)) continue;
      wipe(key);
      this.#headerKeys.delete(epoch);
      for (const [at, day] of this.#dayKeys) {
        if (Math.floor(at / 2 ** 22) !== epoch) continue;
        wipe(day);
        this.#dayKeys.delete(at);
      }
    }
  }

  /**
   * Before events are folded: whoever then sees what they say finds the keys for it here. Nothing is judged yet: the keyring
   * of another root key, or an older one than an event says, stays away.
   */
  async learn(runner: Runner, events: readonly StoredEvent[]): Promise<void> {
    await this.followKeyring(runner, Math.max(...events.map(recordedGeneration)));
    const lacks = (epoch: unknown): boolean =>
      typeof epoch === 'number' && !this.#headerKeys.has(epoch) && !this.isRetired(epoch);
    if (events.some(({ epoch, type, facts }) => lacks(epoch) || (type === 'epoch.opened' && lacks(facts.epoch))))
      await this.loadEpochs(runner);
  }

  /** The keyring in the database replaces one that is older than `generation`, if it opens and is newer. */
  async followKeyring(runner: Runner, generation: number): Promise<void> {
    if (generation <= this.#keyring.generation) return;
    const [stored] = await runner.run(keyringRow);
    if (stored === undefined) return;
    const { generation: current, rootGeneration } = this.#keyring;
    if (stored.generation <= current) return;
    const opened = openKeyring(this.#rootKey, this.ledger, stored.generation, rootGeneration, stored.box);
    if (opened !== null) this.replaceKeyring(opened);
  }

  /** Loads the header keys of all epochs; an epoch whose row is there but does not open is an integrity error. */
  async loadEpochs(runner: Runner): Promise<void> {
    for (const row of await runner.run(epochKeyRows)) {
      const epoch = uuidBytes(row.owner).readUInt32BE(12);
      // Under a term that another process activated and this one has not followed to: its next look finds it.
      if (this.#headerKeys.has(epoch) || this.isRetired(epoch) || !this.#terms.has(row.term)) continue;
      const key = this.unwrap(row);
      if (key === null) throw new IntegrityError('key row of a header epoch');
      this.addEpoch(epoch, key);
    }
  }

  addEpoch(epoch: number, headerKey: Buffer): void {
    this.#headerKeys.set(epoch, headerKey);
    this.#currentEpoch = Math.max(this.#currentEpoch, epoch);
    if (this.#ended) this.wipe();
  }

  /** A row for a key (or credential, padded) under the active term. */
  wrap(keyId: Uuid, kind: number, owner: Uuid, plaintext: Buffer): KeyRow {
    const { term } = this;
    const held = this.#terms.get(term);
    if (held === undefined) throw new Error(`the erasure key of term ${term} is not on this node`);
    const context = keyContext(keyId, kind, owner, term);
    return { keyId, kind, owner, term, wrapped: seal('key', held.key, this.ledger, context, plaintext) };
  }

  /** The same key under the active term. Throws `IntegrityError` for a row that does not open. */
  current(row: KeyRow): KeyRow {
    if (row.term === this.term) return row;
    const key = this.unwrap(row);
    if (key === null) throw new IntegrityError('key row: it does not open under its term');
    const again = this.wrap(row.keyId, row.kind, row.owner, key);
    wipe(key);
    return again;
  }

  /** Null when the row's term is over, or the row is not what was wrapped under that id, kind, owner and term. */
  unwrap(row: KeyRow): Buffer | null {
    const held = this.#terms.get(row.term);
    if (held === undefined) return null;
    const context = keyContext(row.keyId, row.kind, row.owner, row.term);
    return open('key', held.key, this.ledger, context, row.wrapped);
  }

  /** For good: what was under way, and brings a key along afterwards, has it overwritten. */
  wipe(): void {
    this.#ended = true;
    for (const term of [...this.#terms.keys()]) this.dropTerm(term);
    wipe(this.#rootKey, ...this.#headerKeys.values(), ...this.#dayKeys.values());
    this.#keyring.wipe();
    // What was under way when the server was sealed finds no key, rather than one of zeros.
    this.#keyring = new Keyring(this.#keyring.generation, this.#keyring.rootGeneration, []);
    for (const map of [this.#headerKeys, this.#dayKeys, this.#rowKeys]) map.clear();
  }
}

/** Of the keyring, as an event that changes it says; 0: it says nothing of it. */
const recordedGeneration = ({ type, facts }: StoredEvent): number =>
  type === 'keystore.changed' && typeof facts.generation === 'number' ? facts.generation : 0;

export const ownerOfEpoch = (epoch: number): Uuid => {
  const owner = Buffer.alloc(16);
  owner.writeUInt32BE(epoch, 12);
  return uuidText(owner);
};
