/** Inclusion and consistency proofs: the vectors of ledger-specs.md §2, and everything that §1.2 and §1.3 say must fail. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { leafHash } from '../../src/crypto/event-hash.js';
import {
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from '../../src/crypto/merkle.js';
import { describe } from '../support/describe.js';
import { hex } from './support/given.js';
import { madeUpLeaves, publishedEntries, slowRoot } from './support/tree.js';

const LARGEST = 40;
const leaves = madeUpLeaves(LARGEST);
const roots = Array.from({ length: LARGEST + 1 }, (_, size) => slowRoot(leaves.slice(0, size)));
const leaf = (index: number): Buffer => leaves[index] ?? EMPTY_ROOT;
const root = (size: number): Buffer => roots[size] ?? EMPTY_ROOT;

/** A tree of `size` and a place `index` in it. */
const places = fc
  .integer({ min: 1, max: LARGEST })
  .chain(size => fc.tuple(fc.nat({ max: size - 1 }), fc.constant(size)));
/** Two trees, the smaller one not empty. */
const growths = fc
  .integer({ min: 2, max: LARGEST })
  .chain(n => fc.tuple(fc.integer({ min: 1, max: n - 1 }), fc.constant(n)));

const flipped = (hash: Buffer, bit: number): Buffer => {
  const copy = Buffer.from(hash);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
};

/** Every way to spoil a proof: an element more, less, changed, cut or lengthened, two swapped, the same one twice. */
const spoiled = (proof: readonly Buffer[]): Buffer[][] => {
  const all: Buffer[][] = [];
  for (let i = 0; i <= proof.length; i += 1)
    for (const extra of [EMPTY_ROOT, Buffer.alloc(0), ...proof]) all.push(proof.toSpliced(i, 0, extra));
  for (const [i, hash] of proof.entries()) {
    all.push(proof.toSpliced(i, 1), proof.with(i, flipped(hash, (i * 37) % 256)));
    all.push(proof.with(i, hash.subarray(1)), proof.with(i, Buffer.concat([hash, Buffer.alloc(1)])));
    for (const [j, other] of proof.entries()) if (j > i) all.push(proof.with(i, other).with(j, hash));
  }
  return all.map(hashes => [...hashes]);
};

