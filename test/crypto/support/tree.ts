/** Trees to test with: the eight entries of ledger-specs.md §2, made-up ones, and the slow recursive definition. */
import { createHash } from 'node:crypto';

export const hashOf = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const ENTRIES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
export const publishedEntries: readonly Buffer[] = ENTRIES.map(text => Buffer.from(text, 'hex'));

/** `n` leaf hashes, each unlike the others. */
export const madeUpLeaves = (n: number): Buffer[] =>
  Array.from({ length: n }, (_, i) => hashOf(Buffer.from(`leaf ${i}`)));

/** MTH of RFC 6962 §2.1, word for word, over leaf hashes; independent of the code under test. */
export const slowRoot = (leaves: readonly Buffer[]): Buffer => {
  const [first] = leaves;
  if (first === undefined) return hashOf();
  if (leaves.length === 1) return first;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return hashOf(Buffer.from([1]), slowRoot(leaves.slice(0, k)), slowRoot(leaves.slice(k)));
};
