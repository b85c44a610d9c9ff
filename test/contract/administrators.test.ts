/** Administrators are several named people with policies of their own; the root token is for day zero. */
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { done, enable, login, trail } from './support/logins.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let calls: TokenCalls;
const PASSWORDS = { ada: '', bea: 'quiet marble ladder sunrise', cem: 'seven amber rivers whistle' };
const AT = 'auth/administrators';

const logIn = (name: keyof typeof PASSWORDS, door = 'administrators') =>
  login(node, `${door}/login/${name}`, { password: PASSWORDS[name] });
const tokenOf = async (name: keyof typeof PASSWORDS): Promise<string> => {
  const reply = await logIn(name);
  assert.is(reply.status, 200, reply.text);
  return reply.body.auth.client_token;
};

describe('administrators', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    calls = tokenCalls(node);
    PASSWORDS.ada = cluster.admin.password;
    await calls.policy(
      'people',
      `path "auth/administrators/users/*" { capabilities = ["update", "delete", "sudo"] }
       path "auth/token/create" { capabilities = ["update"] }
       path "sys/policies/acl/*" { capabilities = ["read", "list"] }`,
    );
  });
  test.after(() => cluster.stop());

  test('are added with policies that are named, and never assumed', async () => {
    const add = (name: keyof typeof PASSWORDS, fields: Json, token?: string) =>
      calls.post(`${AT}/users/${name}`, { password: PASSWORDS[name], ...fields }, token);
    refusedWith(await add('bea', {}), 400, 'name the policies of the administrator');
    assert.is((await add('bea', { policies: 'people' })).status, 204);
    const bea = await tokenOf('bea');
    refusedWith(await add('cem', { policies: ['root'] }, bea), 400, 'root administrators may not be made without');
    assert.is((await add('cem', { token_policies: ['people'] }, bea)).status, 204);
    const entities = await trail(node, 'entity.created');
    assert.is(entities.at(-1).path, `${AT}/users/cem`);
    assert.is(entities.at(-1).actor.name, 'bea');
  });

  test('open the ledger by their names, also two who chose the same password', async () => {
    const same = { password: PASSWORDS.bea, policies: 'people' };
    assert.is((await calls.post(`${AT}/users/twin`, same)).status, 204);
    for (const name of ['bea', 'twin']) {
      await node.program.nexus.seal();
      const opened = await node.call('POST', 'sys/unseal', { name, password: PASSWORDS.bea }, { token: null });
      assert.is(opened.body.sealed, false, `${name}: ${opened.text}`);
    }
    await node.program.nexus.seal();
    const nobody = await node.call('POST', 'sys/unseal', { name: 'cem', password: PASSWORDS.bea }, { token: null });
    refusedWith(nobody, 400, 'no slot opens with that');
    assert.is((await node.call('POST', 'sys/unseal', { key: cluster.key })).body.sealed, false);
    assert.is((await node.call('DELETE', `${AT}/users/twin`)).status, 204);
  });

  test('may do what their policies say', async () => {
    const bea = await tokenOf('bea');
    const { data } = (await calls.get('auth/token/lookup-self', bea)).body;
    assert.equal([data.policies, data.display_name], [['default', 'people'], 'userpass-bea']);
    assert.is((await calls.get('sys/policies/acl/people', bea)).status, 200);
    refusedWith(await calls.get('secret/data/x', bea), 403, 'permission denied');
    refusedWith(await calls.post('sys/seal', {}, bea), 403, 'permission denied');
  });

  test('get other policies at their next login', async () => {
    assert.is((await calls.post(`${AT}/users/cem/policies`, { policies: 'auditor' })).status, 204);
    const { policies } = (await logIn('cem')).body.auth;
    assert.equal(policies, ['auditor', 'default']);
    assert.is((await trail(node, 'entity.changed')).length, 1);
    assert.is((await calls.post(`${AT}/users/cem/policies`, { policies: ['auditor', 'default'] })).status, 204);
    assert.is((await trail(node, 'entity.changed')).length, 1);
    refusedWith(await calls.post(`${AT}/users/cem/policies`, {}), 400, 'missing policies');
    assert.is((await calls.post(`${AT}/users/none/policies`, { policies: 'x' })).status, 404);
    const bea = await tokenOf('bea');
    refusedWith(await calls.post(`${AT}/users/bea/policies`, { policies: 'root' }, bea), 400, 'without the caller');
    refusedWith(await calls.post(`${AT}/users/cem/policies`, { policies: 'x' }, await tokenOf('cem')), 403, 'denied');
  });

  test('whose policies are changed while they log in do not get the old ones', async () => {
    const { session } = node.program.nexus;
    assert.ok(session);
    const { appender } = session;
    const other = await cluster.newNode();
    const submit = appender.submit.bind(appender);
    // Another node is quicker: what the login is made of was read, and nothing of it is at the head yet.
    appender.submit = async command => {
      appender.submit = submit;
      const changed = await other.call('POST', `${AT}/users/cem/policies`, { policies: 'people' });
      assert.is(changed.status, 204, changed.text);
      return submit(command);
    };
    const early = await logIn('cem');
    assert.is(early.status, 503, early.text);
    assert.equal((await logIn('cem')).body.auth.policies, ['default', 'people']);
    await other.stop();
    assert.is((await calls.post(`${AT}/users/cem/policies`, { policies: 'auditor' })).status, 204);
  });

  test('are still let in where a userpass mount has taken the older path, and are none of its users', async () => {
    assert.is((await logIn('ada', 'userpass')).status, 200);
    refusedWith(await node.call('POST', 'sys/auth/administrators', { type: 'userpass' }), 400, 'already in use');
    await enable(node, 'userpass', { type: 'userpass' });
    refusedWith(await logIn('ada', 'userpass'), 400, 'invalid username or password');
    assert.is((await logIn('ada')).status, 200);
    await done(node, 'DELETE', 'sys/auth/userpass');
    assert.is((await logIn('ada', 'userpass')).status, 200);
  });

  test('go on without the root token', async () => {
    const ada = await tokenOf('ada');
    assert.is((await calls.post('auth/token/revoke-self')).status, 204);
    refusedWith(await calls.get('auth/token/lookup-self'), 403, 'permission denied');
    assert.is(
      (
        await node.call(
          'PUT',
          'sys/policies/acl/later',
          { policy: 'path "x" { capabilities = ["read"] }' },
          { token: ada },
        )
      ).status,
      204,
    );
    const added = { password: 'velvet orchard thunder compass', policies: 'root' };
    assert.is((await calls.post(`${AT}/users/dan`, added, ada)).status, 204);
    await done(node, 'DELETE', `${AT}/users/dan`, undefined, 403);
  });

  test('who are removed have nothing left: neither their logins nor what those made', async () => {
    const ada = await tokenOf('ada');
    const bea = await tokenOf('bea');
    const make = async (route: string): Promise<string> =>
      (await calls.post(`auth/token/${route}`, { policies: ['people'] }, route === 'create' ? bea : ada)).body.auth
        .client_token;
    const child = await make('create');
    const other = await make('create-orphan');
    for (const token of [bea, child, other]) assert.ok(await calls.lives(token));
    const removed = await node.call('DELETE', `${AT}/users/bea`, undefined, { token: ada });
    assert.is(removed.status, 204);
    refusedWith(await logIn('bea'), 400, 'invalid username or password');
    assert.equal(await Promise.all([bea, child, other, ada].map(calls.lives)), [false, false, true, true]);
  });
});
