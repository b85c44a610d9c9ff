/** Response wrapping: an answer kept for whoever brings its token, once (vault-wire.md §13, §2.4, §2.6). */
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { appRoles, enable } from './support/logins.js';
import { type Store, storeRows } from './support/stores.js';
import { later, refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';
import { type WrappingCalls, wrappingCalls } from './support/wrapping.js';

let cluster: TestCluster;
let node: TestNode;
let calls: TokenCalls;
let wrapping: WrappingCalls;
let store: Store;

const MARKER = 'marker-wrapped-0815';
const NOT_VALID = 'wrapping token is not valid or does not exist';
const TTL = { 'x-vault-wrap-ttl': '60' };

const start = async (): Promise<void> => {
  cluster = await testCluster();
  node = cluster.node;
  calls = tokenCalls(node);
  wrapping = wrappingCalls(node);
  store = await storeRows(cluster);
  await calls.post('secret/data/x', { data: { password: MARKER } });
};

const trail = async (query: string): Promise<readonly Json[]> =>
  (await calls.get(`sys/ledger/events?limit=1000&${query}`)).body.data.events;

describe('an answer that is asked for with X-Vault-Wrap-TTL', test => {
  test.before(start);
  test.after(() => cluster.stop());

  test('is replaced by a token, its accessor and where it comes from, and nothing else', async () => {
    const reply = await node.call('GET', 'secret/data/x', undefined, { headers: TTL });
    const { wrap_info: info, ...rest } = reply.body;
    assert.equal(
      [reply.status, Object.keys(info)],
      [200, ['token', 'accessor', 'ttl', 'creation_time', 'creation_path']],
    );
    assert.match(info.token, /^hvs\.[0-9A-Za-z]{24}$/);
    assert.match(info.creation_time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.equal([info.ttl, info.creation_path], [60, 'secret/data/x']);
    assert.equal(rest, {
      ...{ request_id: '', lease_id: '', renewable: false, lease_duration: 0, data: null, warnings: null, auth: null },
    });
    assert.not(reply.text.includes(MARKER));
  });

  test('comes out as it would have been, with its own request id, once', async () => {
    const bare = (await calls.get('secret/data/x')).body;
    const { token } = await wrapping.wrap('GET', 'secret/data/x');
    const unwrapped = await wrapping.unwrap(token);
    assert.is(unwrapped.status, 200, unwrapped.text);
    assert.equal({ ...unwrapped.body, request_id: '' }, { ...bare, request_id: '' });
    assert.match(unwrapped.body.request_id, /^[0-9a-f]{8}-/);
    refusedWith(await wrapping.unwrap(token), 400, NOT_VALID);
    const [read] = (await trail('type=secret.written&path=cubbyhole/')).slice(-1);
    assert.is(read?.request.id, unwrapped.body.request_id);
  });

  test('is of any route: a write, a list, a new token, a login', async () => {
    const wrote = await wrapping.wrap('POST', 'secret/data/y', { data: { v: 1 } });
    assert.is((await wrapping.unwrap(wrote.token)).body.data.version, 1);
    const listed = await wrapping.wrap('LIST', 'secret/metadata');
    assert.equal((await wrapping.unwrap(listed.token)).body.data.keys, ['x', 'y']);
    const made = await wrapping.wrap('POST', 'auth/token/create', { policies: ['x'] });
    const inside = (await wrapping.unwrap(made.token)).body.auth;
    assert.is(made.wrapped_accessor, inside.accessor);
    assert.ok(await calls.lives(inside.client_token));
    const { name, password } = cluster.admin;
    const login = await wrapping.wrap('POST', `auth/userpass/login/${name}`, { password }, { token: null });
    const self = (await wrapping.unwrap(login.token)).body.auth;
    assert.equal([login.creation_path, login.wrapped_accessor], [`auth/userpass/login/${name}`, self.accessor]);
    assert.ok(await calls.lives(self.client_token));
  });

  test('stays bare where there is nothing to wrap: no content, a miss, an error', async () => {
    const ask = (method: string, path: string, body?: unknown, token?: string) =>
      node.call(method, path, body, { headers: TTL, ...(token === undefined ? {} : { token }) });
    assert.equal([(await ask('DELETE', 'secret/data/y')).status], [204]);
    const miss = await ask('GET', 'secret/data/none');
    assert.equal([miss.status, miss.text], [404, '{"errors":[]}\n']);
    assert.is((await ask('LIST', 'secret/metadata/none')).status, 404);
    assert.is((await ask('GET', 'secret/data/x', undefined, 'hvs.nobody')).status, 403);
    assert.is((await ask('POST', 'secret/data/x', { data: 1 })).status, 400);
    assert.is((await ask('GET', 'sys/seal-status')).body.wrap_info, undefined);
  });

  test('that is a deleted version is wrapped, and comes out as the 404 that it is', async () => {
    await calls.post('secret/data/gone', { data: { v: 1 } });
    await node.call('DELETE', 'secret/data/gone');
    const { token } = await wrapping.wrap('GET', 'secret/data/gone');
    const unwrapped = await wrapping.unwrap(token);
    assert.equal([unwrapped.status, unwrapped.body.data.data], [404, null]);
    assert.ok(unwrapped.body.data.metadata.deletion_time);
  });

  const TTLS: readonly (readonly [string, number])[] = [
    ['60', 60],
    ['90s', 90],
    ['5m', 300],
    ['1h30m', 5400],
    ['2d', 172_800],
    ['500ms', 1],
    ['768h', 2_764_800],
  ];
  for (const [ttl, seconds] of TTLS)
    test(`lives for ${ttl}`, async () => {
      const info = await wrapping.wrap('GET', 'secret/data/x', undefined, { ttl });
      assert.is(info.ttl, seconds);
    });

  for (const ttl of ['0', '0s', ''])
    test(`is not wrapped for ${JSON.stringify(ttl)}`, async () => {
      const reply = await node.call('GET', 'secret/data/x', undefined, { headers: { 'x-vault-wrap-ttl': ttl } });
      assert.equal([reply.body.wrap_info, reply.body.data.data], [null, { password: MARKER }]);
    });

  const BAD: readonly (readonly [string, string])[] = [
    ['abc', 'time: invalid duration "abc"'],
    ['-1', 'requested wrap ttl cannot be negative'],
    ['-500ms', 'requested wrap ttl cannot be negative'],
    ['769h', 'requested wrap ttl may be 768h at most'],
  ];
  for (const [ttl, text] of BAD)
    test(`is refused for ${ttl}, whoever asks`, async () => {
      const headers = { 'x-vault-wrap-ttl': ttl };
      for (const token of [cluster.rootToken, 'hvs.nobody'])
        refusedWith(
          await node.call('GET', 'secret/data/x', undefined, { headers, token }),
          400,
          `error parsing X-Vault-Wrap-TTL header: ${text}`,
        );
    });

  test('does not go with an Idempotency-Key', async () => {
    const headers = { ...TTL, 'idempotency-key': 'k' };
    refusedWith(await node.call('POST', 'secret/data/k', { data: { v: 1 } }, { headers }), 400, 'do not go together');
    assert.is((await calls.get('secret/data/k')).status, 404);
  });

  test('can be demanded by a policy, and bounded', async () => {
    await calls.policy(
      'wrapped',
      'path "secret/data/*" { capabilities = ["read"] min_wrapping_ttl = "1m" max_wrapping_ttl = "1h" }',
    );
    const { client_token: token } = await calls.make({ policies: ['wrapped'] });
    const ask = (ttl: string) =>
      node.call('GET', 'secret/data/x', undefined, { token, headers: { 'x-vault-wrap-ttl': ttl } });
    for (const ttl of ['', '59s', '61m']) refusedWith(await ask(ttl), 403, 'permission denied');
    for (const ttl of ['1m', '1h']) assert.is((await ask(ttl)).status, 200);
  });

  test('is not wrapped when it is very large', async () => {
    const value = 'x'.repeat(900_000);
    await calls.post('secret/data/large', { data: { value } });
    const { token } = await wrapping.wrap('GET', 'secret/data/large');
    assert.is((await wrapping.unwrap(token)).body.data.data.value, value);
    refusedWith(
      await node.call('POST', 'sys/wrapping/wrap', { value: 'x'.repeat(5_000_000) }, { headers: TTL }),
      413,
      'more than 4 MiB',
    );
  });
});

describe('sys/wrapping', test => {
  test.before(start);
  test.after(() => cluster.stop());

  test('wraps any object, its numbers as they were sent', async () => {
    const body = '{"a":12345678901234567890,"b":1.0,"auth":{"x":null}}';
    const info = await wrapping.wrap('PUT', 'sys/wrapping/wrap', body);
    assert.is(info.creation_path, 'sys/wrapping/wrap');
    assert.ok((await wrapping.unwrap(info.token)).text.includes(`"data":${body},`));
    const nothing = await wrapping.wrap('POST', 'sys/wrapping/wrap', {});
    assert.equal((await wrapping.unwrap(nothing.token)).body.data, {});
  });

  test('wraps only where it is asked for how long, and by whom it is allowed', async () => {
    refusedWith(await calls.post('sys/wrapping/wrap', { a: 1 }), 400, 'endpoint requires response wrapping to be used');
    const { client_token: bare } = await calls.make({ policies: ['x'], no_default_policy: true });
    const denied = await node.call('POST', 'sys/wrapping/wrap', { a: 1 }, { token: bare, headers: TTL });
    refusedWith(denied, 403, 'permission denied');
    assert.is((await calls.get('sys/wrapping/wrap')).status, 405);
  });

  test('shows a wrapping token as an orphan of one use that cannot be renewed', async () => {
    const { token, accessor } = await wrapping.wrap('GET', 'secret/data/x');
    const { data } = (await calls.post('auth/token/lookup-accessor', { accessor })).body;
    assert.equal(
      [data.policies, data.num_uses, data.orphan, data.renewable, data.explicit_max_ttl, data.creation_ttl, data.type],
      [['response-wrapping'], 1, true, false, 300, 300, 'service'],
    );
    assert.is(data.path, 'secret/data/x');
    refusedWith(await calls.post('auth/token/renew', { token }), 400, 'not renewable');
    assert.is((await wrapping.unwrap(token)).status, 200);
  });

  test('looks up without a use and without another token', async () => {
    const { token, creation_time } = await wrapping.wrap('GET', 'secret/data/x', undefined, { ttl: '90s' });
    const told = { creation_path: 'secret/data/x', creation_time, creation_ttl: 90 };
    const asBody = await wrapping.lookup(token);
    const asHeader = await node.call('GET', 'sys/wrapping/lookup', undefined, { token });
    const both = await calls.post('sys/wrapping/lookup', { token });
    const inQuery = await node.call('GET', `sys/wrapping/lookup?token=${token}`, undefined, { token: null });
    for (const reply of [asBody, asHeader, both, inQuery]) assert.equal(reply.body.data, told);
    assert.is((await wrapping.unwrap(token)).status, 200);
    refusedWith(await wrapping.lookup(token), 400, NOT_VALID);
  });

  test('has one answer for every token that wraps nothing', async () => {
    const { client_token: ordinary } = await calls.make({ policies: ['x'] });
    const { token: expired } = await wrapping.wrap('GET', 'secret/data/x', undefined, { ttl: '10' });
    const { token: revoked, accessor } = await wrapping.wrap('GET', 'secret/data/x');
    await calls.post('auth/token/revoke-accessor', { accessor });
    await later(11, async () => {
      for (const token of [ordinary, expired, revoked, cluster.rootToken, 'hvs.nobody', 'hvb.AAAA', 'x'.repeat(300)]) {
        refusedWith(await wrapping.lookup(token), 400, NOT_VALID);
        refusedWith(await wrapping.unwrap(token), 400, NOT_VALID);
        refusedWith(await calls.post('sys/wrapping/unwrap', { token }), 400, NOT_VALID);
        refusedWith(await calls.post('sys/wrapping/rewrap', { token }), 400, NOT_VALID);
      }
    });
    const empty = await node.call('POST', 'sys/wrapping/lookup', {}, { token: null });
    refusedWith(empty, 403, 'error validating wrapping token: token is empty');
    refusedWith(await node.call('POST', 'sys/wrapping/unwrap', {}, { token: null }), 403, 'permission denied');
    assert.is((await calls.get('sys/wrapping/unwrap')).status, 405);
  });

  test('unwraps for somebody who was given the token, if they may', async () => {
    const { token } = await wrapping.wrap('GET', 'secret/data/x');
    const { client_token: may } = await calls.make({ policies: ['x'] });
    const { client_token: mayNot } = await calls.make({ policies: ['x'], no_default_policy: true });
    refusedWith(await calls.post('sys/wrapping/unwrap', { token }, mayNot), 403, 'permission denied');
    refusedWith(await calls.post('sys/wrapping/unwrap', { token }, 'hvs.nobody'), 403, 'permission denied');
    refusedWith(await node.call('POST', 'sys/wrapping/unwrap', { token }, { token: null }), 403, 'permission denied');
    assert.equal((await calls.post('sys/wrapping/unwrap', { token }, may)).body.data.data, { password: MARKER });
    refusedWith(await calls.post('sys/wrapping/unwrap', { token }, may), 400, NOT_VALID);
  });

  test('wraps again: the same answer, path and lifetime, another token', async () => {
    const first = await wrapping.wrap('POST', 'auth/token/create', { policies: ['x'] }, { ttl: '90s' });
    const reply = await calls.post('sys/wrapping/rewrap', { token: first.token });
    const second = reply.body.wrap_info;
    assert.equal(
      [second.ttl, second.creation_path, second.wrapped_accessor, reply.body.data],
      [90, first.creation_path, first.wrapped_accessor, null],
    );
    refusedWith(await wrapping.unwrap(first.token), 400, NOT_VALID);
    const own = await node.call('POST', 'sys/wrapping/rewrap', undefined, { token: second.token });
    assert.is(own.status, 200, own.text);
    refusedWith(await wrapping.lookup(second.token), 400, NOT_VALID);
    const inside = (await wrapping.unwrap(own.body.wrap_info.token)).body.auth;
    assert.is(inside.accessor, first.wrapped_accessor);
  });

  test('hands an unwrapped answer on when that is asked for, wrapped', async () => {
    const first = await wrapping.wrap('GET', 'secret/data/x');
    const second = await wrapping.wrap('POST', 'sys/wrapping/unwrap', undefined, { token: first.token });
    assert.is(second.creation_path, 'sys/wrapping/unwrap');
    refusedWith(await wrapping.unwrap(first.token), 400, NOT_VALID);
    assert.equal((await wrapping.unwrap(second.token)).body.data.data, { password: MARKER });
  });

  test('lets old clients read cubbyhole/response, once', async () => {
    const { token } = await wrapping.wrap('GET', 'secret/data/x');
    const read = await node.call('GET', 'cubbyhole/response', undefined, { token });
    assert.equal(JSON.parse(read.body.data.response).data.data, { password: MARKER });
    assert.is((await node.call('GET', 'cubbyhole/response', undefined, { token })).status, 403);
    refusedWith(await wrapping.unwrap(token), 400, NOT_VALID);
  });

  const USES: readonly (readonly [string, (token: string) => Promise<{ status: number }>, number])[] = [
    ['a read of a secret', token => calls.get('secret/data/x', token), 403],
    ['a look at itself', token => calls.get('auth/token/lookup-self', token), 403],
    ['a write to its store', token => calls.post('cubbyhole/other', { v: 1 }, token), 403],
    ['a wrapping', token => node.call('POST', 'sys/wrapping/wrap', { v: 1 }, { token, headers: TTL }), 403],
    ['a path that nothing serves', token => calls.get('nowhere/x', token), 403],
  ];
  for (const [name, use, status] of USES)
    test(`spends the wrapping token for a use that is denied: ${name}`, async () => {
      const { token } = await wrapping.wrap('GET', 'secret/data/x');
      assert.is((await use(token)).status, status);
      refusedWith(await wrapping.unwrap(token), 400, NOT_VALID);
    });

  test('gives the answer away in one commit that destroys it', async () => {
    const before = await store.keys();
    const [one, two] = [await wrapping.wrap('GET', 'secret/data/x'), await wrapping.wrap('GET', 'secret/data/x')];
    assert.is((await store.keys()) - before, 2);
    const erased = store.erased();
    const unwrapped = await wrapping.unwrap(one.token);
    const at = (reply: { headers: Headers }): number => Number(reply.headers.get('x-tallystick-position'));
    assert.equal(await store.batchOf(at(unwrapped)), ['token.spent', 'secret.destroyed', 'secret.removed']);
    assert.equal([(await store.keys()) - before, store.erased() - erased], [1, 1]);
    const rewrapped = await calls.post('sys/wrapping/rewrap', { token: two.token });
    assert.equal(await store.batchOf(at(rewrapped)), [
      ...['token.spent', 'secret.destroyed', 'secret.removed', 'secret.written', 'token.created'],
    ]);
    assert.equal([(await store.keys()) - before, store.erased() - erased], [1, 2]);
  });

  test('gives it to exactly one of many who come at once, on two nodes', async () => {
    const other = await cluster.newNode();
    for (let round = 0; round < 3; round += 1) {
      const { token } = await wrapping.wrap('GET', 'secret/data/x');
      const ask = (i: number) => {
        const at = i % 2 === 0 ? node : other;
        if (i % 4 < 2) return at.call('POST', 'sys/wrapping/unwrap', undefined, { token });
        return i % 8 < 4
          ? at.call('POST', 'sys/wrapping/unwrap', { token })
          : at.call('GET', 'cubbyhole/response', undefined, { token });
      };
      const replies = await Promise.all(Array.from({ length: 24 }, (_, i) => ask(i)));
      assert.is(replies.filter(({ text }) => text.includes(MARKER)).length, 1);
      for (const { status, text } of replies) assert.ok([200, 400, 403].includes(status), text);
    }
  });

  test('hands over a secret id as an agent takes it: look, compare, unwrap, log in', async () => {
    await enable(node, 'approle', { type: 'approle' });
    const roles = appRoles(node);
    const roleId = await roles.role('web', { token_policies: ['x'], secret_id_num_uses: 1 });
    const { token, creation_path, wrapped_accessor } = await wrapping.wrap(
      'PUT',
      'auth/approle/role/web/secret-id',
      {},
    );
    assert.equal([creation_path, wrapped_accessor], ['auth/approle/role/web/secret-id', undefined]);
    const looked = await node.call('GET', 'sys/wrapping/lookup', undefined, { token });
    assert.is(looked.body.data.creation_path, creation_path);
    const { secret_id } = (await node.call('PUT', 'sys/wrapping/unwrap', undefined, { token })).body.data;
    const { auth } = (await roles.logIn(roleId, secret_id)).body;
    assert.ok(await calls.lives(auth.client_token));
    const wrapped = await wrapping.wrap(
      'POST',
      'auth/approle/login',
      { role_id: roleId, secret_id: (await roles.secretId('web')).secret_id },
      { token: null },
    );
    assert.is((await wrapping.unwrap(wrapped.token)).body.auth.accessor, wrapped.wrapped_accessor);
  });

  test('is all on record, with accessors and without a token or a content', async () => {
    const { token, accessor } = await wrapping.wrap('GET', 'secret/data/x');
    await wrapping.lookup(token);
    await calls.post('sys/wrapping/unwrap', { token });
    await calls.post('sys/wrapping/unwrap', { token });
    await node.program.nexus.session?.recorder.flush();
    const created = (await trail('type=token.created')).at(-1);
    assert.equal(
      [created?.op, created?.accessor, created?.creation_path],
      ['wrapping.wrap', accessor, 'secret/data/x'],
    );
    const spent = (await trail('type=token.spent')).at(-1);
    assert.equal([spent?.op, spent?.accessor, spent?.actor.name], ['wrapping.unwrap', accessor, 'root']);
    const looked = (await trail('')).filter(({ op }) => op === 'wrapping.lookup');
    assert.equal([looked.at(-1)?.accessor, looked.at(-1)?.outcome], [accessor, 'ok']);
    const failed = (await trail('outcome=failed')).at(-1);
    assert.equal([failed?.op, failed?.reason_code, failed?.status], ['wrapping.unwrap', 'wrapping-token', 400]);
    const all = (await calls.get('sys/ledger/events?limit=1000')).text + node.log.join('\n') + (await store.dump());
    for (const secret of [MARKER, token]) assert.not(all.includes(secret));
  });
});
