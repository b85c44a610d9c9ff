/**
 * Values that many rows share, each kept once and counted: lists of policies, names, metadata. A value that no row uses any
 * more is forgotten, so that tokens that come and go leave nothing behind. Values are JSON; number 0 is null.
 */
export class Interned<T> {
  readonly #byText = new Map<string, number>();
  readonly #values: (T | null)[] = [null];
  readonly #texts: string[] = [''];
  readonly #uses: number[] = [0];
  readonly #free: number[] = [];

  get size(): number {
    return this.#byText.size;
  }

  /** One use more of the value; its number. */
  take(value: T | null): number {
    if (value === null) return 0;
    const text = JSON.stringify(value);
    const known = this.#byText.get(text);
    if (known !== undefined) {
      this.#uses[known] = (this.#uses[known] ?? 0) + 1;
      return known;
    }
    const number = this.#free.pop() ?? this.#values.length;
    this.#byText.set(text, number);
    this.#values[number] = value;
    this.#texts[number] = text;
    this.#uses[number] = 1;
    return number;
  }

  /** One use less. */
  drop(number: number): void {
    if (number === 0) return;
    const uses = (this.#uses[number] ?? 0) - 1;
    this.#uses[number] = uses;
    if (uses > 0) return;
    this.#byText.delete(this.#texts[number] ?? '');
    this.#values[number] = null;
    this.#texts[number] = '';
    this.#free.push(number);
  }

  /** By number; null where there is none. */
  values(): readonly (T | null)[] {
    return [...this.#values];
  }

  /** Into an empty one: `values` as they were, and how often each is used. False: a value that is used is not there. */
  restore(values: readonly unknown[], uses: Uint32Array): boolean {
    for (let number = 1; number < values.length; number += 1) {
      const value = values[number] as T | null;
      const count = uses[number] ?? 0;
      if (count > 0 && value === null) return false;
      const text = count > 0 ? JSON.stringify(value) : '';
      this.#values[number] = count > 0 ? value : null;
      this.#texts[number] = text;
      this.#uses[number] = count;
      if (count > 0) this.#byText.set(text, number);
      else this.#free.push(number);
    }
    return true;
  }

  /** Null: no row uses it. */
  numberOf(value: T): number | null {
    return this.#byText.get(JSON.stringify(value)) ?? null;
  }

  valueOf(number: number): T | null {
    return this.#values[number] ?? null;
  }
}
