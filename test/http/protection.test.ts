/** Too much, too slow, too often, over real sockets: what is refused, how, and that everybody else is served. */
import { connect, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { type Reply, type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

const REQUESTS = 80;
const CONNECTIONS = 120;
const OPEN_RATE = 20;

let cluster: TestCluster;

const call = (path: string, headers: Readonly<Record<string, string>> = {}, token?: string | null): Promise<Reply> =>
  cluster.node.call('GET', path, undefined, { headers, ...(token === undefined ? {} : { token }) });

interface Client {
  readonly socket: Socket;
  /** All that the server said, once it closed the connection. */
  readonly closed: Promise<string>;
  /** Once the server has said so much. */
  said(text: string): Promise<void>;
}

const client = async (text: string): Promise<Client> => {
  const { hostname, port } = new URL(cluster.node.address);
  const socket = connect(Number(port), hostname);
  let heard = '';
  socket.on('data', chunk => {
    heard += chunk.toString('utf8');
  });
  const closed = new Promise<string>(resolve => socket.once('close', () => resolve(heard)));
  socket.on('error', () => undefined);
  await new Promise<void>(resolve => socket.once('connect', () => resolve()));
  socket.write(text);
  const said = (awaited: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (heard.includes(awaited)) resolve();
      };
      socket.on('data', look);
      socket.once('close', () => (heard.includes(awaited) ? resolve() : reject(new Error(`heard ${heard}`))));
      look();
    });
  return { socket, closed, said };
};

const head = (length: number): string =>
  `POST /v1/secret/data/slow HTTP/1.1\r\nHost: x\r\nX-Vault-Token: ${cluster.rootToken}\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`;

