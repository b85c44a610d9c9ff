/**
 * What an unsealed server holds in memory: the root key, the keyring, the wrapping keys of the living terms, the header
 * keys of the epochs. Everything that is sealed, opened, wrapped or authenticated passes through here; `wipe` ends it.
 */
import { type BoxKey, open, seal } from '../crypto/box.js';
import { type Uuid, uuidBytes, uuidText, wipe } from '../crypto/bytes.js';
import { keyContext } from '../crypto/contexts.js';
import { dayKey } from '../crypto/day-key.js';
import { wrappingKey } from '../crypto/term.js';
import type { RowKeys, StoredEvent } from '../ledger/event.js';
import { IntegrityError } from '../ledger/integrity.js';
import type { KeyRow } from '../ledger/sealed-event.js';
import type { Runner } from '../sql.js';
import type { Keyring } from './keyring.js';
import { epochKeyRows } from './store.js';

const DAY_KEYS_MAX = 4096;

export class Custody implements RowKeys {
  readonly ledgerId: Uuid;
  #keyring: Keyring;
  #currentTerm = 1;
  #currentEpoch = 1;
  readonly #wrapping = new Map<number, BoxKey<'key'>>();
  readonly #headerKeys = new Map<number, Buffer>();
  readonly #dayKeys = new Map<number, Buffer>();
  readonly #rowKeys = new Map<number, Buffer>();

  constructor(
    /** L, 16 bytes. */
    readonly ledger: Buffer,
    readonly rootKey: Buffer,
    keyring: Keyring,
    /** E[term] of each living term; wiped with the rest. */
    erasureKeys: ReadonlyMap<number, Buffer>,
  ) {
    this.ledgerId = uuidText(ledger);
    this.#keyring = keyring;
    for (const [term, erasureKey] of erasureKeys) {
      const share = keyring.share(term);
      if (share !== null) this.#wrapping.set(term, wrappingKey(erasureKey, ledger, term, share));
    }
  }

  get keyring(): Keyring {
    return this.#keyring;
  }

  /** A keyring change was committed. What is not in the new one is overwritten; what lives on stays as it is. */
  replaceKeyring(keyring: Keyring): void {
    const living = new Set(keyring.entries.map(({ kind, id }) => `${kind}/${id}`));
    for (const { kind, id, bytes } of this.#keyring.entries) if (!living.has(`${kind}/${id}`)) wipe(bytes);
    this.#keyring = keyring;
    this.#rowKeys.clear();
  }

  get term(): number {
    return this.#currentTerm;
  }

  get epoch(): number {
    return this.#currentEpoch;
  }

  rowKey(epoch: number): Buffer | null {
    const cached = this.#rowKeys.get(epoch);
    if (cached !== undefined) return cached;
    const key = this.#keyring.rowKey(epoch);
    if (key !== null && this.#rowKeys.size < 1024) this.#rowKeys.set(epoch, key);
    return key;
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

  /** Events of an epoch that another node opened: their headers cannot be opened before `loadEpochs`. */
  lacksEpochOf(events: readonly StoredEvent[]): boolean {
    return events.some(event => !this.#headerKeys.has(event.epoch));
  }

  /** Loads the header keys of all epochs; an epoch whose row is there but does not open is an integrity error. */
  async loadEpochs(runner: Runner): Promise<void> {
    for (const row of await runner.run(epochKeyRows)) {
      const epoch = uuidBytes(row.owner).readUInt32BE(12);
      if (this.#headerKeys.has(epoch)) continue;
      const key = this.unwrap(row);
      if (key === null) throw new IntegrityError('key row of a header epoch');
      this.addEpoch(epoch, key);
    }
  }

  addEpoch(epoch: number, headerKey: Buffer): void {
    this.#headerKeys.set(epoch, headerKey);
    this.#currentEpoch = Math.max(this.#currentEpoch, epoch);
  }

  /** A row for a key (or credential, padded) under the current term. */
  wrap(keyId: Uuid, kind: number, owner: Uuid, plaintext: Buffer): KeyRow {
    const term = this.#currentTerm;
    const wrapping = this.#wrapping.get(term);
    if (wrapping === undefined) throw new Error('the current term has no wrapping key');
    const context = keyContext(keyId, kind, owner, term);
    return { keyId, kind, owner, term, wrapped: seal('key', wrapping, this.ledger, context, plaintext) };
  }

  /** Null when the row's term is over, or the row is not what was wrapped under that id, kind, owner and term. */
  unwrap(row: KeyRow): Buffer | null {
    const wrapping = this.#wrapping.get(row.term);
    if (wrapping === undefined) return null;
    const context = keyContext(row.keyId, row.kind, row.owner, row.term);
    return open('key', wrapping, this.ledger, context, row.wrapped);
  }

  wipe(): void {
    wipe(this.rootKey, ...this.#wrapping.values(), ...this.#headerKeys.values());
    wipe(...this.#dayKeys.values());
    this.#keyring.wipe();
    for (const map of [this.#wrapping, this.#headerKeys, this.#dayKeys, this.#rowKeys]) map.clear();
  }
}

export const ownerOfEpoch = (epoch: number): Uuid => {
  const owner = Buffer.alloc(16);
  owner.writeUInt32BE(epoch, 12);
  return uuidText(owner);
};
