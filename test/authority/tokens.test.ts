/** Packed tokens against a plain model: random lives of trees of tokens, looked up by everything that names them. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Interned } from '../../src/authority/packed/interned.js';
import { type Token, TokenTable } from '../../src/authority/tokens.js';
import { type Uuid, uuidText } from '../../src/crypto/bytes.js';
import { sha256 } from '../../src/crypto/prf.js';
import type { Facts } from '../../src/domain/facts.js';
import { describe } from '../support/describe.js';
import { laneOne } from './support/events.js';

const MOUNTS = [null, '00000000-0000-4000-8000-0000000000a1', '00000000-0000-4000-8000-0000000000a2'] as const;
const idOf = (n: number): Uuid => uuidText(sha256(Buffer.from(`id ${n}`)).subarray(0, 16));
/** Three people, each with tokens of its own. */
const entityOf = (n: number): Uuid => idOf(1_000_000 + (n % 3));
const hashOf = (n: number): Buffer => sha256(Buffer.from(`hash ${n}`));
const accessorOf = (n: number): string => hashOf(n).toString('hex').slice(0, 24);

type Step =
  | { readonly kind: 'create'; readonly parent: number | null; readonly ttl: number; readonly mount: number }
  | { readonly kind: 'renew' | 'spend' | 'revoke' | 'orphan'; readonly token: number; readonly number: number }
  | { readonly kind: 'end-mount'; readonly mount: number };

