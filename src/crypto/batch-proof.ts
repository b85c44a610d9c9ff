/**
 * Inclusion proofs for the newest leaves of a tree, made without the older ones: what lies left of them is in the frontier of
 * the tree that they were added to.
 */
import { nodeHash } from './merkle.js';

/**
 * RFC 6962 §2.1.1: the audit path of leaf `index`, leaf's sibling first, in the tree that `leaves` make on top of the tree of
 * `size` leaves with that frontier. RangeError for an index that is none of the new ones, or a frontier of another size.
 */
export const newestInclusionProof = (
  frontier: readonly Buffer[],
  size: number,
  leaves: readonly Buffer[],
  index: number,
): Buffer[] => {
  const end = size + leaves.length;
  if (index < size || index >= end) throw new RangeError('no such leaf among the new ones');
  const old = subtreesOf(frontier, size);
  const hashOf = (from: number, to: number): Buffer => {
    const whole = to <= size ? old.get(from) : to - from === 1 ? leaves[from - size] : undefined;
    if (whole !== undefined) return whole;
    if (to - from === 1) throw new RangeError('the frontier does not fit the size');
    const middle = from + split(to - from);
    return nodeHash(hashOf(from, middle), hashOf(middle, to));
  };
  const path = (from: number, to: number): Buffer[] => {
    if (to - from === 1) return [];
    const middle = from + split(to - from);
    return index < middle ? [...path(from, middle), hashOf(middle, to)] : [...path(middle, to), hashOf(from, middle)];
  };
  return path(0, end);
};

/** The roots of the perfect subtrees by the index of their first leaf. */
const subtreesOf = (frontier: readonly Buffer[], size: number): ReadonlyMap<number, Buffer> => {
  const subtrees = new Map<number, Buffer>();
  let [from, rest] = [0, size];
  for (const hash of frontier) {
    if (rest === 0) throw new RangeError('the frontier does not fit the size');
    const width = widest(rest);
    subtrees.set(from, hash);
    from += width;
    rest -= width;
  }
  if (rest !== 0) throw new RangeError('the frontier does not fit the size');
  return subtrees;
};

/** The largest power of two that is not above n (n > 0). */
const widest = (n: number): number => {
  let k = 1;
  while (k * 2 <= n) k *= 2;
  return k;
};

/** The largest power of two below n (n > 1). */
const split = (n: number): number => widest(n - 1);
