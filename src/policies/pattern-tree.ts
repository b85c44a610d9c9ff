/**
 * Many patterns, and for a path the one that decides. Exact patterns are one look-up; all others hang in a tree of segments.
 *
 * The order of priority (docs/reference/policies.md) lets the search stop early: a pattern whose first wildcard stands later
 * wins, so the deepest node that the path reaches by literal segments is asked first. Only below a `+` can several branches
 * be open at once; they are walked side by side, each node at most once, so there is no backtracking: the work is bounded by
 * the segments of the path and the different arrangements of `+` in the patterns.
 */
import { LongestPrefix } from './longest-prefix.js';
import type { Filled } from './pattern.js';

interface Leaf<T> {
  value: T;
  /** Number of `+`. */
  readonly wildcards: number;
  /** UTF-8, without the `*` at the end: for the last two rules of priority. */
  readonly bytes: Buffer;
}

interface Branch<T> {
  readonly literals: Map<string, Branch<T>>;
  wildcard: Branch<T> | null;
  /** Patterns that end here. */
  end: Leaf<T> | null;
  /** Patterns that end in `/*` here: any segment and whatever follows. */
  rest: Leaf<T> | null;
  /** Patterns that end here in the beginning of a segment and `*`. */
  readonly beginnings: Map<string, Leaf<T>>;
  sorted: LongestPrefix<Leaf<T>> | null;
}

const branch = <T>(): Branch<T> => ({
  ...{ literals: new Map(), wildcard: null, end: null, rest: null, beginnings: new Map(), sorted: null },
});

export class PatternTree<T> {
  readonly #exact = new Map<string, T>();
  readonly #root: Branch<T> = branch();

  /** `merge` gets what equal patterns brought so far, null for the first. */
  add(pattern: Filled, merge: (present: T | null) => T): void {
    const { segments, prefix } = pattern;
    const wildcards = segments.filter(segment => segment === null).length;
    const text = segments.map(segment => segment ?? '+').join('/');
    if (!prefix && wildcards === 0) {
      this.#exact.set(text, merge(this.#exact.get(text) ?? null));
      return;
    }
    let node = this.#root;
    for (const segment of prefix ? segments.slice(0, -1) : segments) node = child(node, segment);
    const put = (present: Leaf<T> | null): Leaf<T> => {
      if (present === null) return { value: merge(null), wildcards, bytes: Buffer.from(text) };
      present.value = merge(present.value);
      return present;
    };
    if (!prefix) {
      node.end = put(node.end);
      return;
    }
    const beginning = segments.at(-1) ?? '';
    if (beginning === '') node.rest = put(node.rest);
    else {
      node.beginnings.set(beginning, put(node.beginnings.get(beginning) ?? null));
      node.sorted = null;
    }
  }

  exact(path: string): T | null {
    return this.#exact.get(path) ?? null;
  }

  /** Of the patterns with wildcards that match. */
  best(path: string): T | null {
    const segments = path.split('/');
    const literal: Branch<T>[] = [this.#root];
    for (const segment of segments) {
      const next = literal.at(-1)?.literals.get(segment);
      if (next === undefined) break;
      literal.push(next);
    }
    for (let depth = literal.length - 1; depth >= 0; depth -= 1) {
      const node = literal[depth];
      const found = node === undefined || depth >= segments.length ? null : bestAt(node, segments, depth);
      if (found !== null) return found.value;
    }
    return null;
  }
}

const child = <T>(node: Branch<T>, segment: string | null): Branch<T> => {
  if (segment === null) {
    node.wildcard ??= branch();
    return node.wildcard;
  }
  const present = node.literals.get(segment);
  if (present !== undefined) return present;
  const made = branch<T>();
  node.literals.set(segment, made);
  return made;
};

const beginning = <T>(node: Branch<T>, segment: string): Leaf<T> | null => {
  if (node.beginnings.size === 0) return null;
  node.sorted ??= new LongestPrefix(node.beginnings);
  return node.sorted.find(segment);
};

/** The best of the patterns whose first wildcard is in this segment of the path. */
const bestAt = <T>(node: Branch<T>, segments: readonly string[], depth: number): Leaf<T> | null => {
  const longest = beginning(node, segments[depth] ?? '');
  if (longest !== null) return longest;
  if (node.wildcard === null) return node.rest;
  const { whole, open } = below(node.wildcard, segments, depth + 1);
  return whole ?? node.rest ?? open;
};

/** Under a `+`: the best that matches the whole path, and the best that ends in `*`. */
const below = <T>(start: Branch<T>, segments: readonly string[], from: number) => {
  let active = [start];
  let open: Leaf<T> | null = null;
  for (let depth = from; depth < segments.length && active.length > 0; depth += 1) {
    const segment = segments[depth] ?? '';
    const next: Branch<T>[] = [];
    for (const node of active) {
      open = better(open, better(beginning(node, segment), node.rest));
      const literal = node.literals.get(segment);
      if (literal !== undefined) next.push(literal);
      if (node.wildcard !== null) next.push(node.wildcard);
    }
    active = next;
  }
  let whole: Leaf<T> | null = null;
  for (const node of active) whole = better(whole, node.end);
  return { whole, open };
};

/** Fewer `+`, then longer, then lexicographically greater: by bytes. */
const better = <T>(a: Leaf<T> | null, b: Leaf<T> | null): Leaf<T> | null => {
  if (a === null || b === null) return a ?? b;
  if (a.wildcards !== b.wildcards) return a.wildcards < b.wildcards ? a : b;
  if (a.bytes.length !== b.bytes.length) return a.bytes.length > b.bytes.length ? a : b;
  return Buffer.compare(a.bytes, b.bytes) >= 0 ? a : b;
};
