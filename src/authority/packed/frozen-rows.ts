/** Rows as they were at one moment, taken part by part while the table goes on changing. */

/** Rows in one part; about 0.4 MB: what is read, opened and copied at once. */
export const ROWS_A_PART = 2048;

/** What `freeze` promised: the rows as they were, taken part by part. */
export class FrozenRows {
  readonly #taken = new Map<number, Buffer>();
  #given = 0;

  constructor(
    readonly end: number,
    /** Of each kind of text, the values by their number. */
    readonly texts: readonly (readonly unknown[])[],
    readonly slices: (from: number, to: number) => readonly Uint8Array[],
    readonly done: () => void,
  ) {}

  get parts(): number {
    return Math.ceil(this.end / ROWS_A_PART);
  }

  /** Before a row changes: its part, unless that was given out already. */
  keep(row: number): void {
    const part = Math.floor(row / ROWS_A_PART);
    if (row < this.end && part >= this.#given && !this.#taken.has(part)) this.#taken.set(part, this.#copy(part));
  }

  /** The next part; null after the last. */
  next(): Buffer | null {
    const part = this.#given;
    if (part * ROWS_A_PART >= this.end) return null;
    this.#given += 1;
    const taken = this.#taken.get(part) ?? this.#copy(part);
    this.#taken.delete(part);
    return taken;
  }

  #copy(part: number): Buffer {
    const from = part * ROWS_A_PART;
    return Buffer.concat(this.slices(from, Math.min(this.end, from + ROWS_A_PART)));
  }
}
