/** What every request has in common, over real sockets: other origins, namespaces, help, verbs that ask for nothing. */
import * as assert from 'uvu/assert';
import { type CallOptions, type Reply, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { refusedWith, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let calls: TokenCalls;

const ask = (method: string, path: string, options: CallOptions = {}): Promise<Reply> =>
  cluster.node.call(method, path, undefined, options);

/** Of pages: fetch would not let a test say it. */
const origin = (from: string, more: Readonly<Record<string, string>> = {}) => ({
  headers: { origin: from, ...more },
});

describe('the HTTP layer', test => {
  test.before(async () => {
    cluster = await testCluster();
    calls = tokenCalls(cluster.node);
  });

  test('minds no origin until it is told which may ask', async () => {
    const reply = await ask('GET', 'sys/health', origin('https://strange.example'));
    assert.equal([reply.status, reply.headers.get('access-control-allow-origin')], [200, null]);
    const { body } = await calls.get('sys/config/cors');
    assert.equal([body.enabled, body.data], [false, { enabled: false }]);
    refusedWith(await calls.post('sys/config/cors', {}), 400, 'at least one origin or the wildcard must be provided');
    refusedWith(
      await calls.post('sys/config/cors', { allowed_origins: '*,https://ui.example' }),
      400,
      'the "*" must be the only value',
    );
  });

  test('lets pages of allowed origins ask, tells browsers so, and refuses strangers', async () => {
    const fields = { allowed_origins: 'https://ui.example', allowed_headers: 'X-Own' };
    assert.is((await calls.post('sys/config/cors', fields)).status, 204);
    assert.equal((await calls.get('sys/config/cors')).body.data, {
      ...{ enabled: true, allowed_origins: ['https://ui.example'], allowed_headers: ['X-Own'] },
      allow_credentials: false,
    });
    const read = await ask('GET', 'sys/ledger/head', origin('https://ui.example'));
    assert.equal(
      [read.status, read.headers.get('access-control-allow-origin'), read.headers.get('vary')],
      [200, 'https://ui.example', 'Origin'],
    );
    const asking = { token: null, ...origin('https://ui.example', { 'access-control-request-method': 'PUT' }) };
    const before = await ask('OPTIONS', 'secret/data/x', asking);
    assert.equal([before.status, before.text], [200, '']);
    assert.is(before.headers.get('access-control-max-age'), '300');
    assert.match(before.headers.get('access-control-allow-methods') ?? '', /\bLIST\b/);
    assert.match(before.headers.get('access-control-allow-headers') ?? '', /X-Vault-Token.*,X-Own$/);
    const strange = await ask('GET', 'sys/health', origin('https://strange.example'));
    assert.equal([strange.status, strange.body], [403, { errors: ['origin not allowed'] }]);
    assert.is((await ask('GET', 'sys/health')).status, 200);
    assert.is((await ask('DELETE', 'sys/config/cors')).status, 204);
    assert.is((await ask('GET', 'sys/health', origin('https://strange.example'))).status, 200);
  });

  test('knows the root namespace under its names, and no other', async () => {
    const under = (namespace: string, path: string) =>
      ask('GET', path, { headers: { 'x-vault-namespace': namespace } });
    for (const name of ['root', 'root/', '/', '']) assert.is((await under(name, 'sys/ledger/head')).status, 200, name);
    const echoed = await under('root', 'sys/ledger/head');
    assert.is(echoed.headers.get('x-vault-namespace'), 'root');
    const other = await under('team', 'sys/ledger/head');
    assert.equal([other.status, other.body], [404, { errors: ['namespace not found'] }]);
    refusedWith(await under('team', 'sys/health'), 400, 'operation unavailable in namespaces');
    for (const path of ['sys/seal-status', 'sys/leader']) assert.is((await under('team', path)).status, 200);
  });

  test('helps whoever has a token that lives, and asks for no permission', async () => {
    const { client_token: token } = await calls.make({ policies: ['default'] });
    const { status, body } = await ask('GET', 'secret/data/x?help=1', { token });
    assert.is(status, 200);
    assert.match(body.help, /GET: A version of a secret\n {4}version \(integer\)/);
    assert.equal([body.see_also, 'openapi' in body], [null, true]);
    assert.is((await ask('GET', 'secret/data/x?help=1', { token: null })).status, 403);
    assert.is((await ask('GET', 'secret/data/x?help=1', { token: 'hvs.no' })).status, 403);
  });

  const verbs: readonly (readonly [method: string, path: string, status: number])[] = [
    ['OPTIONS', 'secret/data/x', 400],
    ['OPTIONS', 'sys/health', 405],
    ['OPTIONS', 'sys/seal-status', 405],
    ['OPTIONS', 'sys/leader', 405],
    ['HEAD', 'sys/health', 200],
    ['HEAD', 'sys/seal-status', 405],
    ['HEAD', 'secret/data/x', 405],
    ['POST', 'sys/health', 405],
    ['LIST', 'sys/health', 405],
    ['PROPFIND', 'sys/mounts', 405],
    ['GET', 'secret/metadata/?list=true&scan=true', 400],
    ['GET', 'secret/metadata/?scan=perhaps', 400],
  ];
  for (const [method, path, status] of verbs)
    test(`${method} ${path} is a ${status}`, async () => {
      const reply = await ask(method, path);
      assert.is(reply.status, status, reply.text);
      if (method === 'HEAD') assert.is(reply.text, '');
      assert.is(reply.headers.get('allow'), null);
    });
});
