/**
 * Many patterns in a tree of segments, and for a path the one that decides.
 *
 * The order of priority (docs/reference/policies.md) lets the search stop early: a pattern whose first wildcard stands later
 * wins, so the deepest node that the path reaches by literal segments is asked first. Only below a `+` can several branches
 * be open at once; they are walked side by side, each node at most once, so there is no backtracking: the work is bounded by
 * the segments of the path and the different arrangements of `+` in the patterns.
 */
import { LongestPrefix } from './longest-prefix.js';
import type { Filled, Segment } from './pattern.js';

/** What hangs in the tree knows its pattern. */
export interface Leaf {
  readonly pattern: Filled;
}

/** Maps are made when they are needed: most branches have none, and a token may have hundreds of thousands of rules. */
class Branch<T> {
  /** The only literal segment that goes on from here, as long as there is one. */
  onlyKey = '';
  only: Branch<T> | null = null;
  literals: Map<string, Branch<T>> | null = null;
  wildcard: Branch<T> | null = null;
  /** A pattern that ends here: an exact one unless a `+` led here. */
  end: T | null = null;
  /** One that ends in `/*` here: any segment and whatever follows. */
  rest: T | null = null;
  /** Those that end here in the beginning of a segment and `*`. */
  beginnings: Map<string, T> | null = null;
  sorted: LongestPrefix<T> | null = null;

  literal(segment: string): Branch<T> | undefined {
    if (this.only !== null && this.onlyKey === segment) return this.only;
    return this.literals?.get(segment);
  }

  child(segment: string | null): Branch<T> {
    if (segment === null) {
      this.wildcard ??= new Branch();
      return this.wildcard;
    }
    const present = this.literal(segment);
    if (present !== undefined) return present;
    const made = new Branch<T>();
    if (this.only === null) {
      this.onlyKey = segment;
      this.only = made;
    } else {
      this.literals ??= new Map();
      this.literals.set(segment, made);
    }
    return made;
  }

  /** The pattern of the longest beginning that the segment has. */
  beginning(segment: string): T | null {
    if (this.beginnings === null) return null;
    this.sorted ??= new LongestPrefix(this.beginnings);
    return this.sorted.find(segment);
  }
}

/** A path as far as the tree goes along by literal segments. */
interface Walk<T> {
  readonly path: string;
  /** From the root; one more than segments that were found. */
  readonly reached: readonly Branch<T>[];
  /** The segment that was asked of each of them, and perhaps none of the last. */
  readonly segments: readonly string[];
  readonly exact: T | null;
}

export class PatternTree<T extends Leaf> {
  readonly #root = new Branch<T>();

  /** `put` gets what an equal pattern brought before, null for the first; once for each form of the pattern. */
  add({ forms, prefix }: Filled, put: (present: T | null) => T): void {
    for (const segments of forms) this.#add(segments, prefix, put);
  }

