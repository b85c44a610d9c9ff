/** Logging in with a role id and a secret id, and the life of secret ids (vault-wire.md §11.1, §11.3). */
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type AppRoles, appRoles, dataOf, done, enable, forgetAddress, login, trail } from './support/logins.js';
import { later, refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let calls: TokenCalls;
let app: AppRoles;
const WRONG = 'invalid role or secret ID';

describe('a login by AppRole', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    app = appRoles(node);
    calls = tokenCalls(node);
    await enable(node, 'approle', { type: 'approle' });
    await calls.policy('reader', 'path "secret/data/app/*" { capabilities = ["read"] }');
    await done(node, 'POST', 'secret/data/app/db', { data: { v: 1 } }, 200);
  });
  test.before.each(() => forgetAddress(node));
  test.after(() => cluster.stop());

  test('gives a token by the settings of the role', async () => {
    const { auth } = await app.loggedIn(
      'CI',
      { token_policies: 'reader', token_ttl: '20m', token_max_ttl: '1h', token_num_uses: 9 },
      { metadata: '{"team":"red"}' },
    );
    assert.equal(auth.policies, ['default', 'reader']);
    assert.equal(auth.metadata, { role_name: 'ci', team: 'red' });
    assert.equal(
      [auth.lease_duration, auth.renewable, auth.token_type, auth.orphan, auth.num_uses],
      [1200, true, 'service', true, 9],
    );
    assert.match(auth.entity_id, /^[0-9a-f-]{36}$/);
    const read = await node.call('GET', 'secret/data/app/db', undefined, { token: auth.client_token });
    assert.equal(read.body.data.data, { v: 1 });
    const { data } = (await calls.get('auth/token/lookup-self', auth.client_token)).body;
    assert.equal([data.display_name, data.path, data.role], ['approle', 'auth/approle/login', undefined]);
  });

  const SETTINGS: readonly (readonly [title: string, fields: Json, shown: Json])[] = [
    ['without default', { token_no_default_policy: true, token_policies: 'a' }, { policies: ['a'] }],
    ['as a batch token', { token_type: 'batch', token_ttl: '5m' }, { token_type: 'batch', renewable: false }],
    ['that is periodic', { token_period: '10m', token_ttl: '1m' }, { lease_duration: 600 }],
    ['bounded by the explicit maximum', { token_ttl: '1h', token_explicit_max_ttl: '5m' }, { lease_duration: 300 }],
  ];
  SETTINGS.forEach(([title, fields, shown], i) => {
    test(`gives a token ${title}`, async () => {
      const { auth } = await app.loggedIn(`set${i}`, fields);
      for (const [key, value] of Object.entries(shown)) assert.equal(auth[key], value, key);
    });
  });

  test('never gives a root token', async () => {
    const role_id = await app.role('rooted', { token_policies: 'root' });
    const made = await app.secretId('rooted');
    refusedWith(await app.logIn(role_id, made.secret_id), 400, 'auth methods cannot create root tokens');
  });

  test('follows what its mount is tuned to', async () => {
    await enable(node, 'tuned', { type: 'approle', config: { max_lease_ttl: '2m', token_type: 'batch' } });
    await done(node, 'POST', 'auth/tuned/role/r', { token_ttl: '1h' });
    const { role_id } = await dataOf(node, 'GET', 'auth/tuned/role/r/role-id');
    const { secret_id } = await dataOf(node, 'POST', 'auth/tuned/role/r/secret-id', {});
    const { auth } = (await login(node, 'tuned/login', { role_id, secret_id })).body;
    assert.equal([auth.lease_duration, auth.token_type], [120, 'batch']);
    assert.ok(await calls.lives(auth.client_token));
    await done(node, 'DELETE', 'sys/auth/tuned');
    assert.not.ok(await calls.lives(auth.client_token));
  });

  test('needs a role id, and a secret id unless the role binds none', async () => {
    const role_id = await app.role('needy');
    refusedWith(await login(node, 'approle/login', { secret_id: 'x' }), 400, 'missing role_id');
    refusedWith(await login(node, 'approle/login', { role_id }), 400, 'missing secret_id');
    refusedWith(await login(node, 'approle/login', { role_id: 'no-such-role' }), 400, 'missing secret_id');
    const open = await app.role('open', { bind_secret_id: false, token_bound_cidrs: '127.0.0.0/8' });
    const { auth } = (await login(node, 'approle/login', { role_id: open })).body;
    assert.ok(await calls.lives(auth.client_token));
    const elsewhere = await app.role('elsewhere', { bind_secret_id: false, token_bound_cidrs: '10.0.0.0/8' });
    refusedWith(await login(node, 'approle/login', { role_id: elsewhere }), 403, 'permission denied');
    refusedWith(
      await node.call('POST', 'auth/approle/role/open/secret-id', {}),
      400,
      'bind_secret_id is not set on the role',
    );
  });

  test('says the same of a wrong role id, a wrong secret id, one of another role, and one that ended', async () => {
    const role_id = await app.role('ends', { secret_id_ttl: '10m' });
    const { role_id: other } = await app.loggedIn('another');
    const made = await app.secretId('ends');
    const destroyed = await app.secretId('ends');
    await done(node, 'POST', 'auth/approle/role/ends/secret-id/destroy', { secret_id: destroyed.secret_id });
    const bodies = [
      await app.logIn('no-such-role', made.secret_id),
      await app.logIn('x'.repeat(100_000), made.secret_id),
      await app.logIn(role_id, 'wrong'),
      await app.logIn(role_id, 'x'.repeat(100_000)),
      await app.logIn(other, made.secret_id),
      await app.logIn(role_id, destroyed.secret_id),
      await later(601, () => app.logIn(role_id, made.secret_id)),
    ].map(({ status, body }) => ({ status, body }));
    for (const answer of bodies) assert.equal(answer, { status: 400, body: { errors: [WRONG] } });
  });

  test('opens the same sealed rows for a role that does not exist as for a secret id that is wrong', async () => {
    const role_id = await app.role('work');
    const { session } = node.program.nexus;
    assert.ok(session);
    const { custody } = session;
    const unwrap = custody.unwrap.bind(custody);
    const opened: number[] = [];
    for (const id of [role_id, 'no-such-role']) {
      await app.secretId('work');
      let count = 0;
      custody.unwrap = row => {
        count += 1;
        return unwrap(row);
      };
      await app.logIn(id, 'wrong');
      custody.unwrap = unwrap;
      opened.push(count);
    }
    assert.equal(opened, [1, 1]);
  });

  test('is good from where the secret id and the role say', async () => {
    const role_id = await app.role('near', { secret_id_bound_cidrs: '127.0.0.0/8', token_bound_cidrs: '127.0.0.0/8' });
    const far = await app.role('far', { secret_id_bound_cidrs: '10.0.0.0/8' });
    const here = await app.secretId('near', { cidr_list: '127.0.0.1/32', token_bound_cidrs: ['127.0.0.1/32'] });
    const { auth } = (await app.logIn(role_id, here.secret_id)).body;
    const { data } = (await calls.get('auth/token/lookup-self', auth.client_token)).body;
    assert.equal(data.bound_cidrs, ['127.0.0.1/32']);
    const there = await app.secretId('near', { cidr_list: '127.9.0.0/16' });
    const text = 'source address "127.0.0.1" unauthorized through CIDR restrictions on the secret ID';
    refusedWith(await app.logIn(role_id, there.secret_id), 400, text);
    const { secret_id } = await app.secretId('far');
    refusedWith(
      await app.logIn(far, secret_id),
      400,
      'source address "127.0.0.1" unauthorized by CIDR restrictions on',
    );
    const strict = await app.loggedIn('strict', { token_strictly_bind_ip: true });
    const mine = (await calls.get('auth/token/lookup-self', strict.auth.client_token)).body.data;
    assert.equal(mine.bound_cidrs, ['127.0.0.1']);
  });

  test('gives no token for more than the role says: one address, or its networks as they are now', async () => {
    const strict = await app.role('one-place', { token_strictly_bind_ip: true });
    const { secret_id: wide } = await app.secretId('one-place', { token_bound_cidrs: '127.0.0.0/8' });
    const { auth } = (await app.logIn(strict, wide)).body;
    const { data } = (await calls.get('auth/token/lookup-self', auth.client_token)).body;
    assert.equal(data.bound_cidrs, ['127.0.0.1']);
    const { secret_id: elsewhere } = await app.secretId('one-place', { token_bound_cidrs: '10.0.0.0/8' });
    refusedWith(await app.logIn(strict, elsewhere), 403, 'permission denied');
    const narrowed = await app.role('narrowed', { token_bound_cidrs: '127.0.0.0/8' });
    const { secret_id: older } = await app.secretId('narrowed', { token_bound_cidrs: '127.0.0.0/8' });
    assert.is((await app.logIn(narrowed, older)).status, 200);
    await app.role('narrowed', { token_bound_cidrs: '127.0.0.0/16' });
    const text = "'token_bound_cidrs' of the secret ID are no subset of the role's: make a new one";
    refusedWith(await app.logIn(narrowed, older), 400, text);
  });

  test('acts as one entity, made at the first login, however many come at once', async () => {
    const role_id = await app.role('twins');
    const { secret_id } = await app.secretId('twins');
    const replies = await Promise.all(Array.from({ length: 6 }, () => app.logIn(role_id, secret_id)));
    const ids = new Set(replies.map(({ body }) => body.auth.entity_id));
    assert.is(ids.size, 1);
    const [id] = ids;
    const made = (await trail(node, 'entity.created')).filter(({ actor }) => actor?.id === id);
    assert.equal(
      made.map(({ actor }) => [actor.kind, actor.name]),
      [['machine', 'approle-twins']],
    );
    assert.is(new Set(replies.map(({ body }) => body.auth.client_token)).size, 6);
  });

  test('is renewed as long as the role is there, by what the role says now', async () => {
    const { auth } = await app.loggedIn('renewed', { token_ttl: '10m', token_max_ttl: '1h' });
    const renew = () => calls.post('auth/token/renew-self', {}, auth.client_token);
    assert.is((await renew()).body.auth.lease_duration, 600);
    await app.role('renewed', { token_ttl: '20m' });
    assert.is((await renew()).body.auth.lease_duration, 1200);
    await done(node, 'DELETE', 'auth/approle/role/renewed');
    refusedWith(await renew(), 400, 'role "renewed" does not exist during renewal');
    assert.ok(await calls.lives(auth.client_token));
  });

  test('ends with its role: one of the same name knows nothing of the secret ids before it', async () => {
    const { made } = await app.loggedIn('again');
    await done(node, 'DELETE', 'auth/approle/role/again');
    const role_id = await app.role('again');
    refusedWith(await app.logIn(role_id, made.secret_id), 400, WRONG);
    await done(node, 'LIST', 'auth/approle/role/again/secret-id', undefined, 404);
  });

  test('locks a role id after five wrong guesses, also one that does not exist, and opens it in time', async () => {
    const { role_id, made } = await app.loggedIn('locked');
    for (const id of [role_id, 'no-such-role-either']) {
      for (let i = 0; i < 5; i += 1) refusedWith(await app.logIn(id, 'wrong'), 400, WRONG);
      refusedWith(await app.logIn(id, made.secret_id), 403, 'permission denied');
    }
    const { role_id: other, made: its } = await app.loggedIn('not-locked');
    assert.is((await app.logIn(other, its.secret_id)).status, 200);
    await later(901, async () => assert.is((await app.logIn(role_id, made.secret_id)).status, 200));
    const lines = (await trail(node, 'auth.login')).filter(({ outcome }) => outcome !== 'ok');
    const reasons = new Set(lines.map(({ outcome, reason_code, status }) => `${outcome} ${reason_code} ${status}`));
    assert.equal([...reasons].sort(), [
      ...['denied bound-cidr 403', 'denied locked 403', 'failed bound-cidr 400', 'failed credentials 400'],
      'failed role 400',
    ]);
  });

  test('leaves no secret id in the audit trail', async () => {
    const { made } = await app.loggedIn('trace', { secret_id_num_uses: 2 }, { metadata: '{"a":"b"}' });
    const types = ['secretid.created', 'secretid.spent', 'token.created', 'role.written', 'auth.login'];
    const lines = (await Promise.all(types.map(type => trail(node, type)))).flat();
    const last = lines.find(({ type, accessor }) => type === 'secretid.spent' && accessor === made.secret_id_accessor);
    assert.equal([last.role, last.via.method, last.via.mount], ['trace', 'approle', 'auth/approle/']);
    assert.not.ok(JSON.stringify(lines).includes(made.secret_id));
  });
});
