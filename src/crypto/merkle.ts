/**
 * The Merkle tree (RFC 6962 §2.1), grown leaf by leaf: the frontier holds the roots of the perfect subtrees that make up
 * the tree, largest first, one for each 1-bit of its size. Proofs are made from leaf hashes. Sizes stay below 2^53.
 */
import { passing } from './bytes.js';
import { sha256 } from './prf.js';

const NODE = Buffer.from([1]);

/** The root of no entries: H(""). */
export const EMPTY_ROOT: Buffer = sha256(Buffer.alloc(0));

/** RFC 6962 §2.1: H(0x01 ‖ left ‖ right). The prefix keeps a node from being passed off as an entry. */
export const nodeHash = (left: Buffer, right: Buffer): Buffer => sha256(passing(NODE, left, right));

/**
 * The frontier (a new array) after one more leaf, the one with index `size`. `visit` sees every node that this completes,
 * once, from the leaf up, with its level and its index within the level. RangeError for a frontier of another size.
 */
export const appendLeaf = (
  frontier: readonly Buffer[],
  size: number,
  leaf: Buffer,
  visit?: (level: number, index: number, hash: Buffer) => void,
): Buffer[] => {
  const next = [...frontier];
  let [hash, level, index] = [leaf, 0, size];
  visit?.(level, index, hash);
  for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
    const left = next.pop();
    if (left === undefined) throw new RangeError('the frontier does not fit the size');
    hash = nodeHash(left, hash);
    level += 1;
    index = Math.floor(index / 2);
    visit?.(level, index, hash);
  }
  next.push(hash);
  return next;
};

/** MTH of the tree: the smaller subtrees on the right are folded first, so the fold is always the right child. */
export const rootOf = (frontier: readonly Buffer[]): Buffer => {
  let root: Buffer | null = null;
  for (let i = frontier.length - 1; i >= 0; i -= 1) {
    const subtree = frontier[i];
    if (subtree !== undefined) root = root === null ? subtree : nodeHash(subtree, root);
  }
  return root ?? EMPTY_ROOT;
};

/** As it is stored and as head_mac hashes it: 32 bytes each, largest subtree first. */
export const frontierBytes = (frontier: readonly Buffer[]): Buffer => Buffer.concat(frontier);

/** Views into `bytes`; null unless they are whole hashes. Whether they fit a size and a root is the caller's to check. */
export const frontierOf = (bytes: Buffer): Buffer[] | null =>
  bytes.length % 32 === 0
    ? Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * i + 32))
    : null;

/** The largest power of two below n (n > 1). */
const split = (n: number): number => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};

const subtree = (leaves: readonly Buffer[], from: number, to: number): Buffer => {
  if (to === from) return EMPTY_ROOT;
  if (to - from === 1) return leaves[from] ?? EMPTY_ROOT;
  const k = split(to - from);
  return nodeHash(subtree(leaves, from, from + k), subtree(leaves, from + k, to));
};

/** RFC 6962 §2.1.1: the audit path of leaf `index` in the tree of the first `size` leaves, leaf's sibling first. */
export const inclusionProof = (leaves: readonly Buffer[], index: number, size: number): Buffer[] => {
  if (index < 0 || index >= size || size > leaves.length) throw new RangeError('no such leaf in that tree');
  const path = (from: number, to: number): Buffer[] => {
    if (to - from === 1) return [];
    const middle = from + split(to - from);
    return index < middle
      ? [...path(from, middle), subtree(leaves, middle, to)]
      : [...path(middle, to), subtree(leaves, from, middle)];
  };
  return path(0, size);
};

/** RFC 6962 §2.1.2: from the tree of `m` leaves to that of `n`. */
export const consistencyProof = (leaves: readonly Buffer[], m: number, n: number): Buffer[] => {
  if (m < 0 || m > n || n > leaves.length) throw new RangeError('no such trees');
  const proof = (from: number, to: number, whole: boolean): Buffer[] => {
    if (m === to) return whole ? [] : [subtree(leaves, from, to)];
    const middle = from + split(to - from);
    return m <= middle
      ? [...proof(from, middle, whole), subtree(leaves, middle, to)]
      : [...proof(middle, to, false), subtree(leaves, from, middle)];
  };
  return m === 0 || m === n ? [] : proof(0, n, true);
};

const half = (n: number): number => Math.floor(n / 2);

const isSize = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

const isPowerOfTwo = (n: number): boolean => n === 1 || n === 2 * split(n);

/** Without this, the border between two hashes could be moved within the bytes that a node hashes. */
const areHashes = (hashes: readonly Buffer[]): boolean => hashes.every(hash => hash.length === 32);

/** RFC 9162 §2.1.3.2: `proof` shows that `leaf` is number `index` of the tree with that size and root. Never throws. */
export const verifyInclusion = (
  index: number,
  size: number,
  leaf: Buffer,
  proof: readonly Buffer[],
  root: Buffer,
): boolean => {
  if (!isSize(index) || !isSize(size) || index >= size || !areHashes([leaf, root, ...proof])) return false;
  let [fn, sn, r] = [index, size - 1, leaf];
  for (const p of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else r = nodeHash(r, p);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && r.equals(root);
};

/** RFC 9162 §2.1.4.2: `proof` shows that the tree of `n` leaves begins with the tree of `m` leaves. Never throws. */
export const verifyConsistency = (
  m: number,
  n: number,
  oldRoot: Buffer,
  newRoot: Buffer,
  proof: readonly Buffer[],
): boolean => {
  if (!isSize(m) || !isSize(n) || m > n || !areHashes([oldRoot, newRoot, ...proof])) return false;
  if (m === n) return proof.length === 0 && oldRoot.equals(newRoot);
  // Every tree begins with the empty one: there is nothing to show, whatever root is claimed for it.
  if (m === 0) return proof.length === 0;
  const steps = isPowerOfTwo(m) ? [oldRoot, ...proof] : proof;
  const first = steps[0];
  if (first === undefined) return false;
  let [fn, sn] = [m - 1, n - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  let [fr, sr] = [first, first];
  for (const c of steps.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [nodeHash(c, fr), nodeHash(c, sr)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = nodeHash(sr, c);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && fr.equals(oldRoot) && sr.equals(newRoot);
};
