/** Every part of authority, whatever happened: a snapshot and what came after it is what was folded from the first event. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Authority } from '../../src/authority/authority.js';
import { Restoring, type SnapshotParts, snapshotOf } from '../../src/authority/snapshot.js';
import { randomBytes } from '../../src/crypto/random.js';
import { Custody } from '../../src/keys/custody.js';
import { newKeyring } from '../../src/keys/keyring.js';
import { describe } from '../support/describe.js';
import { created, type Lived, lived, START_US, type Step, step } from './support/life.js';

const custody = new Custody(randomBytes(16), randomBytes(32), newKeyring(0, 1), new Map());

const fold = (authority: Authority, each: Lived): void => authority.restore([each], each.event.position);

/** All that can be asked of each part, by the names that `Authority` has them under. */
const shownOf = (authority: Authority): Readonly<Record<string, unknown>> => {
  const now = START_US + authority.position * 1_000_000;
  const sorted = (values: Iterable<unknown>): readonly string[] =>
    [...values].map(value => JSON.stringify(value)).sort();
  const { slots, terms, epochs, entities, tokens, policies, roles, logins } = authority;
  const { secretIds, quotas, config, holds, retention, mounts } = authority;
  const mountIds = [...new Set([...roles.values(), ...secretIds.values()].map(({ mount }) => mount))];
  const nodes = [...holds.values(), ...retention.values()].map(({ node }) => new Set([node]));
  return {
    slots: sorted(slots.values()),
    terms: terms.all.map(term => ({
      ...{ term, prepared: terms.prepared?.term, escrows: terms.escrowsOf(term.term), gone: terms.goneOf(term.term) },
      ...{ holders: [...terms.holdersOf(term.term)].sort(), wrapped: terms.wrappedOf(term.term) },
    })),
    epochs: [epochs.all, epochs.newest],
    entities: [
      sorted(entities.values()),
      [...entities.values()].map(({ id, aliases }) => aliases.every(alias => entities.byAlias(alias.id)?.id === id)),
    ],
    tokens: [...tokens.all(now)]
      .map(token => ({
        ...{ token, byHash: tokens.byHash(Buffer.from(token.hash, 'hex'), now), byId: tokens.byId(token.id, now) },
        byAccessor: tokens.byAccessor(token.accessor, now),
        may: [...authority.permissionOf(token).grants()],
      }))
      .sort((one, other) => (one.token.id < other.token.id ? -1 : 1)),
    policies: policies.names().map(name => policies.get(name)),
    roles: [
      sorted(roles.values()),
      mountIds.map(mount => [0, 1, 2].map(n => roles.byRoleId(mount, `id-${n}`)?.id ?? null)).sort(),
    ],
    logins: sorted(logins.values()),
    secretIds: [
      sorted(secretIds.values()),
      mountIds.map(mount => [0, 1, 2].map(n => sorted(secretIds.ofRole(mount, `name-${n}`)))).sort(),
    ],
    quotas: sorted(quotas.entries()),
    config: sorted(config.entries()),
    holds: [sorted(holds.values()), holds.changedAt, sorted(nodes.map(node => holds.over(node)))],
    retention: [
      ...[sorted(retention.values()), retention.changedAt],
      sorted(nodes.map(node => retention.over(node)?.minimumAge)),
    ],
    mounts: [mounts.all, mounts.highestNumber, mounts.moves, [...mounts.formerPaths].sort()],
  };
};

/** What it is asked for itself. */
const ownOf = (authority: Authority): unknown => {
  const { position, keystore, sharesBackup, rotations, rootGeneration, epoch, epochOpenedAt, base } = authority;
  return {
    ...{ position, keystore, sharesBackup, rotations, rootGeneration, epoch, epochOpenedAt, base },
    createdAt: authority.createdAt,
  };
};

const restored = (parts: SnapshotParts): Authority => {
  const restoring = new Restoring(custody);
  for (let part = parts.next(); part !== null; part = parts.next()) restoring.take(part);
  parts.done();
  const authority = restoring.authority();
  if (authority === null) throw new Error('the snapshot is not whole');
  return authority;
};

const run = (steps: readonly Step[], at: number, meanwhile: number): void => {
  const whole = new Authority(custody);
  fold(whole, created);
  /** Folds what the steps come to, and gives it. */
  const go = (some: readonly Step[]): readonly Lived[] =>
    some.flatMap(each => {
      const next = lived(whole, each);
      if (next === null) return [];
      fold(whole, next);
      return [next];
    });
  const seen = (authority: Authority): unknown => [shownOf(authority), ownOf(authority)];
  go(steps.slice(0, at));
  const parts = snapshotOf(whole);
  const then = seen(whole);
  const after = go(steps.slice(at, at + meanwhile));
  const begun = restored(parts);
  assert.equal(seen(begun), then, 'as of when it was begun');
  for (const each of [...after, ...go(steps.slice(at + meanwhile))]) fold(begun, each);
  assert.equal(seen(begun), seen(whole), 'with what came after it');
  assert.equal(seen(restored(snapshotOf(begun))), seen(whole), 'and again of that');
};

describe('a snapshot of any authority', test => {
  test('looks at every part that there is', () => {
    const authority = new Authority(custody);
    const parts = Object.keys(authority).filter(name => !['custody', 'history', 'identityOf'].includes(name));
    assert.equal(Object.keys(shownOf(authority)).sort(), parts.sort());
  });

  test('with what came after it is what was folded from the first event', () => {
    const life = fc.array(step, { minLength: 1, maxLength: 400, size: 'max' });
    fc.assert(
      fc.property(life, fc.nat({ max: 400 }), fc.nat({ max: 20 }), (steps, at, meanwhile) =>
        run(steps, at % (steps.length + 1), meanwhile),
      ),
      { numRuns: 100 },
    );
  });
});
