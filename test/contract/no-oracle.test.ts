/**
 * What one may not see looks the same whether it is there or not: in status, words, headers and time. Of times the quickest
 * quarter is compared, of calls that take turns: what a busy machine adds is not there each time, a look-up more would be.
 */
import * as assert from 'uvu/assert';
import { type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let calls: TokenCalls;
let stranger: string;

interface Pair {
  readonly method: string;
  readonly there: string;
  readonly absent: string;
  readonly body?: object;
}

const PAIRS: readonly Pair[] = [
  { method: 'GET', there: 'secret/data/there', absent: 'secret/data/absent' },
  { method: 'GET', there: 'secret/metadata/there', absent: 'secret/metadata/absent' },
  { method: 'LIST', there: 'secret/metadata/folder', absent: 'secret/metadata/nothing' },
  { method: 'POST', there: 'secret/data/there', absent: 'secret/data/absent', body: { data: { v: 1 } } },
  { method: 'DELETE', there: 'secret/data/there', absent: 'secret/data/absent' },
  { method: 'GET', there: 'secret/data/there', absent: 'nomount/data/there' },
  { method: 'GET', there: 'secret/strange/there', absent: 'nomount/strange/there' },
  { method: 'GET', there: 'sys/mounts/secret', absent: 'sys/mounts/nomount' },
  { method: 'GET', there: 'sys/policies/acl/there', absent: 'sys/policies/acl/absent' },
  { method: 'GET', there: 'sys/internal/ui/mounts/secret/x', absent: 'sys/internal/ui/mounts/nomount/x' },
  { method: 'GET', there: 'sys/quotas/rate-limit/there', absent: 'sys/quotas/rate-limit/absent' },
  { method: 'GET', there: 'auth/token/roles/there', absent: 'auth/token/roles/absent' },
  { method: 'GET', there: 'auth/approle/role/there', absent: 'auth/approle/role/absent' },
  { method: 'GET', there: 'auth/people/users/there', absent: 'auth/people/users/absent' },
  { method: 'DELETE', there: 'auth/people/users/there', absent: 'auth/nobody/users/there' },
];

/** Without what is another one in every answer, and with one word for all names that were asked for. */
const seen = ({ status, text, headers }: Reply): unknown => [
  status,
  text
    .replace(/"request_id":"[^"]*"/, '')
    .replace(/\b(?:there|absent|secret|nomount|people|nobody|folder|nothing)\b/g, '…'),
  [...headers.keys()].filter(name => name !== 'date').sort(),
];

const quick = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[times.length >> 2] ?? 0;

/** ms that each takes, by turns; the first are warming up. */
const timed = async (...both: readonly (() => Promise<unknown>)[]): Promise<readonly number[]> => {
  const times = both.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [i, ask] of both.entries()) {
      const startedAt = performance.now();
      await ask();
      if (round >= 3) times[i]?.push(performance.now() - startedAt);
    }
  return times.map(quick);
};

const ROUNDS = 27;
const TRIES = 3;

/** A difference that is there is there in every try. */
const takeAsLong = async (one: () => Promise<unknown>, other: () => Promise<unknown>): Promise<void> => {
  const found: string[] = [];
  for (let i = 0; i < TRIES; i += 1) {
    const [first = 0, second = 0] = await timed(one, other);
    if (Math.max(first, second) <= 1.3 * Math.min(first, second) + 0.3) return;
    found.push(`${first.toFixed(2)} and ${second.toFixed(2)} ms`);
  }
  assert.unreachable(found.join(', '));
};

describe('what one may not see', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    calls = tokenCalls(node);
    const made: readonly (readonly [path: string, fields: object])[] = [
      ['secret/data/there', { data: { v: 1 } }],
      ['secret/data/folder/x', { data: { v: 1 } }],
      ['sys/policies/acl/there', { policy: 'path "x" { capabilities = ["read"] }' }],
      ['sys/quotas/rate-limit/there', { path: 'never', rate: 1000 }],
      ['auth/token/roles/there', { orphan: true }],
      ['sys/auth/approle', { type: 'approle' }],
      ['auth/approle/role/there', { token_policies: 'there' }],
      ['sys/auth/people', { type: 'userpass' }],
      ['auth/people/users/there', { password: 'a long enough password' }],
    ];
    for (const [path, fields] of made) assert.ok((await calls.post(path, fields)).status < 300, path);
    stranger = (await calls.make({ policies: ['there'], no_default_policy: true })).client_token;
  });

  for (const pair of PAIRS)
    test(`${pair.method} of ${pair.there} looks like ${pair.absent} to a token without permission`, async () => {
      const ask = (path: string) => node.call(pair.method, path, pair.body, { token: stranger });
      const [there, absent] = [await ask(pair.there), await ask(pair.absent)];
      assert.is(there.status, 403);
      assert.equal(seen(there), seen(absent));
    });

  for (const { method, there, absent, body } of [PAIRS[0], PAIRS[3], PAIRS[5], PAIRS[8], PAIRS[9]].flatMap(
    p => p ?? [],
  ))
    test(`${method} of ${there} is refused as quickly as ${absent}`, () => {
      const ask = (path: string) => node.call(method, path, body, { token: stranger });
      return takeAsLong(
        () => ask(there),
        () => ask(absent),
      );
    });

  test('a token that lived looks like one that never did', async () => {
    const { client_token: ended } = await calls.make({ policies: ['default'] });
    await calls.post('auth/token/revoke', { token: ended });
    const ask = (token: string) => calls.get('secret/data/there', token);
    const never = `${ended.slice(0, -4)}aaaa`;
    const [one, other] = [await ask(ended), await ask(never)];
    assert.equal([one.status, one.body], [other.status, other.body]);
    await takeAsLong(
      () => ask(ended),
      () => ask(never),
    );
  });

  test('a role id that is wrong looks like a secret id that is', async () => {
    const { role_id } = (await calls.get('auth/approle/role/there/role-id')).body.data;
    const ask = (id: string) =>
      node.call('POST', 'auth/approle/login', { role_id: id, secret_id: 'x' }, { token: null });
    const [known, unknown] = [await ask(role_id), await ask('00000000-0000-4000-8000-000000000000')];
    assert.equal([unknown.status, unknown.body], [known.status, known.body]);
    assert.is(known.status, 400);
  });
});
