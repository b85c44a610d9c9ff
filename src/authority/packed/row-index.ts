/**
 * From the bytes of a column to the row that holds them: open addressing with linear probing over row numbers alone, so that
 * a million rows cost eight megabytes and no object. The bytes are random (ids, keyed hashes, accessors): nobody who does not
 * hold the keys can choose them to collide.
 */

/** A row's key in its column: `width` bytes at row · width. */
export interface Column {
  readonly bytes: Uint8Array;
}

const EMPTY = -1;
const SLOTS_MIN = 64;

export class RowIndex {
  #slots = new Int32Array(SLOTS_MIN).fill(EMPTY);
  #size = 0;

  constructor(
    readonly column: Column,
    readonly width: number,
  ) {}

  /** The row, or -1. */
  find(key: Uint8Array): number {
    const mask = this.#slots.length - 1;
    for (let at = hashOf(key, 0) & mask; ; at = (at + 1) & mask) {
      const row = this.#slots[at] ?? EMPTY;
      if (row === EMPTY || this.#holds(row, key)) return row;
    }
  }

  /** Room for so many rows at once, in an index that is empty. */
  reserve(rows: number): void {
    this.#slots = new Int32Array(Math.max(SLOTS_MIN, 2 ** Math.ceil(Math.log2(rows * 2 + 1)))).fill(EMPTY);
  }

  /** The row's key must be in the column already, and in no other row. */
  add(row: number): void {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    this.#place(row);
    this.#size += 1;
  }

  /** Before the column is overwritten. */
  remove(row: number): void {
    const mask = this.#slots.length - 1;
    let at = this.#home(row);
    for (; this.#slots[at] !== row; at = (at + 1) & mask) if (this.#slots[at] === EMPTY) return;
    // What was pushed on by the removed one moves back, so that no search ends early (Knuth, TAOCP 6.4, algorithm R).
    for (let next = (at + 1) & mask; ; next = (next + 1) & mask) {
      const moved = this.#slots[next] ?? EMPTY;
      if (moved === EMPTY) break;
      if (((next - this.#home(moved)) & mask) < ((next - at) & mask)) continue;
      this.#slots[at] = moved;
      at = next;
    }
    this.#slots[at] = EMPTY;
    this.#size -= 1;
  }

  #home(row: number): number {
    return hashOf(this.column.bytes, row * this.width) & (this.#slots.length - 1);
  }

  #place(row: number): void {
    const mask = this.#slots.length - 1;
    let at = this.#home(row);
    while (this.#slots[at] !== EMPTY) at = (at + 1) & mask;
    this.#slots[at] = row;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Int32Array(before.length * 2).fill(EMPTY);
    for (const row of before) if (row !== EMPTY) this.#place(row);
  }

  #holds(row: number, key: Uint8Array): boolean {
    const { bytes } = this.column;
    const from = row * this.width;
    for (let i = 0; i < this.width; i += 1) if (bytes[from + i] !== key[i]) return false;
    return true;
  }
}

/** FNV-1a over eight bytes. */
const hashOf = (bytes: Uint8Array, from: number): number => {
  let hash = 0x811c9dc5;
  for (let i = from; i < from + 8; i += 1) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash >>> 0;
};
