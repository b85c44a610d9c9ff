/** An event's hashes and MACs: nothing of what they bind can change, be left out or change places unseen. */
import * as assert from 'uvu/assert';
import {
  authorityChain,
  bodyHash,
  entry,
  eventHash,
  factsHash,
  type HeadParts,
  headerHash,
  headMac,
  leafHash,
  namesHash,
  rowMac,
  type SealedParts,
  sealedHash,
} from '../../src/crypto/event-hash.js';
import { nodeHash } from '../../src/crypto/merkle.js';
import { sha256, tagBytes, taggedHash } from '../../src/crypto/prf.js';
import { describe } from '../support/describe.js';
import { actor, eventWith, hex, keyId, ledger, rowKey, seq } from './support/given.js';

const parts = eventWith({ headerHash: seq(0, 32), namesHash: seq(32, 32), bodyHash: seq(64, 32), bodyLen: 329 });
const otherUuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** All hashes, of the event as it is and of every changed one, are different ones. */
const allDiffer = (hashes: readonly Buffer[]): void => {
  assert.is(new Set(hashes.map(hex)).size, hashes.length);
};

describe('the sealed hash', test => {
  test('is another one when any field is another, absent, or in another ledger', () => {
    const changes: Partial<SealedParts>[] = [
      {},
      { eventId: otherUuid },
      { streamId: otherUuid },
      { eventId: parts.streamId, streamId: parts.eventId },
      { type: 'secret.deleted' },
      { lane: 1 },
      { actor: otherUuid },
      { actor: null },
      { epoch: 2 },
      { day: 20_001 },
      { epoch: parts.day, day: parts.epoch },
      { keyId: otherUuid },
      { keyId: null },
      { actor: keyId, keyId: actor },
      { headerHash: seq(1, 32) },
      { namesHash: seq(1, 32) },
      { namesHash: null },
      { bodyKind: 2 },
      { bodyLen: 330 },
      { bodyHash: seq(1, 32) },
      { bodyHash: null },
      { namesHash: parts.bodyHash, bodyHash: parts.namesHash },
    ];
    allDiffer([
      ...changes.map(change => sealedHash(ledger, { ...parts, ...change })),
      sealedHash(seq(0x11, 16), parts),
    ]);
  });

  test('is not made of fields that do not fit', () => {
    assert.throws(() => sealedHash(ledger, { ...parts, epoch: -1 }), /unsigned/);
    assert.throws(() => sealedHash(ledger, { ...parts, eventId: 'nobody' }), /not a UUID/);
  });
});

describe('the hashes of parts', test => {
  test('differ by what they are of, for the same bytes', () => {
    const bytes = Buffer.from('the same');
    allDiffer([bodyHash, headerHash, namesHash, sha256, leafHash].map(hash => hash(bytes)));
  });

  test('are the same below and above the size that is hashed in one call', () => {
    for (const length of [0, 1, 2047, 2048, 2049, 100_000]) {
      const data = Buffer.alloc(length, 5);
      assert.equal(taggedHash('body1', data), sha256(Buffer.concat([tagBytes('body1'), data])));
    }
  });

  test('have tags of five ASCII characters', () => {
    assert.is(tagBytes('seal1').toString(), 'tallystick/seal1');
    for (const wrong of ['seal', 'seal12', 'séal', 'séal1']) assert.throws(() => tagBytes(wrong), /five ASCII/);
  });
});

describe('the event hash and the entry', test => {
  test('bind version, facts, ledger, position and time', () => {
    const [facts, sealed] = [factsHash({ version: 1 }), sealedHash(ledger, parts)];
    const event = eventHash(1, facts, sealed);
    allDiffer([
      event,
      eventHash(2, facts, sealed),
      eventHash(1, factsHash({ version: 2 }), sealed),
      eventHash(1, sealed, facts),
    ]);
    allDiffer(
      [
        entry(ledger, 7, 1000, event),
        entry(ledger, 8, 1000, event),
        entry(ledger, 7, 2000, event),
        entry(ledger, 1000, 7, event),
        entry(seq(0x11, 16), 7, 1000, event),
        entry(ledger, 7, 1000, facts),
      ].map(leafHash),
    );
  });

  test('give a leaf that is no inner node of the same bytes', () => {
    const data = Buffer.concat([seq(0, 32), seq(32, 32)]);
    assert.not.equal(leafHash(data), nodeHash(seq(0, 32), seq(32, 32)));
  });
});

describe('the MACs', test => {
  test('of a row bind key, ledger and leaf', () => {
    const leaf = seq(0, 32);
    allDiffer([
      rowMac(rowKey, ledger, leaf),
      rowMac(seq(1, 32), ledger, leaf),
      rowMac(rowKey, seq(0x11, 16), leaf),
      rowMac(rowKey, ledger, seq(1, 32)),
    ]);
  });

  test('of a head bind every field of it', () => {
    const head: HeadParts = {
      epoch: 1,
      size: 2,
      root: seq(0, 32),
      lastRecordedAt: 3,
      authorityCount: 4,
      authorityChain: seq(32, 32),
      keyringGeneration: 5,
      frontier: seq(64, 64),
    };
    const changes: Partial<HeadParts>[] = [
      {},
      { epoch: 9 },
      { size: 9 },
      { root: seq(9, 32) },
      { lastRecordedAt: 9 },
      { authorityCount: 9 },
      { authorityChain: seq(9, 32) },
      { root: head.authorityChain, authorityChain: head.root },
      { keyringGeneration: 9 },
      { frontier: seq(9, 64) },
      { frontier: head.frontier.subarray(0, 32) },
    ];
    allDiffer([
      ...changes.map(change => headMac(rowKey, ledger, { ...head, ...change })),
      headMac(seq(1, 32), ledger, head),
      headMac(rowKey, seq(0x11, 16), head),
    ]);
  });

  test('of authority chain events in their order', () => {
    const start = Buffer.alloc(32);
    const [a, b] = [seq(0, 32), seq(32, 32)];
    const chain = (...leaves: Buffer[]): Buffer => leaves.reduce(authorityChain, start);
    allDiffer([chain(), chain(a), chain(b), chain(a, b), chain(b, a), chain(a, a), chain(a, b, b)]);
  });
});
