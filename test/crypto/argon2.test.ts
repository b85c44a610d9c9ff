/** Argon2id: the cost is checked before it is paid, one derivation runs at a time, and few may wait. */
import * as assert from 'uvu/assert';
import { Argon2Busy, Argon2CostRefused, type Argon2Params, argon2id } from '../../src/crypto/argon2.js';
import { describe } from '../support/describe.js';
import { hex, seq } from './support/given.js';

const cheapest: Argon2Params = { salt: seq(0, 16), memoryKib: 19_456, iterations: 2, parallelism: 1 };

const refusal = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('a password', test => {
  test('gives the same key in whichever form its letters are composed', async () => {
    const composed = await argon2id('Müll und Öl', cheapest);
    const decomposed = await argon2id('Müll und Öl'.normalize('NFD'), cheapest);
    assert.is(composed.length, 32);
    assert.equal(composed, decomposed);
  });

  test('gives another key with another salt, cost or pepper', async () => {
    const all = [
      await argon2id('password', cheapest),
      await argon2id('Password', cheapest),
      await argon2id('password', { ...cheapest, salt: seq(1, 16) }),
      await argon2id('password', { ...cheapest, memoryKib: 19_457 }),
      await argon2id('password', { ...cheapest, iterations: 3 }),
      await argon2id('password', { ...cheapest, parallelism: 2 }),
      await argon2id('password', { ...cheapest, secret: seq(0, 32) }),
      await argon2id('password', { ...cheapest, secret: seq(1, 32) }),
    ];
    assert.is(new Set(all.map(hex)).size, all.length);
  });
});

describe('the cost', test => {
  test('below the floor or above the ceiling is refused before anything is computed', async () => {
    const wrong: Partial<Argon2Params>[] = [
      { memoryKib: 19_455 },
      { memoryKib: 1_048_577 },
      { memoryKib: 0xffffffff },
      { memoryKib: 20_000.5 },
      { iterations: 1 },
      { iterations: 17 },
      { parallelism: 0 },
      { parallelism: 9 },
      { iterations: Number.NaN },
      { salt: seq(0, 15) },
      { salt: seq(0, 17) },
      { secret: seq(0, 31) },
      { secret: Buffer.alloc(0) },
    ];
    const started = process.hrtime.bigint();
    for (const change of wrong)
      assert.instance(await refusal(argon2id('password', { ...cheapest, ...change })), Argon2CostRefused);
    // Four TiB or four billion passes would not be over so soon.
    assert.ok(process.hrtime.bigint() - started < 1_000_000_000n);
  });

  test('that is refused takes no place in the queue', async () => {
    const refused = Array.from({ length: 20 }, () => refusal(argon2id('password', { ...cheapest, iterations: 1 })));
    assert.is((await argon2id('password', cheapest)).length, 32);
    assert.ok((await Promise.all(refused)).every(error => error instanceof Argon2CostRefused));
  });
});

describe('the queue', test => {
  test('takes four behind the one that runs, refuses the next at once, and is free again after', async () => {
    const order: number[] = [];
    const five = Array.from({ length: 5 }, (_, i) =>
      argon2id('password', cheapest).then(key => {
        order.push(i);
        return key;
      }),
    );
    const error = await refusal(argon2id('password', cheapest));
    assert.instance(error, Argon2Busy);
    assert.is(order.length, 0);
    assert.is(new Set((await Promise.all(five)).map(hex)).size, 1);
    assert.equal(order, [0, 1, 2, 3, 4]);
    assert.is((await argon2id('password', cheapest)).length, 32);
  });

  test('does not hold up the event loop', async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    await argon2id('password', { ...cheapest, memoryKib: 65_536, iterations: 3 });
    clearInterval(timer);
    assert.ok(turns > 5, `${turns} turns`);
  });
});
