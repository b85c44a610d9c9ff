/** Names and passwords of a userpass mount (vault-wire.md §12.1), and administrators beside it. */
import * as assert from 'uvu/assert';
import { LOGIN_QUEUE } from '../../src/crypto/argon2.js';
import { E } from '../../src/fp.js';
import { query } from '../../src/sql.js';
import { type Json, type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { dataOf, done, enable, forgetAddress, login, trail } from './support/logins.js';
import { later, refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

const credentialCount = query(null, ({ n }) => E.right(Number(n)), 'select count(*) as n from keys where kind = 4');

let cluster: TestCluster;
let node: TestNode;
let calls: TokenCalls;
const WRONG = 'invalid username or password';
const PASSWORD = 'a-pass-of-people';

const user = (name: string, fields: Json = {}, status = 204) =>
  done(node, 'POST', `auth/userpass/users/${name}`, { password: PASSWORD, ...fields }, status);
const logIn = (name: string, password: string = PASSWORD) => login(node, `userpass/login/${name}`, { password });
const loggedIn = async (name: string, fields: Json = {}): Promise<Json> => {
  await user(name, fields);
  const reply = await logIn(name);
  assert.is(reply.status, 200, reply.text);
  return reply.body.auth;
};

describe('a userpass mount', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    calls = tokenCalls(node);
    await enable(node, 'userpass', { type: 'userpass' });
    await calls.policy('reader', 'path "secret/data/app/*" { capabilities = ["read"] }');
    await done(node, 'POST', 'secret/data/app/db', { data: { v: 1 } }, 200);
  });
  test.before.each(() => forgetAddress(node));
  test.after(() => cluster.stop());

  test('writes, reads, lists and removes users, whose names have no case', async () => {
    await done(node, 'LIST', 'auth/userpass/users', undefined, 404);
    await user('Ann', { token_ttl: '1h', token_policies: 'reader' });
    await user('bob', { policies: 'a', ttl: 60, max_ttl: '2m', bound_cidrs: '127.0.0.0/8' });
    const ann = await dataOf(node, 'GET', 'auth/userpass/users/aNN');
    assert.equal(ann, {
      ...{ token_bound_cidrs: [], token_explicit_max_ttl: 0, token_max_ttl: 0, token_no_default_policy: false },
      ...{ token_num_uses: 0, token_period: 0, token_policies: ['reader'], token_strictly_bind_ip: false },
      ...{ token_ttl: 3600, token_type: 'default' },
    });
    const bob = await dataOf(node, 'GET', 'auth/userpass/users/bob');
    assert.equal([bob.policies, bob.token_policies, bob.ttl, bob.token_ttl, bob.max_ttl], [['a'], ['a'], 60, 60, 120]);
    assert.equal(bob.bound_cidrs, ['127.0.0.0/8']);
    assert.equal((await dataOf(node, 'LIST', 'auth/userpass/users/')).keys, ['ann', 'bob']);
    for (const _ of [1, 2]) await done(node, 'DELETE', 'auth/userpass/users/BOB');
    await done(node, 'GET', 'auth/userpass/users/bob', undefined, 404);
  });

  test('gives a token by the settings of the user', async () => {
    const auth = await loggedIn('Carl', { token_policies: 'reader', token_ttl: '10m', token_num_uses: 5 });
    assert.equal([auth.policies, auth.metadata], [['default', 'reader'], { username: 'carl' }]);
    assert.equal([auth.lease_duration, auth.renewable, auth.orphan, auth.num_uses], [600, true, true, 5]);
    const { data } = (await calls.get('auth/token/lookup-self', auth.client_token)).body;
    assert.equal([data.display_name, data.path], ['userpass-carl', 'auth/userpass/login/Carl']);
    const read = await node.call('GET', 'secret/data/app/db', undefined, { token: auth.client_token });
    assert.equal(read.body.data.data, { v: 1 });
    const again = (await logIn('CARL')).body.auth;
    assert.is(again.entity_id, auth.entity_id);
    const made = (await trail(node, 'entity.created')).find(({ actor }) => actor?.id === auth.entity_id);
    assert.equal([made.actor.kind, made.actor.name], ['person', 'userpass-carl']);
  });

  test('needs a password of a new user, and takes no hash of one', async () => {
    const at = 'auth/userpass/users/new';
    refusedWith(await node.call('POST', at, { token_ttl: 1 }), 400, 'missing password');
    refusedWith(await node.call('POST', at, { password: '' }), 400, 'missing password');
    refusedWith(await node.call('POST', at, { password_hash: '$2b$10$' }), 400, 'password_hash is not taken');
    refusedWith(await node.call('POST', at, { password: 'x'.repeat(1025) }), 400, 'a password has at most 1024 bytes');
    refusedWith(await node.call('POST', at, { password: 'x', token_type: 'zz' }), 400, "invalid 'token_type' value");
    await done(node, 'GET', at, undefined, 404);
    refusedWith(await node.call('POST', 'auth/userpass/users/a%20b', { password: 'x' }), 400, 'a name here has 1 to');
  });

  test('changes a password and policies of a user that exists', async () => {
    await user('dora', { token_ttl: '1h' });
    await done(node, 'POST', 'auth/userpass/users/Dora/password', { password: 'another one' });
    refusedWith(await logIn('dora'), 400, WRONG);
    assert.is((await logIn('dora', 'another one')).status, 200);
    await done(node, 'POST', 'auth/userpass/users/dora/policies', { token_policies: 'x,y' });
    assert.equal((await logIn('dora', 'another one')).body.auth.policies, ['default', 'x', 'y']);
    await done(node, 'POST', 'auth/userpass/users/dora/policies', { policies: ['z'] });
    const { policies, token_policies, token_ttl } = await dataOf(node, 'GET', 'auth/userpass/users/dora');
    assert.equal([policies, token_policies, token_ttl], [['z'], ['z'], 3600]);
    await done(node, 'POST', 'auth/userpass/users/dora', { token_ttl: '2h' });
    assert.is((await logIn('dora', 'another one')).status, 200);
    for (const [path, fields] of [
      ['none/password', { password: 'x' }],
      ['none/policies', { policies: 'x' }],
    ] as const)
      refusedWith(await node.call('POST', `auth/userpass/users/${path}`, fields), 400, 'username does not exist');
    refusedWith(await node.call('POST', 'auth/userpass/users/dora/password', {}), 400, 'missing password');
    refusedWith(await node.call('POST', 'auth/userpass/users/dora/policies', {}), 400, 'missing token_policies');
  });

  test('says the same of a wrong name and a wrong password', async () => {
    await user('eve');
    refusedWith(await login(node, 'userpass/login/eve', {}), 400, 'missing password');
    const answers = [
      await logIn('eve', 'wrong'),
      await logIn('nobody', 'wrong'),
      await logIn('n'.repeat(1000), 'wrong'),
      await logIn('eve', 'x'.repeat(100_000)),
    ].map(({ status, body }) => ({ status, body }));
    for (const answer of answers) assert.equal(answer, { status: 400, body: { errors: [WRONG] } });
  });

  test('does the same work for a name that does not exist: one derivation, one query', async () => {
    await user('frank');
    const { session } = node.program.nexus;
    assert.ok(session);
    const { runner } = session.ports;
    const run = runner.run.bind(runner);
    const work: (readonly string[])[] = [];
    for (const name of ['frank', 'not-there']) {
      const queries: string[] = [];
      const counting: typeof run = (query, values) => {
        // What other nodes appended is followed meanwhile, whoever logs in.
        if (query.text.includes('from keys')) queries.push(query.text);
        return run(query, values);
      };
      runner.run = counting;
      const before = LOGIN_QUEUE.begun;
      await logIn(name, 'wrong');
      runner.run = run;
      work.push([...queries, `${LOGIN_QUEUE.begun - before} derivations`]);
    }
    assert.equal(work[0], work[1]);
    assert.equal([work[0]?.length, work[0]?.at(-1)], [2, '1 derivations']);
  });

  test('locks a name after five wrong passwords, also one that does not exist, and opens it in time', async () => {
    for (const name of ['grace', 'no-grace']) {
      if (name === 'grace') await user(name);
      for (let i = 0; i < 5; i += 1) refusedWith(await logIn(name, `wrong ${i}`), 400, WRONG);
      refusedWith(await logIn(name), 403, 'permission denied');
      refusedWith(await logIn(name.toUpperCase()), 403, 'permission denied');
    }
    await later(901, async () => assert.is((await logIn('grace')).status, 200));
  });

  test('lets no right guess through beside the wrong ones that lock', async () => {
    await user('heidi');
    const before = LOGIN_QUEUE.begun;
    const wrong = Array.from({ length: 12 }, (_, i) => logIn('heidi', `wrong ${i}`));
    // Four have failed for certain, two are being computed, the others wait: the right one comes behind them.
    while (LOGIN_QUEUE.begun - before < 6) await new Promise(setImmediate);
    const right = await logIn('heidi');
    await Promise.all(wrong);
    refusedWith(right, 403, 'permission denied');
    refusedWith(await logIn('heidi'), 403, 'permission denied');
  });

  test('counts from the beginning after the right password', async () => {
    await user('ivan');
    for (let i = 0; i < 4; i += 1) await logIn('ivan', 'wrong');
    assert.is((await logIn('ivan')).status, 200);
    for (let i = 0; i < 4; i += 1) await logIn('ivan', 'wrong');
    assert.is((await logIn('ivan')).status, 200);
  });

  test('locks as its mount is tuned to', async () => {
    await enable(node, 'strict', { type: 'userpass' });
    await done(node, 'POST', 'auth/strict/users/judy', { password: PASSWORD });
    const config = { lockout_threshold: '2', lockout_duration: '1m', lockout_counter_reset: '30s' };
    await done(node, 'POST', 'sys/auth/strict/tune', { user_lockout_config: config });
    const { data } = (await done(node, 'GET', 'sys/auth/strict/tune', undefined, 200)).body;
    assert.equal(data.user_lockout_config, {
      ...{ lockout_threshold: 2, lockout_duration: 60, lockout_counter_reset: 30 },
    });
    const judy = (password: string) => login(node, 'strict/login/judy', { password });
    for (let i = 0; i < 2; i += 1) refusedWith(await judy('wrong'), 400, WRONG);
    refusedWith(await judy(PASSWORD), 403, 'permission denied');
    await later(61, async () => {
      assert.is((await judy(PASSWORD)).status, 200);
      await judy('wrong');
    });
    await later(92, async () => {
      await judy('wrong');
      assert.is((await judy(PASSWORD)).status, 200);
    });
    await done(node, 'POST', 'sys/auth/strict/tune', { user_lockout_config: { lockout_disable: true } });
    for (let i = 0; i < 6; i += 1) refusedWith(await judy('wrong'), 400, WRONG);
    assert.is((await judy(PASSWORD)).status, 200);
  });

  for (const name of ['lockout_duration', 'lockout_counter_reset'])
    test(`locks as is usual where ${name} is 0, the system's`, async () => {
      const mount = name.replaceAll('_', '-');
      await enable(node, mount, { type: 'userpass' });
      await done(node, 'POST', `auth/${mount}/users/judy`, { password: PASSWORD });
      await done(node, 'POST', `sys/auth/${mount}/tune`, { user_lockout_config: { [name]: 0 } });
      const judy = (password: string) => login(node, `${mount}/login/judy`, { password });
      for (let i = 0; i < 5; i += 1) refusedWith(await judy('wrong'), 400, WRONG);
      refusedWith(await judy(PASSWORD), 403, 'permission denied');
      await later(901, async () => assert.is((await judy(PASSWORD)).status, 200));
    });

  test('slows an address down that guesses at many names', async () => {
    const { loginAttempts } = node.program.nexus;
    for (let i = 0; i < 49; i += 1) loginAttempts.failed('login address 127.0.0.1');
    await user('kim');
    refusedWith(await logIn('someone', 'wrong'), 400, WRONG);
    const paused = await logIn('kim');
    refusedWith(paused, 429, 'too many attempts');
    assert.ok(Number(paused.headers.get('retry-after')) >= 1);
  });

  test('renews as long as the user is there and gives the same', async () => {
    const auth = await loggedIn('leo', { token_policies: 'reader', token_ttl: '10m' });
    const renew = () => calls.post('auth/token/renew-self', {}, auth.client_token);
    assert.is((await renew()).body.auth.lease_duration, 600);
    await done(node, 'POST', 'auth/userpass/users/leo/policies', { policies: 'other' });
    refusedWith(await renew(), 400, 'policies have changed, not renewing');
    await done(node, 'DELETE', 'auth/userpass/users/leo');
    refusedWith(await renew(), 400, 'user "leo" does not exist during renewal');
  });

  test('fills templates of policies with who somebody is, from the first request on', async () => {
    await calls.policy(
      'own',
      `path "secret/data/people/{{identity.entity.aliases.userpass.name}}/*" { capabilities = ["create", "read"] }
       path "secret/data/named/{{identity.entity.name}}" { capabilities = ["create"] }
       path "secret/data/elsewhere/{{identity.entity.aliases.approle.name}}" { capabilities = ["create"] }`,
    );
    const { client_token: token, entity_id } = await loggedIn('quin', { token_policies: 'own' });
    const write = (path: string) => node.call('POST', `secret/data/${path}`, { data: {} }, { token });
    assert.is((await write('people/quin/note')).status, 200);
    assert.is((await write(`named/entity_${entity_id.replaceAll('-', '')}`)).status, 200);
    for (const path of ['named/userpass-quin', 'people/leo/note', 'people/userpass-quin/note', 'elsewhere/quin'])
      refusedWith(await write(path), 403, 'permission denied');
    const paths = ['secret/data/people/quin/x', 'secret/data/people/leo/x'];
    const { client_token: other } = await loggedIn('rosa', { token_policies: 'own' });
    const { data } = (await calls.post('sys/capabilities', { token: other, paths: ['secret/data/people/rosa/x'] }))
      .body;
    assert.equal(data['secret/data/people/rosa/x'], ['create', 'read']);
    const mine = (await calls.post('sys/capabilities-self', { paths }, token)).body.data;
    assert.equal([mine[paths[0] ?? ''], mine[paths[1] ?? '']], [['create', 'read'], ['deny']]);
  });

  test('fills templates by where the auth method is now, not where it was', async () => {
    await calls.policy(
      'moving',
      `path "secret/data/moved/{{identity.entity.aliases.userpass.name}}" { capabilities = ["update", "create"] }`,
    );
    const { client_token: token } = await loggedIn('uma', { token_policies: 'moving' });
    const write = async () => (await node.call('POST', 'secret/data/moved/uma', { data: {} }, { token })).status;
    const move = async (from: string, to: string) =>
      assert.is((await calls.post('sys/remount', { from: `auth/${from}`, to: `auth/${to}` })).status, 200);
    assert.is(await write(), 200);
    await move('userpass', 'people');
    assert.is(await write(), 403);
    await move('people', 'userpass');
    assert.is(await write(), 200);
  });

  test('takes no change, and lets nobody in, by a path that it left meanwhile', async () => {
    await user('vera');
    const { session } = node.program.nexus;
    assert.ok(session);
    const { appender } = session;
    const submit = appender.submit.bind(appender);
    const move = async (from: string, to: string) =>
      assert.is((await calls.post('sys/remount', { from: `auth/${from}`, to: `auth/${to}` })).status, 200);
    const early: readonly (readonly [work: () => Promise<Reply>, status: number])[] = [
      [() => calls.post('auth/userpass/users/vera', { token_policies: 'late' }), 404],
      [() => node.call('DELETE', 'auth/userpass/users/vera'), 404],
      [() => logIn('vera'), 403],
    ];
    for (const [work, status] of early) {
      appender.submit = async command => {
        appender.submit = submit;
        await move('userpass', 'people');
        return submit(command);
      };
      const reply = await work();
      assert.is(reply.status, status, reply.text);
      await move('people', 'userpass');
    }
    assert.equal((await logIn('vera')).body.auth.policies, ['default']);
  });

  test('never gives a root token, and tells an address that is not the user’s nothing of the password', async () => {
    await user('mallory', { token_policies: ['a', 'root'] });
    refusedWith(await logIn('mallory'), 400, 'auth methods cannot create root tokens');
    await user('nina', { token_bound_cidrs: '10.0.0.0/8' });
    for (let i = 0; i < 5; i += 1) refusedWith(await logIn('nina'), 400, WRONG);
    refusedWith(await logIn('nina'), 403, 'permission denied');
    const refused = (await trail(node, 'auth.login')).filter(({ path }) => path === 'auth/userpass/login/nina');
    assert.equal(
      refused.map(({ reason_code }) => reason_code),
      [...Array(5).fill('bound-cidr'), 'locked'],
    );
  });

  test('of two writes of one new user at once both are there, and one wrote first', async () => {
    const tries = await Promise.all(
      ['one', 'two'].map(password => node.call('POST', 'auth/userpass/users/olga', { password })),
    );
    const right = await Promise.all(['one', 'two'].map(password => logIn('olga', password)));
    assert.equal(
      right.map(({ status }) => status === 200),
      tries.map(({ status }) => status === 204),
    );
    assert.ok(tries.some(({ status }) => status === 204));
  });

  test('leaves no password behind, and takes the verifiers with it when it is disabled', async () => {
    await enable(node, 'gone', { type: 'userpass' });
    const rows = async (): Promise<number> => {
      const [row] = await node.program.nexus.ports.database.writer.run(credentialCount);
      return row ?? 0;
    };
    const before = await rows();
    await done(node, 'POST', 'auth/gone/users/pat', { password: PASSWORD });
    await done(node, 'POST', 'auth/gone/users/pat/password', { password: 'another one' });
    assert.is(await rows(), before + 1);
    await done(node, 'DELETE', 'sys/auth/gone');
    assert.is(await rows(), before);
    const lines = JSON.stringify([...(await trail(node, 'login.written')), ...(await trail(node, 'auth.login'))]);
    for (const secret of [PASSWORD, 'another one', 'wrong']) assert.not.ok(lines.includes(secret));
  });
});
