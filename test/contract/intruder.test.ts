/** What somebody tries who has a little and wants more: other spellings, second doors, other people's names. */
import * as assert from 'uvu/assert';
import { SLOT_QUEUE } from '../../src/crypto/argon2.js';
import { freshNode, type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { done, enable, forgetAddress, login, trail } from './support/logins.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let calls: TokenCalls;

const holderOf = async (policy: string): Promise<string> => {
  await calls.policy('mine', policy);
  return (await calls.make({ policies: ['mine'] })).client_token;
};

const ask = (method: string, path: string, token: string | null, body?: object): Promise<Reply> => {
  const headers = method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {};
  return node.call(method, path, body, { token, headers });
};

/** As if it were done within one second, however busy the machine is. */
const inOneBlock = async <T>(work: () => Promise<T>): Promise<T> => {
  const { session } = node.program.nexus;
  assert.ok(session);
  const { recorder } = session;
  await recorder.flush();
  const flush = recorder.flush.bind(recorder);
  recorder.flush = () => Promise.resolve();
  try {
    return await work();
  } finally {
    recorder.flush = flush;
    await recorder.flush();
  }
};

describe('an intruder', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    calls = tokenCalls(node);
    await enable(node, 'people', { type: 'userpass' });
    await enable(node, 'others', { type: 'userpass' });
    await enable(node, 'approle', { type: 'approle' });
    await done(node, 'POST', 'sys/mounts/one', { type: 'kv-v1' });
  });
  test.before.each(() => forgetAddress(node));

  test('does not disable an auth method through the door of secret mounts, which asks for no sudo', async () => {
    const token = await holderOf('path "sys/mounts/*" { capabilities = ["create", "read", "update", "delete"] }');
    refusedWith(await ask('DELETE', 'sys/mounts/auth/people', token), 400, 'cannot unmount "auth/people/"');
    refusedWith(await ask('GET', 'sys/mounts/auth/people', token), 400, 'No secret engine mount at auth/people/');
    refusedWith(await ask('POST', 'sys/mounts/auth/more', token, { type: 'userpass' }), 400, 'cannot mount');
    for (const method of ['DELETE', 'GET', 'POST'])
      refusedWith(await ask(method, 'sys/mounts/auth/people', null, method === 'POST' ? {} : undefined), 403, 'denied');
    await done(node, 'GET', 'sys/auth/people', undefined, 200);
  });

  test('does not pass by a rule about a role or a user in capitals, where these have no case', async () => {
    await done(node, 'POST', 'auth/approle/role/admin', {});
    const token = await holderOf(`
      path "auth/approle/role/*" { capabilities = ["create", "read", "update", "delete"] }
      path "auth/approle/role/admin" { capabilities = ["deny"] }
      path "auth/approle/role/Admin/*" { capabilities = ["deny"] }
      path "auth/+/users/*" { capabilities = ["create", "update"] }
      path "auth/+/users/Root" { capabilities = ["deny"] }`);
    for (const name of ['admin', 'Admin', 'ADMIN'])
      for (const path of [`auth/approle/role/${name}`, `auth/approle/role/${name}/secret-id`])
        refusedWith(await ask('POST', path, token, {}), 403, 'permission denied');
    for (const name of ['root', 'ROOT'])
      refusedWith(await ask('POST', `auth/people/users/${name}`, token, { password: 'a long one' }), 403, 'denied');
    assert.is((await ask('POST', 'auth/people/users/Rose', token, { password: 'a long one' })).status, 204);
  });

  test('who is called like somebody at another mount is not them to a template', async () => {
    await calls.policy(
      'own',
      'path "secret/data/own/{{identity.entity.name}}" { capabilities = ["create", "update"] }',
    );
    const tokens: { readonly entity_id: string; readonly client_token: string }[] = [];
    for (const mount of ['people', 'others']) {
      const fields = { password: 'a-pass-of-people', token_policies: 'own' };
      await done(node, 'POST', `auth/${mount}/users/zoe`, fields);
      tokens.push((await login(node, `${mount}/login/zoe`, fields)).body.auth);
    }
    const [zoe, other] = tokens;
    const path = `secret/data/own/entity_${zoe?.entity_id.replaceAll('-', '')}`;
    assert.is((await ask('POST', path, zoe?.client_token ?? '', { data: {} })).status, 200);
    refusedWith(await ask('POST', path, other?.client_token ?? '', { data: {} }), 403, 'permission denied');
    refusedWith(await ask('POST', 'secret/data/own/userpass-zoe', other?.client_token ?? '', { data: {} }), 403, 'den');
  });

  test('asks for no name that every object has', async () => {
    for (const name of ['constructor', '__proto__', 'toString', 'valueOf', 'hasOwnProperty'])
      for (const path of ['', 'sys/', 'auth/token/', 'auth/approle/role/admin/', 'secret/', 'sys/ledger/'])
        for (const token of [null, cluster.rootToken]) {
          const { status, text } = await ask('GET', `${path}${name}`, token);
          assert.is(status, token === null ? 403 : 404, `${path}${name}: ${status} ${text}`);
        }
    const wrong = { token_type: 'constructor' };
    refusedWith(await ask('POST', 'auth/approle/role/x', cluster.rootToken, wrong), 400, "invalid 'token_type' value");
    const quota = { rate: 5, group_by: 'constructor' };
    refusedWith(await ask('POST', 'sys/quotas/rate-limit/x', cluster.rootToken, quota), 400, 'group_by must be');
  });

  test('learns of no mount by what is wrong with a path, a verb or a plan', async () => {
    const long = 'x'.repeat(600);
    const { token } = { token: (await calls.make({ policies: ['default'] })).client_token };
    const probes: readonly (readonly [string, (mount: string) => string, object?])[] = [
      ...['GET', 'DELETE', 'LIST'].map(verb => [verb, (mount: string) => `${mount}/metadata/${long}`] as const),
      ['GET', mount => `${mount}/subkeys/${long}`],
      ['POST', mount => `${mount}/data/${long}`, { data: {} }],
      ['PATCH', mount => `${mount}/data/${long}`, { data: {} }],
      ['POST', mount => `${mount}/metadata/${long}`, {}],
      ['PATCH', mount => `${mount}/metadata/${long}`, { max_versions: 3 }],
      ...['PATCH', 'DELETE'].map(verb => [verb, (mount: string) => `${mount}/config`, {}] as const),
    ];
    for (const [verb, path, body] of probes)
      for (const mount of ['secret', 'one', 'nomount'])
        for (const who of [null, token]) {
          const sent = verb === 'POST' || verb === 'PATCH' ? body : undefined;
          assert.is((await ask(verb, path(mount), who, sent)).status, 403, `${verb} ${path(mount).slice(0, 30)}`);
        }
    for (const [verb, path] of [
      ['GET', 'role'],
      ['DELETE', 'users'],
      ['PATCH', 'users/x/password'],
    ] as const)
      for (const mount of ['auth/approle', 'auth/people', 'auth/nomount'])
        assert.is((await ask(verb, `${mount}/${path}`, token, verb === 'PATCH' ? {} : undefined)).status, 403, path);
    for (const mount of ['secret', 'nomount'])
      for (const [path, fields] of [
        ['sys/ledger/restore/plan', { position: 1 }],
        ['sys/ledger/erase/plan', { basis: 'none' }],
      ] as const)
        assert.is((await ask('POST', path, token, { ...fields, mount, path: 'x' })).status, 403, path);
  });

  test('puts nothing where auditors read, in a mount without versions', async () => {
    refusedWith(await ask('POST', 'one/metadata/x', cluster.rootToken, { password: 'p' }), 400, 'metadata/');
    refusedWith(await ask('POST', 'one//metadata//x', cluster.rootToken, { password: 'p' }), 400, 'metadata/');
    await done(node, 'POST', 'one/metadata', { password: 'p' });
    const { client_token: auditor } = await calls.make({ policies: ['auditor'] });
    for (const path of ['one/metadata', 'one/metadata/', 'secret/data/x', 'secret/subkeys/x'])
      refusedWith(await ask('GET', path, auditor), 403, 'permission denied');
  });

  test('restores nothing without sudo, whichever mount it is in', async () => {
    await done(node, 'POST', 'secret/data/spoiled', { data: { v: 1 } }, 200);
    const { position } = (await calls.get('sys/ledger/head')).body.data;
    await done(node, 'POST', 'secret/data/spoiled', { data: { v: 2 } }, 200);
    const restorer = (words: string) =>
      holderOf(`path "sys/ledger/restore/plan" { capabilities = ["update"] }
                path "sys/ledger/restore/apply" { capabilities = [${words}] }`);
    const token = await restorer('"update"');
    const plan = (await ask('POST', 'sys/ledger/restore/plan', token, { path: 'spoiled', position })).body.data;
    const apply = () => ask('POST', 'sys/ledger/restore/apply', token, { plan_id: plan.plan_id });
    refusedWith(await apply(), 403, 'permission denied');
    await restorer('"update", "sudo"');
    assert.is((await apply()).status, 200);
  });

  test('without a token leaves nothing in the ledger by having an answer wrapped', async () => {
    const headers = { 'x-vault-wrap-ttl': '768h' };
    const size = async () => (await calls.get('sys/ledger/head')).body.data.size;
    const before = await size();
    const reply = await node.call('GET', 'sys/internal/ui/mounts', undefined, { token: null, headers });
    refusedWith(reply, 400, 'cannot be wrapped');
    assert.is(await size(), before);
  });

  test('with a token that is made up has not even wrapped what a wrapping token tells about itself', async () => {
    const headers = { 'x-vault-wrap-ttl': '768h' };
    const { wrap_info: info } = (await node.call('POST', 'sys/wrapping/wrap', { a: 1 }, { headers })).body;
    for (const token of ['hvs.nobody', `hvs.${'a'.repeat(24)}`, 'hvb.AAAA', null])
      refusedWith(
        await node.call('POST', 'sys/wrapping/lookup', { token: info.token }, { token, headers }),
        400,
        'what is answered without a token cannot be wrapped',
      );
    const asItself = await node.call('POST', 'sys/wrapping/unwrap', undefined, { token: info.token, headers });
    const { token } = asItself.body.wrap_info;
    assert.equal((await node.call('POST', 'sys/wrapping/unwrap', undefined, { token })).body.data, { a: 1 });
  });

  test('without a token leaves a count in the trail, and not as much as it likes', async () => {
    const path = `secret/data/${'x'.repeat(500)}/${'y'.repeat(500)}/${'z'.repeat(500)}`;
    const refused = await inOneBlock(() => Promise.all(Array.from({ length: 150 }, () => ask('GET', path, null))));
    assert.ok(refused.every(({ status }) => status === 403));
    const lines = (await trail(node, 'kv.read')).filter(line => line.path?.endsWith(path.slice(12)));
    const dropped = (await trail(node, 'record')).reduce((sum, line) => sum + line.dropped, 0);
    assert.is(lines.length + dropped, 150);
    assert.ok(lines.length > 0 && JSON.stringify(lines).length < 2 * 80_000, `${lines.length} lines`);
  });

  test('logging in in vain leaves a count in the trail, too', async () => {
    const before = (await trail(node, 'record')).reduce((sum, line) => sum + line.dropped, 0);
    const headers = { 'x-tallystick-reason': 'r'.repeat(1024), 'x-tallystick-ticket': 't'.repeat(1024) };
    const fields = { role_id: 'nobody', secret_id: 'nothing' };
    const logIn = () => node.call('POST', 'auth/approle/login', fields, { token: null, headers });
    const replies = await inOneBlock(() => Promise.all(Array.from({ length: 40 }, logIn)));
    for (const { status } of replies) assert.ok([400, 403].includes(status), `${status}`);
    const lines = (await trail(node, 'auth.login')).filter(line => line.ticket !== undefined);
    const dropped = (await trail(node, 'record')).reduce((sum, line) => sum + line.dropped, 0) - before;
    assert.is(lines.length + dropped, 40);
    assert.ok(lines.length > 0 && dropped > 0, `${lines.length} lines`);
  });

  test('does not make the server build what it refuses', async () => {
    const form = Array.from({ length: 20_000 }, (_, i) => i.toString(36)).join('&');
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const reply = await node.call('POST', 'auth/people/login/zoe', form, { token: null, headers });
    refusedWith(reply, 400, 'a form has at most 10000 fields');
    const list = `{"password":[${'{},'.repeat(3_000_000)}{}]}`;
    const heap = process.memoryUsage().heapUsed;
    refusedWith(await node.call('POST', 'auth/people/login/zoe', list, { token: null }), 400, 'expected type');
    assert.ok(process.memoryUsage().heapUsed - heap < 150e6);
  });

  test('who manages slots is not rid of root administrators by it', async () => {
    const token = await holderOf('path "auth/administrators/users/*" { capabilities = ["update", "delete", "sudo"] }');
    const users = `auth/administrators/users/${cluster.admin.name}`;
    const lesser = await ask('POST', `${users}/policies`, token, { policies: ['default'] });
    refusedWith(lesser, 400, 'only root changes what a root administrator may do');
    refusedWith(await ask('DELETE', users, token), 400, 'only root removes a root administrator');
  });

  test('who guesses at an administrator with many requests at once gets no answer for the ones too many', async () => {
    const { name, password } = cluster.admin;
    const guess = (text: string) => login(node, `administrators/login/${name}`, { password: text });
    for (let i = 0; i < 4; i += 1) assert.is((await guess(`wrong ${i}`)).status, 400);
    const { begun } = SLOT_QUEUE;
    const wrong = [guess('wrong too'), guess('wrong as well')];
    while (SLOT_QUEUE.begun === begun) await new Promise(resolve => setImmediate(resolve));
    assert.is((await guess(password)).status, 429);
    await Promise.all(wrong);
    node.program.nexus.attempts.succeeded('login address 127.0.0.1', `login name ${name}`);
    assert.is((await guess(password)).status, 200);
  });

  test('is not told by the work that is done whether there is an administrator of that name', async () => {
    const { session } = node.program.nexus;
    assert.ok(session);
    const { runner } = session.ports;
    const run = runner.run.bind(runner);
    const work: (readonly (string | number)[])[] = [];
    for (const name of [cluster.admin.name, 'not-there']) {
      const queries: string[] = [];
      const counting: typeof run = (query, values) => {
        if (query.text.includes('from keys')) queries.push(query.text);
        return run(query, values);
      };
      const before = SLOT_QUEUE.begun;
      runner.run = counting;
      assert.is((await login(node, `administrators/login/${name}`, { password: 'wrong' })).status, 400);
      runner.run = run;
      work.push([...queries, SLOT_QUEUE.begun - before]);
    }
    assert.equal(work[0], work[1]);
    assert.equal([work[0]?.length, work[0]?.at(-1)], [2, 1]);
  });

  test('who guesses at what opens the ledger with many requests at once has no more guesses than one by one', async () => {
    const { name, password } = cluster.admin;
    const guess = (text: string) => node.call('POST', 'sys/unseal', { name, password: text }, { token: null });
    await node.program.nexus.seal();
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => guess(`wrong ${i}`)));
    const statuses = answers.map(({ status }) => status).sort();
    assert.equal(statuses, [...Array(5).fill(400), ...Array(7).fill(429)]);
    node.program.nexus.attempts.succeeded('unseal address 127.0.0.1', `unseal name ${name}`);
    assert.is((await guess(password)).body.sealed, false);
  });

  test('fills no memory with names that nobody can have: they are tried as one', async () => {
    const { nexus } = node.program;
    const tries = async (address: string, attempt: (name: string) => Promise<Reply>): Promise<readonly number[]> => {
      const statuses: number[] = [];
      for (let i = 0; i < 6; i += 1) {
        nexus.attempts.succeeded(address);
        statuses.push((await attempt(`${i}${'x'.repeat(4000)}`)).status);
      }
      return statuses;
    };
    const asOne = [400, 400, 400, 400, 400, 429];
    const logIn = (name: string) => login(node, `administrators/login/${name}`, { password: 'p' });
    assert.equal(await tries('login address 127.0.0.1', logIn), asOne);
    await nexus.seal();
    const unseal = (name: string) => node.call('POST', 'sys/unseal', { name, password: 'p' }, { token: null });
    assert.equal(await tries('unseal address 127.0.0.1', unseal), asOne);
    nexus.attempts.succeeded('login address 127.0.0.1', 'unseal address 127.0.0.1');
    const { name, password } = cluster.admin;
    const opened = await node.call('POST', 'sys/unseal', { name, password }, { token: null });
    assert.is(opened.body.sealed, false);
  });

  test('behind a proxy on this machine does not initialise a server without its code', async () => {
    const fresh = await freshNode();
    const fields = { secret_shares: 1, secret_threshold: 1 };
    for (const name of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via']) {
      const headers = { [name]: '203.0.113.9' };
      const reply = await fresh.call('POST', 'sys/init', fields, { token: null, headers });
      refusedWith(reply, 400, 'init_code is needed');
    }
    assert.is((await fresh.call('GET', 'sys/init', undefined, { token: null })).body.initialized, false);
    await fresh.stop();
  });
});
