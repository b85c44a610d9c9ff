/** Quotas that operators set, over real sockets: whom they stop, whom not, and that they are part of the ledger. */
import * as assert from 'uvu/assert';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let calls: TokenCalls;

const quota = async (name: string, fields: object): Promise<void> => {
  const reply = await calls.post(`sys/quotas/rate-limit/${name}`, fields);
  assert.is(reply.status, 204, reply.text);
};
const statuses = async (times: number, path: string, token?: string): Promise<readonly number[]> => {
  const found: number[] = [];
  for (let i = 0; i < times; i += 1) found.push((await calls.get(path, token)).status);
  return found;
};

describe('quotas', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    calls = tokenCalls(node);
  });

  test('stop who asks a path too often, with the words and the pause of the dialect', async () => {
    await quota('few', { path: 'secret/data/hot', rate: 2, interval: '1h' });
    assert.equal(await statuses(2, 'secret/data/hot'), [404, 404]);
    const refused = await calls.get('secret/data/hot');
    assert.is(refused.status, 429);
    assert.equal(refused.body.errors, ['request path "secret/data/hot": rate limit quota exceeded']);
    assert.is(refused.headers.get('retry-after'), '1800');
    assert.is((await calls.get('secret/data/hotter')).status, 404);
    assert.is((await calls.get('secret/data/hot/below')).status, 429);
  });

  test('are asked before the token and the body are', async () => {
    const strangers = await node.call('POST', 'secret/data/hot', 'no json', { token: 'hvs.wrong' });
    assert.is(strangers.status, 429);
  });

  test('of the longest path decide, and a * stands for the end of a name', async () => {
    await quota('mount', { path: 'secret/', rate: 1000, interval: '1h' });
    await quota('star', { path: 'secret/data/st*', rate: 1, interval: '1h' });
    assert.equal(await statuses(2, 'secret/data/start'), [404, 429]);
    assert.is((await calls.get('secret/data/stop')).status, 429);
    assert.is((await calls.get('secret/data/other')).status, 404);
    await calls.post('sys/quotas/rate-limit/mount', { path: 'secret/', rate: 1, interval: '1h' });
    assert.equal(await statuses(2, 'secret/metadata/x'), [404, 429]);
    await node.call('DELETE', 'sys/quotas/rate-limit/mount');
    assert.is((await calls.get('secret/metadata/x')).status, 404);
  });

  test('by token count each token, by none count all callers together', async () => {
    const [one, two] = [await calls.make({ policies: ['default'] }), await calls.make({ policies: ['default'] })];
    await quota('self', { path: 'auth/token/lookup-self', rate: 1, interval: '1h', group_by: 'token' });
    assert.equal(await statuses(2, 'auth/token/lookup-self', one.client_token), [200, 429]);
    assert.equal(await statuses(2, 'auth/token/lookup-self', two.client_token), [200, 429]);
    await quota('self', { path: 'auth/token/lookup-self', rate: 1, interval: '1h', group_by: 'none' });
    assert.equal(await statuses(1, 'auth/token/lookup-self', one.client_token), [200]);
    assert.equal(await statuses(1, 'auth/token/lookup-self', two.client_token), [429]);
    await node.call('DELETE', 'sys/quotas/rate-limit/self');
  });

  test('are read back, listed and removed, and their changes are events', async () => {
    assert.equal((await calls.get('sys/quotas/rate-limit/star')).body.data, {
      ...{ name: 'star', type: 'rate-limit', path: 'secret/data/st*', rate: 1, interval: 3600, block_interval: 0 },
      ...{ group_by: 'ip', role: '', inheritable: false },
    });
    assert.equal((await node.call('LIST', 'sys/quotas/rate-limit')).body.data.keys, ['few', 'star']);
    for (const name of ['few', 'star', 'absent'])
      assert.is((await node.call('DELETE', `sys/quotas/rate-limit/${name}`)).status, 204);
    assert.equal((await calls.get('sys/quotas/rate-limit/few')).body, { errors: [] });
    assert.equal((await node.call('LIST', 'sys/quotas/rate-limit')).body, { errors: [] });
    const types = (await calls.get('sys/ledger/events?limit=1000')).body.data.events.map(
      ({ type }: { type: string }) => type,
    );
    assert.is(types.filter((type: string) => type === 'quota.written').length, 6);
    assert.is(types.filter((type: string) => type === 'quota.removed').length, 4);
  });

  test('of a user or a role hold however its name is spelled, where names have no case', async () => {
    await calls.post('sys/auth/people', { type: 'userpass' });
    await quota('ada', { path: 'auth/people/login/Ada', rate: 1, interval: '1h' });
    await quota('role', { path: 'auth/people/role/Web*', rate: 1, interval: '1h' });
    const logIn = async (name: string): Promise<number> =>
      (await node.call('POST', `auth/people/login/${name}`, { password: 'wrong' }, { token: null })).status;
    assert.equal(
      [await logIn('ada'), await logIn('ADA'), await logIn('aDa'), await logIn('adam')],
      [400, 429, 429, 400],
    );
    assert.equal(await statuses(2, 'auth/people/role/WEBSITE'), [404, 429]);
    assert.is((await calls.get('auth/People/role/website')).status, 404);
    for (const name of ['ada', 'role']) await node.call('DELETE', `sys/quotas/rate-limit/${name}`);
  });

  test('hold on another node as well, which counts on its own', async () => {
    await quota('both', { path: 'secret/data/both', rate: 1, interval: '1h' });
    const other = await cluster.newNode();
    assert.equal(await statuses(2, 'secret/data/both'), [404, 429]);
    assert.is((await other.call('GET', 'secret/data/both')).status, 404);
    assert.is((await other.call('GET', 'secret/data/both')).status, 429);
  });

  test('say how much is left and record whom they stop, when they are told to, and spare exempt paths', async () => {
    const { data } = (await calls.get('sys/quotas/config')).body;
    assert.equal([data.enable_rate_limit_audit_logging, data.enable_rate_limit_response_headers], [false, false]);
    assert.ok(data.rate_limit_exempt_paths.includes('sys/health'));
    await calls.post('sys/quotas/config', {
      ...{ enable_rate_limit_audit_logging: true, enable_rate_limit_response_headers: true },
      rate_limit_exempt_paths: ['secret/data/spared'],
    });
    await quota('all', { path: 'secret/data', rate: 3, interval: '1h' });
    const first = await calls.get('secret/data/x');
    assert.equal(
      ['limit', 'remaining', 'reset'].map(name => first.headers.get(`x-ratelimit-${name}`)),
      ['3', '2', '0'],
    );
    assert.equal(await statuses(3, 'secret/data/x'), [404, 404, 429]);
    assert.equal(await statuses(3, 'secret/data/spared'), [404, 404, 404]);
    await node.program.nexus.session?.recorder.flush();
    const denied = (await calls.get('sys/ledger/events?outcome=denied')).body.data.events;
    const [line] = denied.filter(({ reason_code }: { reason_code?: string }) => reason_code === 'quota');
    assert.equal([line.type, line.path, line.status], ['quota.exceeded', 'secret/data/x', 429]);
  });

  test('never keep from mending them', async () => {
    await quota('closed', { path: '', rate: 0.001, interval: '1h' });
    assert.equal(await statuses(2, 'sys/ledger/head'), [200, 429]);
    assert.is((await node.call('DELETE', 'sys/quotas/rate-limit/closed')).status, 204);
    assert.is((await calls.get('sys/ledger/head')).status, 200);
  });

  const refused: readonly (readonly [fields: object, text: string])[] = [
    [{}, "'rate' is invalid"],
    [{ rate: -1 }, "'rate' is invalid"],
    [{ rate: 'x' }, 'error converting input for field "rate"'],
    [{ rate: 1, interval: '9000h' }, 'interval must be between a second and a year'],
    [{ rate: 1, group_by: 'entity' }, 'group_by must be ip, token or none'],
    [{ rate: 1, role: 'r' }, 'role: there are no quotas of one role'],
    [{ rate: 1, type: 'lease-count' }, 'type must be rate-limit'],
    [{ rate: 1, path: 'x'.repeat(1025) }, 'a path has at most 1024 bytes'],
  ];
  for (const [fields, text] of refused)
    test(`refuse ${JSON.stringify(fields).slice(0, 60)}: ${text}`, async () =>
      refusedWith(await calls.post('sys/quotas/rate-limit/bad', fields), 400, text));

  test('are written only by who may', async () => {
    const { client_token: token } = await calls.make({ policies: ['default'] });
    refusedWith(await calls.post('sys/quotas/rate-limit/x', { rate: 1 }, token), 403, 'permission denied');
    refusedWith(await calls.get('sys/quotas/config', token), 403, 'permission denied');
  });
});