const token = fc.nat({ max: 60 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      parent: fc.option(token, { nil: null }),
      ttl: fc.nat({ max: 40 }),
      mount: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('renew' as const, 'spend' as const, 'revoke' as const, 'orphan' as const),
      token,
      number: fc.nat({ max: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end-mount' as const), mount: fc.nat({ max: 2 }) }) },
);

/** What the columns stand for, as objects that nobody packs. */
class Model {
  readonly tokens = new Map<Uuid, { parent: Uuid | null; expiresAt: number; usesLeft: number; mount: string | null }>();

  end(id: Uuid): void {
    this.tokens.delete(id);
    for (const [child, { parent }] of [...this.tokens]) if (parent === id) this.end(child);
  }

  lives(id: Uuid, now: number): boolean {
    const found = this.tokens.get(id);
    if (found === undefined || (found.expiresAt !== 0 && found.expiresAt <= now)) return false;
    return found.parent === null || this.lives(found.parent, now);
  }
}

const run = (steps: readonly Step[]): void => {
  const [table, model] = [new TokenTable(), new Model()];
  let [made, now] = [0, 1_000_000];
  for (const each of steps) {
    now += 1_000_000;
    if (each.kind === 'create') {
      const n = made;
      made += 1;
      const parent = each.parent === null || each.parent >= n ? null : idOf(each.parent);
      const expiresAt = each.ttl === 0 ? 0 : now + each.ttl * 1_000_000;
      const mount = MOUNTS[each.mount] ?? null;
      const created = laneOne('token.created', idOf(n), now, {
        token_hash: hashOf(n).toString('hex'),
        ...(expiresAt === 0 ? {} : { expires_at: expiresAt }),
        ...(parent === null ? {} : { parent }),
      });
      table.created(
        { ...created, actor: entityOf(n) },
        {
          ...{ v: 1, at: now, accessor: accessorOf(n), policies: ['default', `p${n % 3}`], display_name: `token-${n}` },
          ...{ creation_path: 'auth/token/create', method: 'token', uses: 5, meta: { n: String(n) } },
          ...(mount === null ? {} : { auth_mount: mount }),
        },
      );
      if (parent === null || model.tokens.has(parent))
        model.tokens.set(idOf(n), { parent, expiresAt, usesLeft: 5, mount });
    } else if (each.kind === 'end-mount') {
      const mount = MOUNTS[each.mount] ?? null;
      if (mount === null) continue;
      table.endOf(mount);
      for (const [id, found] of [...model.tokens]) if (found.mount === mount) model.end(id);
    } else {
      const id = idOf(each.token);
      const found = model.tokens.get(id);
      if (each.kind === 'renew') {
        const expiresAt = now + each.number * 1_000_000;
        table.renewed(laneOne('token.renewed', id, now, { expires_at: expiresAt }));
        if (found) found.expiresAt = expiresAt;
      } else if (each.kind === 'spend') {
        const uses = each.number % 5;
        table.spent(laneOne('token.spent', id, now, uses === 0 ? {} : { uses }));
        if (found && uses > 0) found.usesLeft = uses;
        if (uses === 0) model.end(id);
      } else {
        table.revoked(laneOne('token.revoked', id, now, each.kind === 'revoke' ? { tree: true } : {}));
        if (each.kind === 'orphan')
          for (const other of model.tokens.values()) if (other.parent === id) other.parent = null;
        model.end(id);
      }
    }
    const alive: string[] = [];
    for (let n = 0; n < made; n += 1) {
      const lives = model.lives(idOf(n), now);
      const found: readonly (Token | null)[] = [
        table.byId(idOf(n), now),
        table.byHash(hashOf(n), now),
        table.byAccessor(accessorOf(n), now),
      ];
      for (const one of found) {
        assert.is(one?.id ?? null, lives ? idOf(n) : null);
        if (!lives) continue;
        assert.is(one?.usesLeft, model.tokens.get(idOf(n))?.usesLeft);
        assert.is(one?.expiresAt, model.tokens.get(idOf(n))?.expiresAt);
        assert.is(one?.parent, model.tokens.get(idOf(n))?.parent);
        assert.equal(one?.meta, { n: String(n) });
        assert.is(one?.hash, hashOf(n).toString('hex'));
      }
      assert.is(found[0], found[1], 'the same token is the same object');
      if (lives) alive.push(idOf(n));
    }
    assert.equal([...table.all(now)].map(({ id }) => id).sort(), alive.sort());
    for (const entity of [0, 1, 2].map(entityOf))
      assert.equal(
        [...table.ofEntity(entity, now)].map(({ id }) => id).sort(),
        [...table.all(now)].flatMap(token => (token.entity === entity ? [token.id] : [])).sort(),
      );
  }
};

describe('packed tokens', test => {
  test('are what plain objects would be, whatever happens to them', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), run), { numRuns: 60 });
  });

  test('are frozen as they were, while they go on changing, and thaw into the same', () => {
    const now = 9_000_000;
    const make = (table: TokenTable, n: number, parent: number | null): void => {
      const facts = { token_hash: hashOf(n).toString('hex'), ...(parent === null ? {} : { parent: idOf(parent) }) };
      table.created(laneOne('token.created', idOf(n), now, facts), {
        ...{ v: 1, at: now, accessor: accessorOf(n), policies: [`p${n % 7}`], display_name: `d${n % 5}` },
        ...{ creation_path: 'auth/token/create', method: 'token' },
      });
    };
    const revoke = (table: TokenTable, n: number): void =>
      table.revoked(laneOne('token.revoked', idOf(n), now, { tree: true }));
    const shown = (table: TokenTable): string[] => [...table.all(now)].map(token => JSON.stringify(token)).sort();
    const anywhere = (n: number, below: number): number => (Math.imul(n, 2_654_435_761) >>> 7) % Math.max(1, below);
    /** Trees that reach over all parts: neighbours in a list of children are far from each other. */
    const forest = (tokens: number): TokenTable => {
      const table = new TokenTable();
      for (let n = 0; n < tokens; n += 1) make(table, n, n < 20 ? null : anywhere(n, n));
      return table;
    };
    /** Mostly so many that parts are left when things change. */
    const several = fc.oneof(
      { weight: 1, arbitrary: fc.nat({ max: 50 }) },
      { weight: 5, arbitrary: fc.integer({ min: 5000, max: 12_000 }) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), several, (steps, tokens) => {
        const [table, same] = [forest(tokens), forest(tokens)];
        const frozen = table.freeze();
        const parts = [frozen.next()];
        for (const [i, each] of steps.entries())
          if (each.kind === 'create')
            make(table, tokens + i, each.parent === null ? null : anywhere(each.parent, tokens));
          else if (each.kind !== 'end-mount') {
            const n = anywhere(each.token, tokens);
            if (each.kind === 'renew') table.renewed(laneOne('token.renewed', idOf(n), now, { expires_at: now * 2 }));
            else if (each.kind === 'spend') table.spent(laneOne('token.spent', idOf(n), now, { uses: 3 }));
            else if (each.kind === 'orphan') table.revoked(laneOne('token.revoked', idOf(n), now, {}));
            else revoke(table, n);
          }
        for (let part = frozen.next(); part !== null; part = frozen.next()) parts.push(part);
        frozen.done();
        const thawed = new TokenTable();
        for (const part of parts) if (part !== null) assert.ok(thawed.thaw(frozen.end, part));
        assert.ok(thawed.thawed(frozen.end, frozen.texts));
        assert.equal(shown(thawed), shown(same));
        for (let n = 0; n < Math.min(tokens, 50); n += 1) assert.is(thawed.byHash(hashOf(n), now)?.id, idOf(n));
        for (let n = 0; n < 20; n += 1)
          for (const one of [thawed, same]) {
            make(one, tokens + 100 + n, anywhere(n + 100, tokens));
            revoke(one, anywhere(n, tokens));
          }
        assert.equal(shown(thawed), shown(same), 'a tree ends with all that is in it, and with nothing else');
      }),
      { numRuns: 8 },
    );
  });

  test('may have the hash of one that expired: a chosen token that is made again', () => {
    const table = new TokenTable();
    const header = { accessor: '', policies: [], display_name: '', creation_path: '', method: 'token' };
    const make = (n: number, at: number, facts: Facts, chosen = n): void =>
      table.created(laneOne('token.created', idOf(n), at, { token_hash: hashOf(chosen).toString('hex'), ...facts }), {
        ...{ v: 1, at, ...header, accessor: accessorOf(n) },
      });
    make(1, 10, { expires_at: 20 });
    make(2, 11, { parent: idOf(1) });
    for (const [n, chosen] of [
      [3, 1],
      [4, 2],
    ] as const) {
      assert.is(table.byHash(hashOf(chosen), 30), null);
      make(n, 30, { expires_at: 50 }, chosen);
      assert.is(table.byHash(hashOf(chosen), 40)?.id, idOf(n));
      assert.is(table.byId(idOf(n), 40)?.id, idOf(n));
    }
    table.revoked(laneOne('token.revoked', idOf(3), 41, { tree: true }));
    assert.is(table.byHash(hashOf(1), 42), null);
  });

  test('whose parent ended before they were born are dead', () => {
    const table = new TokenTable();
    const child = laneOne('token.created', idOf(2), 5, { token_hash: hashOf(2).toString('hex'), parent: idOf(1) });
    const header = { accessor: accessorOf(2), policies: [], display_name: '', creation_path: '', method: 'token' };
    table.created(child, { v: 1, at: 5, ...header });
    assert.is(table.byId(idOf(2), 6), null);
    assert.is(table.size, 0);
  });

  test('end with a root of a hundred thousand children, without a deep or a wide call', () => {
    const table = new TokenTable();
    const make = (n: number, parent: number | null): void =>
      table.created(
        laneOne('token.created', idOf(n), 5, {
          token_hash: hashOf(n).toString('hex'),
          ...(parent === null ? {} : { parent: idOf(parent) }),
        }),
        {
          ...{ v: 1, at: 5, accessor: accessorOf(n), policies: ['default'], display_name: 'x' },
          ...{ creation_path: 'auth/token/create', method: 'token' },
        },
      );
    make(0, null);
    for (let n = 1; n <= 100_000; n += 1) make(n, n % 2 === 0 ? 0 : n - 1);
    assert.is(table.size, 100_001);
    table.revoked(laneOne('token.revoked', idOf(0), 6, { tree: true }));
    assert.is(table.size, 0);
  });
});

describe('interned values', test => {
  test('are kept once, and forgotten with their last use', () => {
    const words = new Interned<readonly string[]>();
    const [one, two] = [words.take(['a', 'b']), words.take(['a', 'b'])];
    assert.is(one, two);
    assert.is(words.size, 1);
    words.drop(one);
    assert.equal(words.valueOf(two), ['a', 'b']);
    words.drop(two);
    assert.is(words.size, 0);
    assert.is(words.take(null), 0);
    assert.is(words.valueOf(0), null);
    assert.is(words.take(['c']), one, 'its number is given again');
  });
});
