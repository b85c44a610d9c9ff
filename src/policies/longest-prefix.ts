/**
 * The longest of many strings that another one begins with, in one binary search. Sorted, each entry knows the longest
 * other entry that it begins with itself; every prefix of a text is on that chain of the greatest entry not after the text.
 */
export class LongestPrefix<T> {
  readonly #keys: readonly string[];
  readonly #values: readonly T[];
  /** Index of the longest proper prefix among the keys, -1 for none. */
  readonly #parents: Int32Array;

  constructor(entries: Iterable<readonly [key: string, value: T]>) {
    const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#keys = sorted.map(([key]) => key);
    this.#values = sorted.map(([, value]) => value);
    this.#parents = new Int32Array(sorted.length);
    const open: number[] = [];
    for (const [index, key] of this.#keys.entries()) {
      while (open.length > 0 && !key.startsWith(this.#keys[open.at(-1) ?? 0] ?? '')) open.pop();
      this.#parents[index] = open.at(-1) ?? -1;
      open.push(index);
    }
  }

  get values(): readonly T[] {
    return this.#values;
  }

  find(text: string): T | null {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? '') <= text) low = middle + 1;
      else high = middle;
    }
    const nearest = low - 1;
    const shared = sharedLength(this.#keys[nearest] ?? '', text);
    for (let index = nearest; index >= 0; index = this.#parents[index] ?? -1)
      if ((this.#keys[index] ?? '').length <= shared) return this.#values[index] ?? null;
    return null;
  }
}

const sharedLength = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) if (a.charCodeAt(i) !== b.charCodeAt(i)) return i;
  return length;
};