describe('the published proofs', test => {
  const published = publishedEntries.map(leafHash);
  const publishedRoot = (size: number): Buffer => slowRoot(published.slice(0, size));
  const INCLUSION: readonly (readonly [number, number, readonly string[]])[] = [
    [0, 1, []],
    [
      5,
      8,
      [
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
    [
      6,
      7,
      [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
  ];
  const CONSISTENCY: readonly (readonly [number, number, readonly string[]])[] = [
    [1, 1, []],
    [4, 8, ['6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4']],
    [
      2,
      5,
      [
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
    [
      6,
      8,
      [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [
      3,
      7,
      [
        '0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7',
        '07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7',
        'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
        '837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e',
      ],
    ],
  ];

  for (const [index, size, expected] of INCLUSION)
    test(`leaf ${index} is in the tree of ${size}`, () => {
      const proof = inclusionProof(published, index, size);
      assert.equal(proof.map(hex), expected);
      assert.ok(verifyInclusion(index, size, published[index] ?? EMPTY_ROOT, proof, publishedRoot(size)));
    });

  for (const [m, n, expected] of CONSISTENCY)
    test(`the tree of ${n} begins with the tree of ${m}`, () => {
      const proof = consistencyProof(published, m, n);
      assert.equal(proof.map(hex), expected);
      assert.ok(verifyConsistency(m, n, publishedRoot(m), publishedRoot(n), proof));
    });
});

describe('an inclusion proof', test => {
  test('verifies for every leaf of every tree, in at most ceil(log2 size) steps', () => {
    for (let size = 1; size <= LARGEST; size += 1)
      for (let index = 0; index < size; index += 1) {
        const proof = inclusionProof(leaves, index, size);
        assert.ok(proof.length <= Math.ceil(Math.log2(size)));
        assert.ok(verifyInclusion(index, size, leaf(index), proof, root(size)));
      }
  });

  test('fails when it is spoiled in any way', () => {
    fc.assert(
      fc.property(places, ([index, size]) => {
        for (const proof of spoiled(inclusionProof(leaves, index, size)))
          assert.not(verifyInclusion(index, size, leaf(index), proof, root(size)));
      }),
    );
  });

  test('fails for another leaf, another index and another root', () => {
    fc.assert(
      fc.property(places, fc.nat({ max: LARGEST - 1 }), ([index, size], other) => {
        fc.pre(other !== index);
        const proof = inclusionProof(leaves, index, size);
        assert.not(verifyInclusion(index, size, leaf(other), proof, root(size)));
        assert.not(verifyInclusion(other, size, leaf(index), proof, root(size)));
        assert.not(verifyInclusion(index, size, leaf(index), proof, root(size - 1)));
        assert.not(verifyInclusion(index, size, leaf(index), proof, root(size).subarray(1)));
      }),
    );
  });

  test('fails for an index that is the size or beyond, negative, or no integer, and for the empty tree', () => {
    const proof = inclusionProof(leaves, 6, 7);
    for (const index of [7, 8, 2 ** 40, -1, 6.5, Number.NaN, Number.POSITIVE_INFINITY])
      assert.not(verifyInclusion(index, 7, leaf(6), proof, root(7)));
    assert.not(verifyInclusion(0, 0, leaf(0), [], EMPTY_ROOT));
    assert.not(verifyInclusion(0, Number.POSITIVE_INFINITY, leaf(0), proof, root(7)));
  });

  test('fails when the border between a leaf and its sibling is moved', () => {
    const whole = Buffer.concat([leaf(0), leaf(1)]);
    assert.ok(verifyInclusion(0, 2, whole.subarray(0, 32), [whole.subarray(32)], root(2)));
    assert.not(verifyInclusion(0, 2, whole.subarray(0, 31), [whole.subarray(31)], root(2)));
  });

  test('fails for an inner node passed off as a leaf of a smaller tree of the same root', () => {
    const [left, right] = [nodeHash(leaf(0), leaf(1)), nodeHash(leaf(2), leaf(3))];
    assert.equal(nodeHash(left, right), root(4));
    assert.not(verifyInclusion(0, 4, left, [right], root(4)));
  });

  test('is not made for a leaf that is not there', () => {
    for (const [index, size] of [
      [3, 3],
      [-1, 3],
      [0, 0],
      [0, LARGEST + 1],
    ] as const)
      assert.throws(() => inclusionProof(leaves, index, size), /no such leaf/);
  });
});

describe('a consistency proof', test => {
  test('verifies for every pair of sizes, in at most ceil(log2 n) + 1 steps', () => {
    for (let n = 1; n <= LARGEST; n += 1)
      for (let m = 0; m <= n; m += 1) {
        const proof = consistencyProof(leaves, m, n);
        assert.ok(proof.length <= Math.ceil(Math.log2(n)) + 1);
        assert.ok(verifyConsistency(m, n, root(m), root(n), proof));
      }
  });

  test('fails when it is spoiled in any way', () => {
    fc.assert(
      fc.property(growths, ([m, n]) => {
        for (const proof of spoiled(consistencyProof(leaves, m, n)))
          assert.not(verifyConsistency(m, n, root(m), root(n), proof));
      }),
    );
  });

  test('fails when either root is another', () => {
    fc.assert(
      fc.property(growths, fc.nat({ max: 255 }), ([m, n], bit) => {
        const proof = consistencyProof(leaves, m, n);
        assert.not(verifyConsistency(m, n, flipped(root(m), bit), root(n), proof));
        assert.not(verifyConsistency(m, n, root(m), flipped(root(n), bit), proof));
      }),
    );
  });

  test('fails for a history in which an old leaf was changed', () => {
    fc.assert(
      fc.property(growths, fc.nat(), ([m, n], pick) => {
        const forged = leaves.slice(0, n).with(pick % m, EMPTY_ROOT);
        assert.not(verifyConsistency(m, n, root(m), slowRoot(forged), consistencyProof(forged, m, n)));
      }),
    );
  });

  test('fails when the old tree is the larger one, and when sizes are not sizes', () => {
    const proof = consistencyProof(leaves, 3, 7);
    assert.not(verifyConsistency(7, 3, root(7), root(3), proof));
    assert.not(verifyConsistency(7, 3, root(7), root(3), []));
    for (const m of [-1, 2.5, Number.NaN]) assert.not(verifyConsistency(m, 7, root(3), root(7), proof));
  });

  test('fails when it is empty and the sizes differ', () => {
    for (let m = 1; m < 9; m += 1) assert.not(verifyConsistency(m, 9, root(m), root(9), []));
  });

  test('of equal sizes is empty, and wants equal roots', () => {
    assert.ok(verifyConsistency(5, 5, root(5), root(5), []));
    assert.not(verifyConsistency(5, 5, root(5), root(4), []));
    assert.not(verifyConsistency(5, 5, root(5), root(5), [root(5)]));
  });

  test('from the empty tree is empty', () => {
    assert.ok(verifyConsistency(0, 5, EMPTY_ROOT, root(5), []));
    assert.not(verifyConsistency(0, 5, EMPTY_ROOT, root(5), [root(5)]));
  });

  test('fails when it is too short for the size that is claimed, though both roots come out', () => {
    const proof = consistencyProof(leaves, 2, 4);
    assert.ok(verifyConsistency(2, 4, root(2), root(4), proof));
    assert.not(verifyConsistency(2, 8, root(2), root(4), proof));
  });

  test('verifies for a tree of 2^50 + 1 leaves, whose logarithm rounds to that of a power of two', () => {
    const [left, last, next] = [leaf(0), leaf(1), leaf(2)];
    const m = 2 ** 50 + 1;
    const [oldRoot, newRoot] = [nodeHash(left, last), nodeHash(left, nodeHash(last, next))];
    assert.ok(verifyConsistency(m, m + 1, oldRoot, newRoot, [last, next, left]));
    assert.not(verifyConsistency(m, m + 1, oldRoot, newRoot, [next, left]));
  });
});
