/** Token buckets: never more than the rate allows, whatever comes when, and never more keys than are kept. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Buckets } from '../../src/operations/quotas/buckets.js';
import { describe } from '../support/describe.js';

describe('token buckets', test => {
  test('allow at most what is in the bucket and what comes into it meanwhile', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        fc.integer({ min: 1, max: 5000 }),
        fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 200 }),
        (rate, intervalMs, pauses) => {
          const buckets = new Buckets({ rate, intervalMs, blockMs: 0 });
          let now = 0;
          let allowed = 0;
          for (const pause of pauses) {
            now += pause;
            if (buckets.take('k', now).allowed) allowed += 1;
          }
          assert.ok(allowed <= Math.max(1, rate) + (now * rate) / intervalMs + 1e-6);
        },
      ),
    );
  });

  test('allow who waits as long as they say', () => {
    const buckets = new Buckets({ rate: 2, intervalMs: 1000, blockMs: 0 });
    assert.equal([buckets.take('k', 0).remaining, buckets.take('k', 0).remaining], [1, 0]);
    const { allowed, waitMs } = buckets.take('k', 0);
    assert.equal([allowed, waitMs], [false, 500]);
    assert.is(buckets.take('k', 499).allowed, false);
    assert.is(buckets.take('k', 500).allowed, true);
  });

  test('keep out who went beyond for the block interval, although there is room again', () => {
    const buckets = new Buckets({ rate: 1, intervalMs: 100, blockMs: 5000 });
    buckets.take('k', 0);
    assert.is(buckets.take('k', 0).waitMs, 5000);
    assert.is(buckets.take('k', 4999).allowed, false);
    assert.is(buckets.take('k', 5000).allowed, true);
  });

  test('forget the key that was not seen for longest, and no other', () => {
    const buckets = new Buckets({ rate: 1, intervalMs: 1e6, blockMs: 0 }, 2);
    for (const key of ['a', 'b', 'a', 'c']) buckets.take(key, 0);
    assert.is(buckets.size, 2);
    assert.is(buckets.take('a', 0).allowed, false);
    assert.is(buckets.take('b', 0).allowed, true);
  });

  test('give nothing when the clock goes back', () => {
    const buckets = new Buckets({ rate: 1, intervalMs: 1000, blockMs: 0 });
    assert.is(buckets.take('k', 10_000).allowed, true);
    assert.is(buckets.take('k', 5000).allowed, false);
  });
});