describe('protection', test => {
  test.before(async () => {
    cluster = await testCluster(undefined, {
      ...{ requests: String(REQUESTS), connections: String(CONNECTIONS), requestTimeout: '1' },
      ...{ openRate: String(OPEN_RATE), trustedProxies: '127.0.0.1/32' },
    });
  });

  test('a client that never ends its head is told so and cut off', async () => {
    const startedAt = Date.now();
    const { closed } = await client('GET /v1/sys/health HTTP/1.1\r\nHost: x\r\nX-Slow:');
    assert.match(await closed, /^HTTP\/1\.1 408 /);
    assert.ok(Date.now() - startedAt < 4000);
  });

  test('a client that never ends its body is cut off, and its request is no longer in flight', async () => {
    const { closed, said } = await client(head(100));
    await said('100 Continue');
    const during = (await call('sys/in-flight-req')).body;
    const paths = Object.values<{ request_path: string }>(during).map(({ request_path }) => request_path);
    assert.equal(paths.sort(), ['/v1/secret/data/slow', '/v1/sys/in-flight-req']);
    assert.match(await closed, /HTTP\/1\.1 408 /);
    assert.is(Object.keys((await call('sys/in-flight-req')).body).length, 1);
    assert.is((await call('secret/data/slow')).status, 404);
  });

  test('beyond the requests that are answered at once there is a 503 that says when to come again', async () => {
    const clients = await Promise.all(Array.from({ length: REQUESTS }, () => client(head(2))));
    for (const each of clients) await each.said('100 Continue');
    const refused = await call('sys/ledger/head');
    assert.is(refused.status, 503);
    assert.is(refused.headers.get('retry-after'), '1');
    assert.equal(refused.body.errors, ['the server is overloaded: try again']);
    for (const { socket } of clients) socket.destroy();
    for (const { closed } of clients) await closed;
    assert.is((await call('sys/ledger/head')).status, 200);
  });

  test('beyond the connections that are held at once a new one is closed', async () => {
    const clients: Client[] = [];
    for (let i = 0; i < CONNECTIONS; i += 1) clients.push(await client(''));
    const late = await client('GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.is(await late.closed, '');
    for (const { socket } of clients) socket.destroy();
    for (const { closed } of clients) await closed;
    assert.is((await call('sys/health')).status, 200);
  });

  test('an address may ask without a token so often and not more; others are served, and so is a token', async () => {
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const flood: Reply[] = [];
    while (flood.at(-1)?.status !== 429 && flood.length < 20 * OPEN_RATE)
      flood.push(await call('sys/seal-status', from('198.51.100.7'), null));
    const refused = flood.pop();
    assert.is(refused?.status, 429);
    assert.ok(flood.length >= OPEN_RATE && flood.every(({ status }) => status === 200), `${flood.length} answered`);
    assert.is(refused?.headers.get('retry-after'), '1');
    assert.equal(refused?.body.errors, ['request path "sys/seal-status": rate limit quota exceeded']);
    assert.is((await call('sys/seal-status', from('198.51.100.8'), null)).status, 200);
    assert.is((await call('sys/ledger/head', from('198.51.100.7'))).status, 200);
  });

  test('a token that is made up counts as none, and keeps nobody from asking with one that is real', async () => {
    const from = { 'x-forwarded-for': '198.51.100.9' };
    const flood: number[] = [];
    while (flood.at(-1) !== 429 && flood.length < 20 * OPEN_RATE)
      flood.push((await call('sys/ledger/head', from, `hvs.made-up-${flood.length}`)).status);
    assert.is(flood.pop(), 429);
    assert.ok(flood.length >= OPEN_RATE && flood.every(status => status === 403), `${flood.length} answered`);
    assert.is((await call('sys/ledger/head', from)).status, 200);
  });

  test('nor does one that is made up let anybody try wrapping tokens as often as they like', async () => {
    for (const [path, status] of [
      ['sys/wrapping/lookup', 400],
      ['sys/wrapping/unwrap', 400],
    ] as const) {
      const headers = { 'x-forwarded-for': path.endsWith('lookup') ? '198.51.100.10' : '198.51.100.11' };
      const flood: number[] = [];
      while (flood.at(-1) !== 429 && flood.length < 20 * OPEN_RATE)
        flood.push((await cluster.node.call('POST', path, undefined, { token: 'hvs.made-up', headers })).status);
      assert.is(flood.pop(), 429);
      assert.ok(
        flood.every(each => each === status),
        `${flood}`,
      );
    }
  });

  test('who has one IPv6 address has its whole network, and guesses as one', async () => {
    const guess = (address: string, name: string): Promise<Reply> => {
      const headers = { 'x-forwarded-for': address };
      return cluster.node.call(
        'POST',
        `auth/administrators/login/${name}`,
        { password: 'p' },
        { headers, token: null },
      );
    };
    for (let i = 1; i <= 5; i += 1) assert.is((await guess(`2001:db8:0:7::${i}`, `nobody-${i}`)).status, 400);
    assert.is((await guess('2001:db8:0:7:ffff::6', 'nobody-6')).status, 429);
    assert.is((await guess('2001:db8:0:8::6', 'nobody-6')).status, 400);
  });

  test('is counted, by what there was too much of', async () => {
    const { text } = await call('sys/metrics');
    for (const by of ['slow', 'requests', 'connections', 'open'])
      assert.match(text, new RegExp(`tallystick_http_refused_total\\{by="${by}"\\} [1-9]`));
  });

  test('what a proxy of ours heard is who asked; what the client claims is not', async () => {
    const trail = async (forwarded: string): Promise<string> => {
      const headers = { 'x-forwarded-for': forwarded };
      const made = await cluster.node.call('POST', 'secret/data/from', { data: {} }, { headers });
      const after = Number(made.headers.get('x-tallystick-position')) - 1;
      const [event] = (await call(`sys/ledger/events?after=${after}`)).body.data.events;
      return event.from.address;
    };
    assert.is(await trail('203.0.113.9'), '203.0.113.9');
    assert.is(await trail('10.9.9.9, 203.0.113.9'), '203.0.113.9');
    assert.is(await trail('203.0.113.9, 127.0.0.1'), '203.0.113.9');
    assert.is(await trail('nonsense'), '127.0.0.1');
  });

  test('an answer without a body has no length where HTTP allows none, and what is echoed keeps its bytes', async () => {
    const ask = async (path: string, more: string) =>
      (await client(`GET /v1/${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`)).closed;
    const unchanged = await ask('sys/health?activecode=304', '');
    assert.match(unchanged, /^HTTP\/1\.1 304 /);
    assert.not.match(unchanged, /content-length/i);
    assert.match(await ask('secret/data/x', 'X-Vault-Namespace: é\r\n'), /\r\nx-vault-namespace: é\r\n/);
  });

  test('no answer may be framed, sniffed, stored or run', async () => {
    const { headers } = await call('sys/health');
    assert.is(headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
    assert.is(headers.get('x-content-type-options'), 'nosniff');
    assert.is(headers.get('cache-control'), 'no-store');
    assert.is(headers.get('strict-transport-security'), 'max-age=31536000; includeSubDomains');
  });
});