  #add(segments: readonly Segment[], prefix: boolean, put: (present: T | null) => T): void {
    let node = this.#root;
    const last = segments.length - 1;
    for (const [place, segment] of segments.entries()) if (!prefix || place < last) node = node.child(segment);
    const beginning = segments[last] ?? '';
    if (!prefix) node.end = put(node.end);
    else if (beginning === '') node.rest = put(node.rest);
    else {
      node.beginnings ??= new Map();
      node.beginnings.set(beginning, put(node.beginnings.get(beginning) ?? null));
      node.sorted = null;
    }
  }

  /** What decides about a key. */
  key(path: string): T | null {
    const walk = this.#walk(path);
    return walk.exact ?? best(walk);
  }

  /** What decides about a folder: it is asked for with its slash and then without, as policies are written both ways. */
  folder(path: string): T | null {
    const [folder, bare] = [this.#walk(`${path}/`), this.#walk(path)];
    return folder.exact ?? bare.exact ?? best(folder) ?? best(bare);
  }

  all(): Iterable<T> {
    return leavesOf(this.#root);
  }

  /** What could decide about a path, which has no slash at its end, or about anything below it. */
  *reaching(path: string): Iterable<T> {
    let active = [this.#root];
    for (const segment of path.split('/')) {
      const next: Branch<T>[] = [];
      for (const node of active) {
        if (node.rest !== null) yield node.rest;
        for (const [beginning, leaf] of node.beginnings ?? []) if (segment.startsWith(beginning)) yield leaf;
        const literal = node.literal(segment);
        if (literal !== undefined) next.push(literal);
        if (node.wildcard !== null) next.push(node.wildcard);
      }
      active = next;
    }
    for (const node of active) yield* leavesOf(node);
  }

  #walk(path: string): Walk<T> {
    const reached = [this.#root];
    const segments: string[] = [];
    for (let [node, from]: [Branch<T>, number] = [this.#root, 0]; ; ) {
      const slash = path.indexOf('/', from);
      const segment = slash < 0 ? path.slice(from) : path.slice(from, slash);
      segments.push(segment);
      const next = node.literal(segment);
      if (next === undefined) return { path, reached, segments, exact: null };
      reached.push(next);
      if (slash < 0) return { path, reached, segments, exact: next.end };
      node = next;
      from = slash + 1;
    }
  }
}

/** As deep as the longest pattern has segments. */
function* leavesOf<T extends Leaf>(node: Branch<T>): Iterable<T> {
  for (const leaf of [node.end, node.rest]) if (leaf !== null) yield leaf;
  if (node.beginnings !== null) yield* node.beginnings.values();
  for (const next of [node.only, node.wildcard, ...(node.literals?.values() ?? [])])
    if (next !== null) yield* leavesOf(next);
}

/** Of the patterns with wildcards that match: deepest first, as a wildcard that stands later wins. */
const best = <T extends Leaf>({ path, reached, segments }: Walk<T>): T | null => {
  let all: readonly string[] | null = null;
  for (let depth = segments.length - 1; depth >= 0; depth -= 1) {
    const node = reached[depth];
    if (node === undefined) continue;
    const longest = node.beginning(segments[depth] ?? '');
    if (longest !== null) return longest;
    if (node.wildcard === null) {
      if (node.rest !== null) return node.rest;
      continue;
    }
    all ??= segmentsOf(path);
    const { whole, open } = below(node.wildcard, all, depth + 1);
    const found = whole ?? node.rest ?? open;
    if (found !== null) return found;
  }
  return null;
};

/** By hand: this is asked for on every request, and `split` takes several times as long. */
const segmentsOf = (path: string): string[] => {
  const segments: string[] = [];
  let from = 0;
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', from)) {
    segments.push(path.slice(from, slash));
    from = slash + 1;
  }
  segments.push(path.slice(from));
  return segments;
};

/** Under a `+`: the best that matches the whole path, and the best that ends in `*`. */
const below = <T extends Leaf>(start: Branch<T>, segments: readonly string[], from: number) => {
  let active = [start];
  let open: T | null = null;
  for (let depth = from; depth < segments.length && active.length > 0; depth += 1) {
    const segment = segments[depth] ?? '';
    const next: Branch<T>[] = [];
    for (const node of active) {
      open = better(open, better(node.beginning(segment), node.rest));
      const literal = node.literal(segment);
      if (literal !== undefined) next.push(literal);
      if (node.wildcard !== null) next.push(node.wildcard);
    }
    active = next;
  }
  let whole: T | null = null;
  for (const node of active) whole = better(whole, node.end);
  return { whole, open };
};

/** Fewer `+`, then longer, then lexicographically greater: by bytes. */
const better = <T extends Leaf>(a: T | null, b: T | null): T | null => {
  if (a === null || b === null) return a ?? b;
  const [left, right] = [a.pattern, b.pattern];
  if (left.wildcards !== right.wildcards) return left.wildcards < right.wildcards ? a : b;
  if (left.bytes !== right.bytes) return left.bytes > right.bytes ? a : b;
  return isAfter(left.text, right.text) ? a : b;
};

/** In the order of UTF-8, which is that of code points: half of a pair stands for one beyond every single unit. */
const isAfter = (a: string, b: string): boolean => {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [one, other] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (one !== other) return isSurrogate(one) === isSurrogate(other) ? one > other : isSurrogate(one);
  }
  return a.length > b.length;
};

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;
