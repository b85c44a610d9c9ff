/** Revocation (vault-wire.md §10.5): whole trees, on every node, at once. */
import * as assert from 'uvu/assert';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { standing } from '../support/standing.js';
import { trail } from './support/logins.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let calls: TokenCalls;
let elsewhere: TestNode;
let there: TokenCalls;

const MAKER = 'path "auth/token/create" { capabilities = ["update"] }';

interface Line {
  readonly top: string;
  readonly middle: string;
  readonly leaf: string;
  readonly accessor: string;
}

/** Three generations, seen alive on both nodes. */
const family = async (): Promise<Line> => {
  const top = await calls.make({ policies: ['maker'] });
  const middle = await calls.make({}, { by: top.client_token });
  const leaf = await calls.make({}, { by: middle.client_token });
  const line = { top: top.client_token, middle: middle.client_token, leaf: leaf.client_token, accessor: top.accessor };
  for (const token of [line.top, line.middle, line.leaf])
    assert.ok((await calls.lives(token)) && (await there.lives(token)));
  return line;
};

describe('revoking a token', test => {
  test.before(async () => {
    cluster = await testCluster();
    calls = tokenCalls(cluster.node);
    elsewhere = await cluster.newNode();
    there = tokenCalls(elsewhere);
    await calls.policy('maker', MAKER);
  });
  test.after(() => cluster.stop());

  test('that has a request under way is on record as refused, as any other is', async () => {
    const { session } = elsewhere.program.nexus;
    assert.ok(session);
    const { appender } = session;
    const submit = appender.submit.bind(appender);
    const ends: readonly (readonly [end: (line: Line) => Promise<unknown>, why: string])[] = [
      [({ top }) => calls.post('auth/token/revoke', { token: top }), 'bad-token'],
      [() => calls.policy('maker', '# nothing any more'), 'permission'],
    ];
    for (const [end, why] of ends) {
      const line = await family();
      appender.submit = async command => {
        appender.submit = submit;
        await end(line);
        return submit(command);
      };
      refusedWith(await there.post('auth/token/create', {}, line.top), 403, 'permission denied');
      const denied = (await trail(elsewhere, 'token.create')).at(-1);
      assert.equal([denied.outcome, denied.reason_code, denied.via.accessor], ['denied', why, line.accessor]);
    }
    await calls.policy('maker', MAKER);
  });

  test('takes its right to what is appended nowhere, on a node that has yet to hear of it', async () => {
    const { session } = elsewhere.program.nexus;
    assert.ok(session);
    const PATHS = ['sys/seal', 'sys/generate-root-token/attempt', 'sys/rotate/root/init'];
    const rules = PATHS.map(path => `path "${path}" { capabilities = ["update", "sudo"] }`);
    await calls.policy('operator', rules.join('\n'));
    const make = async (): Promise<string> => (await calls.make({ policies: ['operator'] })).client_token;
    const tokens = await Promise.all(PATHS.map(make));
    for (const token of tokens) assert.ok(await there.lives(token));
    await standing(session, async () => {
      for (const [i, path] of PATHS.entries()) {
        await calls.post('auth/token/revoke', { token: tokens[i] });
        const asked = { secret_shares: 1, secret_threshold: 1 };
        refusedWith(await there.post(path, asked, tokens[i]), 403, 'permission denied');
      }
    });
  });

  const DOORS: readonly (readonly [string, (line: Line) => Promise<{ status: number; text: string }>])[] = [
    ['revoke-self', line => calls.post('auth/token/revoke-self', {}, line.top)],
    ['revoke', line => calls.post('auth/token/revoke', { token: line.top })],
    ['revoke-accessor', line => calls.post('auth/token/revoke-accessor', { accessor: line.accessor })],
    ['sys/leases/revoke', async line => calls.post('sys/leases/revoke', { lease_id: await leaseOf(line.top) })],
  ];
  for (const [name, revoke] of DOORS)
    test(`by ${name} ends the tree on this node and on the other, in the same moment`, async () => {
      const line = await family();
      const reply = await revoke(line);
      assert.is(reply.status, 204, reply.text);
      for (const token of [line.leaf, line.middle, line.top]) {
        assert.not(await there.lives(token));
        assert.not(await calls.lives(token));
      }
    });

  test('a revoked token answers 403 on every path of every node', async () => {
    const { client_token: token } = await calls.make({ policies: ['root'] });
    assert.is((await there.post('secret/data/x', { data: { v: 1 } }, token)).status, 200);
    await calls.post('auth/token/revoke', { token });
    for (const each of [calls, there])
      for (const reply of [
        await each.get('secret/data/x', token),
        await each.post('secret/data/x', { data: { v: 2 } }, token),
        await each.get('sys/mounts', token),
        await each.get('nowhere/x', token),
        await each.post('auth/token/create', {}, token),
      ])
        refusedWith(reply, 403, 'permission denied');
  });

  test('of an orphan ends it alone, and its children live on as orphans', async () => {
    const line = await family();
    assert.is((await calls.post('auth/token/revoke-orphan', { token: line.top })).status, 204);
    for (const each of [there, calls]) {
      assert.not(await each.lives(line.top));
      assert.ok((await each.lives(line.middle)) && (await each.lives(line.leaf)));
    }
    assert.is((await there.get('auth/token/lookup-self', line.middle)).body.data.orphan, true);
    assert.is((await there.get('auth/token/lookup-self', line.leaf)).body.data.orphan, false);
  });

  test('of an orphan needs sudo', async () => {
    await calls.policy('orphaner', 'path "auth/token/revoke-orphan" { capabilities = ["update"] }');
    const line = await family();
    const { client_token } = await calls.make({ policies: ['orphaner'] });
    assert.is((await calls.post('auth/token/revoke-orphan', { token: line.top }, client_token)).status, 403);
    assert.ok(await calls.lives(line.top));
  });

  test('leaves the siblings', async () => {
    const parent = await calls.make({ policies: ['maker'] });
    const one = await calls.make({}, { by: parent.client_token });
    const two = await calls.make({}, { by: parent.client_token });
    await calls.post('auth/token/revoke', { token: one.client_token });
    assert.equal(
      [
        await there.lives(one.client_token),
        await there.lives(two.client_token),
        await there.lives(parent.client_token),
      ],
      [false, true, true],
    );
  });

  test('says what it cannot revoke', async () => {
    const batch = await calls.make({ policies: ['x'], type: 'batch' });
    for (const [path, fields, text] of [
      ['revoke', {}, 'missing token ID'],
      ['revoke', { token: batch.client_token }, 'batch tokens cannot be revoked'],
      ['revoke-orphan', {}, 'missing token ID'],
      ['revoke-orphan', { token: 'hvs.nope' }, 'token to revoke not found'],
      ['revoke-accessor', {}, 'missing accessor'],
      ['revoke-accessor', { accessor: 'nope' }, 'invalid accessor'],
    ] as const)
      refusedWith(await calls.post(`auth/token/${path}`, fields), 400, text);
    assert.is((await calls.post('auth/token/revoke', { token: 'hvs.unknown' })).status, 204);
  });

  test('twice is no second event', async () => {
    const { client_token: token } = await calls.make({ policies: ['x'] });
    const first = await calls.post('auth/token/revoke', { token });
    assert.ok(first.headers.get('x-tallystick-position'));
    assert.is((await calls.post('auth/token/revoke', { token })).headers.get('x-tallystick-position'), null);
  });
});

const leaseOf = async (token: string): Promise<string> => {
  const { accessor } = (await calls.get('auth/token/lookup-self', token)).body.data;
  const prefix = 'auth/token/create/';
  const { keys } = (await cluster.node.call('LIST', `sys/leases/lookup/${prefix}`)).body.data;
  for (const key of keys) {
    const lease = (await calls.post('sys/leases/lookup', { lease_id: `${prefix}${key}` })).body.data;
    const { expire_time } = (await calls.post('auth/token/lookup-accessor', { accessor })).body.data;
    if (lease.expire_time === expire_time) return `${prefix}${key}`;
  }
  throw new Error('the token has no lease');
};
