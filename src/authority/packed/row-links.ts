/** The tree of children, in links between rows: each row knows its parent, its first child, and its neighbours. */
import { bytesOf, grown } from './columns.js';

export const NO_ROW = -1;

const [PARENT, CHILD, NEXT, PREVIOUS, WIDTH] = [0, 1, 2, 3, 4] as const;

export class RowLinks {
  #links: Int32Array;

  constructor(rows: number) {
    this.#links = new Int32Array(rows * WIDTH).fill(NO_ROW);
  }

  parent(row: number): number {
    return this.#at(row, PARENT);
  }

  *children(row: number): Iterable<number> {
    for (let child = this.#at(row, CHILD); child !== NO_ROW; ) {
      const next = this.#at(child, NEXT);
      yield child;
      child = next;
    }
  }

  /** A row that is taken anew: nobody's child, without children. */
  clear(row: number): void {
    this.#links.fill(NO_ROW, row * WIDTH, row * WIDTH + WIDTH);
  }

  /** Puts the row under another parent, NO_ROW: under none. */
  move(row: number, parent: number): void {
    const [old, next, previous] = [this.#at(row, PARENT), this.#at(row, NEXT), this.#at(row, PREVIOUS)];
    if (old !== NO_ROW) {
      if (previous !== NO_ROW) this.#set(previous, NEXT, next);
      else this.#set(old, CHILD, next);
      if (next !== NO_ROW) this.#set(next, PREVIOUS, previous);
    }
    this.#put(row, parent);
  }

  /**
   * After the bytes of all rows were set: makes the lists of children again from what each row says of its parent. A row that
   * changes alters its neighbours as well, wherever they are, so of rows that were frozen in parts only this is sure to be of
   * one moment. False: a parent is no row.
   */
  restore(end: number, used: (row: number) => boolean): boolean {
    for (let row = 0; row < end; row += 1) for (const link of [CHILD, NEXT, PREVIOUS]) this.#set(row, link, NO_ROW);
    for (let row = 0; row < end; row += 1) {
      const parent = used(row) ? this.parent(row) : NO_ROW;
      if (parent === NO_ROW) continue;
      if (parent < 0 || parent >= end || !used(parent)) return false;
      this.#put(row, parent);
    }
    return true;
  }

  grow(rows: number): void {
    this.#links = grown(this.#links, new Int32Array(rows * WIDTH));
  }

  /** The links of the rows from … to−1 as bytes, in place. */
  bytes(from: number, to: number): Uint8Array {
    return bytesOf(this.#links.subarray(from * WIDTH, to * WIDTH));
  }

  #put(row: number, parent: number): void {
    const first = parent === NO_ROW ? NO_ROW : this.#at(parent, CHILD);
    this.#set(row, PARENT, parent);
    this.#set(row, NEXT, first);
    this.#set(row, PREVIOUS, NO_ROW);
    if (first !== NO_ROW) this.#set(first, PREVIOUS, row);
    if (parent !== NO_ROW) this.#set(parent, CHILD, row);
  }

  #at(row: number, link: number): number {
    return this.#links[row * WIDTH + link] ?? NO_ROW;
  }

  #set(row: number, link: number, to: number): void {
    this.#links[row * WIDTH + link] = to;
  }
}
