/** The tree as it grows: the vectors of ledger-specs.md §2, and the frontier against the recursive definition. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { leafHash } from '../../src/crypto/event-hash.js';
import { appendLeaf, EMPTY_ROOT, frontierBytes, frontierOf, nodeHash, rootOf } from '../../src/crypto/merkle.js';
import { describe } from '../support/describe.js';
import { hex } from './support/given.js';
import { madeUpLeaves, publishedEntries, slowRoot } from './support/tree.js';

const frontierOfLeaves = (leaves: readonly Buffer[]): Buffer[] => {
  let frontier: Buffer[] = [];
  for (const [size, leaf] of leaves.entries()) frontier = appendLeaf(frontier, size, leaf);
  return frontier;
};

const ones = (n: number): number => [...n.toString(2)].filter(bit => bit === '1').length;

const LEAVES = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  '0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7',
  '07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7',
  'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  '4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658',
  'b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f',
  '46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1',
];

/** By size: root and length of the frontier. */
const ROOTS: readonly (readonly [string, number])[] = [
  ['e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 0],
  ['6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', 1],
  ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125', 1],
  ['aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77', 2],
  ['d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7', 1],
  ['4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4', 2],
  ['76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef', 2],
  ['ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c', 3],
  ['5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328', 1],
];

describe('the published tree', test => {
  for (const [i, expected] of LEAVES.entries())
    test(`has the leaf hash of entry ${i}`, () => {
      assert.is(hex(leafHash(publishedEntries[i] ?? Buffer.alloc(0))), expected);
    });

  for (const [size, [root, length]] of ROOTS.entries())
    test(`has the root and frontier of size ${size}`, () => {
      const frontier = frontierOfLeaves(publishedEntries.slice(0, size).map(leafHash));
      assert.is(hex(rootOf(frontier)), root);
      assert.is(frontier.length, length);
    });
});

describe('a growing tree', test => {
  test('has at every size the root of the recursive definition and a hash for each 1-bit', () => {
    const leaves = madeUpLeaves(260);
    let frontier: Buffer[] = [];
    for (const [size, leaf] of leaves.entries()) {
      frontier = appendLeaf(frontier, size, leaf);
      assert.equal(rootOf(frontier), slowRoot(leaves.slice(0, size + 1)));
      assert.is(frontier.length, ones(size + 1));
    }
  });

  test('leaves the frontier that it was given as it was', () => {
    const leaves = madeUpLeaves(8);
    const before = frontierOfLeaves(leaves.slice(0, 7));
    const copy = before.map(hash => Buffer.from(hash));
    appendLeaf(before, 7, leaves[7] ?? EMPTY_ROOT);
    assert.equal(before, copy);
  });

  test('shows every complete node once, and each is the root of its leaves', () => {
    const leaves = madeUpLeaves(100);
    const seen = new Map<string, Buffer>();
    let frontier: Buffer[] = [];
    for (const [size, leaf] of leaves.entries())
      frontier = appendLeaf(frontier, size, leaf, (level, index, hash) => {
        assert.not(seen.has(`${level}/${index}`));
        seen.set(`${level}/${index}`, hash);
      });
    let complete = 0;
    for (let level = 0; 2 ** level <= leaves.length; level += 1)
      for (let index = 0; (index + 1) * 2 ** level <= leaves.length; index += 1) {
        const covered = leaves.slice(index * 2 ** level, (index + 1) * 2 ** level);
        assert.equal(seen.get(`${level}/${index}`), slowRoot(covered));
        complete += 1;
      }
    assert.is(seen.size, complete);
  });

  test('keeps its indexes exact far beyond 2^32', () => {
    const [left, leaf] = [EMPTY_ROOT, nodeHash(EMPTY_ROOT, EMPTY_ROOT)];
    const size = 2 ** 40 + 1;
    const visited: [number, number][] = [];
    const frontier = appendLeaf([left, left], size, leaf, (level, index) => visited.push([level, index]));
    assert.equal(visited, [
      [0, size],
      [1, 2 ** 39],
    ]);
    assert.equal(frontier, [left, nodeHash(left, leaf)]);
  });

  test('refuses a frontier that is too short for the size', () => {
    assert.throws(() => appendLeaf([EMPTY_ROOT], 3, EMPTY_ROOT), /does not fit/);
  });

  test('gives another root when any leaf changes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (size, pick) => {
        const leaves = madeUpLeaves(size);
        const changed = leaves.with(pick % size, EMPTY_ROOT);
        assert.not.equal(rootOf(frontierOfLeaves(leaves)), rootOf(frontierOfLeaves(changed)));
      }),
    );
  });
});

describe('a stored frontier', test => {
  test('is read as it was written', () => {
    const frontier = frontierOfLeaves(madeUpLeaves(23));
    assert.equal(frontierOf(frontierBytes(frontier)), frontier);
    assert.equal(frontierOf(Buffer.alloc(0)), []);
  });

  test('is none when a hash is cut', () => {
    assert.is(frontierOf(Buffer.alloc(33)), null);
    assert.is(frontierOf(Buffer.alloc(31)), null);
  });
});
