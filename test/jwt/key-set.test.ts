/** Published keys over time: kept for ten minutes, asked for again at need, and by nobody too often. */
import * as assert from 'uvu/assert';
import { KeySet, NoKeys } from '../../src/jwt/key-set.js';
import { describe } from '../support/describe.js';

const SOURCE = { kind: 'jwks', url: 'https://issuer.test/keys', ca: '' } as const;
const MINUTE_MS = 60_000;

const keySet = () => {
  const world = { now: 0, asked: 0, kid: 'a', away: false };
  const set = new KeySet(
    SOURCE,
    async () => {
      world.asked += 1;
      if (world.away) throw new Error('away');
      return { keys: [{ kty: 'OKP', kid: world.kid }] };
    },
    () => world.now,
  );
  const kid = async (): Promise<string | undefined> => (await set.keys()).keys[0]?.kid;
  return { world, set, kid };
};

const refused = async (work: () => Promise<unknown>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    assert.instance(error, NoKeys);
    return;
  }
  assert.unreachable('it was answered');
};

describe('published keys', test => {
  test('are kept for ten minutes, and then forgotten, also if the issuer is away', async () => {
    const { world, kid } = keySet();
    assert.is(await kid(), 'a');
    world.kid = 'b';
    world.now = 10 * MINUTE_MS - 1;
    assert.is(await kid(), 'a');
    assert.is(world.asked, 1);
    world.now = 10 * MINUTE_MS;
    assert.is(await kid(), 'b');
    world.away = true;
    world.now = 20 * MINUTE_MS;
    await refused(kid);
  });

  test('are asked for once by many at a time', async () => {
    const { world, kid } = keySet();
    await Promise.all(Array.from({ length: 50 }, kid));
    assert.is(world.asked, 1);
  });

  test('are asked for again for somebody who needs others, each ten seconds at most', async () => {
    const { world, set } = keySet();
    const first = await set.keys();
    world.kid = 'b';
    assert.is(await set.newer(first), null);
    world.now = 10_000;
    const second = await set.newer(first);
    assert.is(second?.keys[0]?.kid, 'b');
    assert.is(await set.newer(first), second);
    assert.is(world.asked, 2);
  });

  test('that cannot be had are not asked for by every login', async () => {
    const { world, kid } = keySet();
    world.away = true;
    for (let i = 0; i < 20; i += 1) await refused(kid);
    assert.is(world.asked, 1);
    world.away = false;
    world.now = 10_000;
    assert.is(await kid(), 'a');
  });
});
