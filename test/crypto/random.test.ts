/** Randomness: what can be tested of it is its form, that nothing comes twice, and that no character is favoured. */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import * as assert from 'uvu/assert';
import { newAccessor, newToken } from '../../src/crypto/ids.js';
import { randomBase62, randomBytes, randomUuid4, randomUuid7 } from '../../src/crypto/random.js';
import { describe } from '../support/describe.js';

describe('random bytes', test => {
  test('come in any number, and in no pool of slices that are handed out again', () => {
    for (const n of [0, 1, 16, 24, 32, 1024, 1025, 20_000]) {
      const bytes = randomBytes(n);
      assert.is(bytes.length, n);
      assert.is.not(bytes.buffer, Buffer.from('pool').buffer);
    }
  });

  test('never come twice, also across refills of the pool', () => {
    const seen = new Set(Array.from({ length: 5000 }, () => randomBytes(16).toString('hex')));
    assert.is(seen.size, 5000);
  });

  test('leave zeros in the pool where they were, and nothing else', async () => {
    const { randomFillSync } = crypto;
    let pool: Buffer = Buffer.alloc(0);
    const watched = (buffer: Buffer): Buffer => {
      pool = buffer;
      return randomFillSync(buffer);
    };
    const replace = (by: unknown): void => {
      Object.assign(crypto, { randomFillSync: by });
      syncBuiltinESMExports();
    };
    replace(watched);
    try {
      const url = new URL('../../src/crypto/random.js?watched', import.meta.url).href;
      const there: typeof import('../../src/crypto/random.js') = await import(url);
      there.randomBytes(32);
      const next = Buffer.from(pool.subarray(32, 64));
      assert.equal(pool.subarray(0, 32), Buffer.alloc(32));
      assert.not.equal(next, Buffer.alloc(32));
      assert.equal(there.randomBytes(32), next);
      assert.equal(pool.subarray(0, 64), Buffer.alloc(64));
    } finally {
      replace(randomFillSync);
    }
  });
});

describe('a random UUID', test => {
  test('of version 4 is marked so', () => {
    for (let i = 0; i < 200; i += 1)
      assert.match(randomUuid4(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('of version 7 is marked so and begins with its time', () => {
    const uuid = randomUuid7(1_764_000_000_000.9);
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.is(Number.parseInt(uuid.slice(0, 13).replace('-', ''), 16), 1_764_000_000_000);
    assert.ok(randomUuid7(1_764_000_000_000) < randomUuid7(1_764_000_000_001));
    assert.throws(() => randomUuid7(-1));
  });
});

describe('random text', test => {
  test('has the form of a token and of an accessor', () => {
    assert.match(newToken(), /^hvs\.[0-9A-Za-z]{24}$/);
    assert.match(newAccessor(), /^[0-9A-Za-z]{24}$/);
    assert.is(randomBase62(0), '');
  });

  test('favours no character', () => {
    const counts = new Map<string, number>();
    const drawn = 62 * 2000;
    for (const character of randomBase62(drawn)) counts.set(character, (counts.get(character) ?? 0) + 1);
    assert.is(counts.size, 62);
    // Without rejection the first eight characters would come up 25 % more often; ±13 % is six standard deviations.
    for (const [character, count] of counts) assert.ok(Math.abs(count - 2000) < 260, `${character}: ${count}`);
  });
});
