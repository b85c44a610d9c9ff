/**
 * The erasure list: an append-only file outside the database, a line for each destroyed key, written (fsync) before a
 * destroy is answered. After any restore of the database it is applied before anything is served (formats.md §6).
 */
import type { Uuid } from '../crypto/bytes.js';
import { decodeErasedLine, type Erased, encodeErasedLine } from '../crypto/erasure-lines.js';
import type { Custody } from '../keys/custody.js';
import { KeyringKind } from '../keys/key-kinds.js';
import { uuidArray } from '../postgres/arrays.js';
import { noRow, type Query, query, type Runner } from '../sql.js';
import { appendDurably, readIfThere } from './durable-file.js';

const deleteListed: Query<never> = query(
  'keys_delete_listed',
  noRow,
  'delete from keys where key_id = any ($1::uuid[])',
);

const APPLIED_AT_ONCE = 10_000;

export class ErasureList {
  readonly #keyIds = new Set<Uuid>();
  readonly #added = new Set<number>();

  private constructor(
    readonly path: string,
    readonly ledger: Buffer,
  ) {}

  /** Reads the lines that this ledger's keys made, and deletes the key rows that they name, as far as they are back. */
  static async apply(path: string, custody: Custody, runner: Runner): Promise<ErasureList> {
    const list = new ErasureList(path, custody.ledger);
    const entries = custody.keyring.entries.filter(entry => entry.kind === KeyringKind.row);
    // A key of each root key there was: most lines are of the newest.
    const rowKeys = entries.sort((a, b) => b.id - a.id).map(entry => entry.bytes);
    for (const line of ((await readIfThere(path)) ?? '').split('\n')) {
      const erased = firstOf(rowKeys, key => decodeErasedLine(key, custody.ledger, line));
      if (erased !== null) list.#keyIds.add(erased.keyId);
    }
    const ids = [...list.#keyIds];
    for (let i = 0; i < ids.length; i += APPLIED_AT_ONCE)
      await runner.run(deleteListed, [uuidArray(ids.slice(i, i + APPLIED_AT_ONCE))]);
    return list;
  }

  get keyIds(): ReadonlySet<Uuid> {
    return this.#keyIds;
  }

  /** All that the event at `position` destroyed was added by this process. Of lines that were there before, some may be lost. */
  hasAdded(position: number): boolean {
    return this.#added.has(position);
  }

  /** What this process added before is not added again: a command and whoever follows the ledger may both be at it. */
  async add(rowKey: Buffer, erased: readonly Erased[]): Promise<void> {
    const missing = erased.filter(({ keyId, position }) => !(this.#added.has(position) && this.#keyIds.has(keyId)));
    if (missing.length === 0) return;
    const lines = missing.map(each => `${encodeErasedLine(rowKey, this.ledger, each)}\n`);
    await appendDurably(this.path, lines.join(''));
    for (const { keyId, position } of missing) {
      this.#keyIds.add(keyId);
      this.#added.add(position);
    }
  }
}

const firstOf = <A, B>(all: readonly A[], find: (one: A) => B | null): B | null => {
  for (const one of all) {
    const found = find(one);
    if (found !== null) return found;
  }
  return null;
};
