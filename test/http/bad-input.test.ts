/** Bad input: a clear 4xx in the dialect's shape, and nothing appended. Paths go over a raw socket: fetch would tidy them. */
import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

let cluster: TestCluster;

const head = async (): Promise<number> => (await cluster.node.call('GET', 'sys/ledger/head')).body.data.position;

/** Sends bytes as they are; gives status line and body. */
const raw = (lines: readonly string[], body = ''): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(cluster.node.address);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', chunk => (text += chunk.toString('utf8')));
    socket.once('error', reject);
    socket.once('close', () => {
      const [start = '', ...rest] = text.split('\r\n\r\n');
      resolve({ status: Number(start.split(' ')[1]), body: rest.join('\r\n\r\n') });
    });
    const headers = [
      ...lines,
      'Host: x',
      `X-Vault-Token: ${cluster.rootToken}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ];
    socket.write(`${headers.join('\r\n')}\r\n\r\n${body}`);
  });

const DATA = '{"data":{"v":1}}';

describe('bad input', test => {
  test.before(async () => {
    cluster = await testCluster();
    await cluster.node.call('POST', 'secret/data/there', { data: { v: 1 } });
    // Start and unseal are recorded within a second: not while positions are counted.
    await cluster.node.program.nexus.session?.recorder.flush();
  });

  const bodies: readonly (readonly [string, string, number])[] = [
    ['malformed JSON', '{"data":', 400],
    ['text after the object', `${DATA} x`, 400],
    ['an array', '[1]', 400],
    ['no data', '{}', 400],
    ['data of another type', '{"data":"text"}', 400],
    ['options of another type', '{"data":{},"options":7}', 400],
    ['a cas that is no number', '{"data":{},"options":{"cas":"x"}}', 400],
    ['a cas with a fraction', '{"data":{},"options":{"cas":1.5}}', 400],
    ['a wrong cas', '{"data":{},"options":{"cas":7}}', 400],
    ['JSON that is nested without end', `{"data":${'{"a":'.repeat(500)}1${'}'.repeat(500)}}`, 400],
    ['a secret above 1 MiB', JSON.stringify({ data: { v: 'x'.repeat(1_100_000) } }), 413],
    ['a body above 32 MiB', JSON.stringify({ data: { v: 'x'.repeat(33 * 1024 * 1024) } }), 413],
  ];
  for (const [what, body, status] of bodies)
    test(`${what} is a ${status} and appends nothing`, async () => {
      const before = await head();
      const reply = await cluster.node.call('POST', 'secret/data/there', body);
      assert.is(reply.status, status, reply.text);
      assert.ok(Array.isArray(reply.body.errors) && reply.body.errors.length > 0, 'says what is wrong');
      assert.is(await head(), before);
    });

  const targets: readonly (readonly [string, number])[] = [
    ['/v1/secret/data/a/../b', 400],
    ['/v1/secret/data/a/%2e%2e/b', 400],
    ['/v1/secret/data/a%2f..%2fb', 400],
    ['/v1/secret/data/a%00b', 400],
    ['/v1/secret/data/a%0ab', 400],
    ['/v1/secret/data/%e2%80%8b', 400],
    ['/v1/secret/data/%zz', 400],
    ['/v1/secret/data/%ff', 400],
    [`/v1/secret/data/${'a'.repeat(513)}`, 400],
    [`/v1/secret/data/${'a/'.repeat(2100)}a`, 400],
    ['/v1/secret/data/folder/', 400],
    ['/v2/secret/data/a', 404],
    ['/', 404],
  ];
  for (const [target, status] of targets)
    test(`${target.slice(0, 40)} is a ${status} and appends nothing`, async () => {
      const before = await head();
      const reply = await raw([`POST ${target} HTTP/1.1`], DATA);
      assert.is(reply.status, status, reply.body);
      assert.is(await head(), before);
    });

  test('an encoded slash is a slash, and repeated ones are one', async () => {
    assert.is((await raw(['POST /v1/secret%2Fdata//odd%2Fname HTTP/1.1'], DATA)).status, 200);
    assert.is((await cluster.node.call('GET', 'secret/data/odd/name')).status, 200);
  });

  const reads: readonly (readonly [string, number])[] = [
    ['secret/data/there?version=abc', 400],
    ['secret/data/there?version=1.5', 400],
    ['secret/data/there?version=99', 404],
    ['secret/data/there?position=99999999', 400],
    ['secret/data/there?position=0', 400],
    ['secret/data/there?at=tomorrow', 400],
    ['secret/data/there?at=2099-01-01T00:00:00Z', 400],
    ['secret/data/there?at=2026-02-30T00:00:00Z', 400],
    ['secret/data/there?at=2020-01-01T00:00:00Z&position=1', 400],
    ['secret/metadata/?list=maybe', 400],
    ['sys/ledger/events?limit=0', 400],
    ['sys/ledger/events?outcome=perhaps', 400],
    ['sys/ledger/events?after=x', 400],
    ['nothing/here', 404],
    ['sys/nothing', 404],
  ];
  for (const [path, status] of reads)
    test(`GET ${path} is a ${status}`, async () => {
      const reply = await cluster.node.call('GET', path);
      assert.is(reply.status, status, reply.text);
      assert.ok(Array.isArray(reply.body.errors));
    });

  test('a content type that is none says nothing about the body', async () => {
    const headers = { 'content-type': 'nonsense' };
    const reply = await cluster.node.call('POST', 'secret/data/typeless', { data: { v: 1 } }, { headers });
    assert.is(reply.status, 200, reply.text);
  });

  test('who may not write is not told what was wrong with it', async () => {
    const reply = await cluster.node.call('POST', 'secret/data/there', {}, { token: null });
    assert.is(reply.status, 403);
    assert.equal(reply.body.errors, ['permission denied']);
  });

  test('an Idempotency-Key where it is not honoured is a 400', async () => {
    const headers = { 'idempotency-key': 'k1' };
    assert.is((await cluster.node.call('POST', 'auth/token/create', {}, { headers })).status, 400);
    assert.is((await cluster.node.call('GET', 'secret/data/there', undefined, { headers })).status, 400);
  });

  test('an Idempotency-Key makes a repeat answer as the first did, and a changed one a 409', async () => {
    const headers = { 'idempotency-key': 'once' };
    const first = await cluster.node.call('POST', 'secret/data/once', { data: { v: 1 } }, { headers });
    const again = await cluster.node.call('POST', 'secret/data/once', { data: { v: 1 } }, { headers });
    assert.is(again.status, 200, again.text);
    assert.equal(again.body.data, first.body.data);
    assert.is(again.headers.get('x-tallystick-position'), first.headers.get('x-tallystick-position'));
    assert.is((await cluster.node.call('POST', 'secret/data/once', { data: { v: 2 } }, { headers })).status, 409);
  });

  test('numbers come back with the text they were sent with', async () => {
    const body = '{"data":{"big":12345678901234567890,"one":1.0,"e":1E5,"zero":-0,"__proto__":{"x":1}}}';
    assert.is((await cluster.node.call('POST', 'secret/data/numbers', body)).status, 200);
    const { text } = await cluster.node.call('GET', 'secret/data/numbers');
    assert.match(text, '"data":{"big":12345678901234567890,"one":1.0,"e":1E5,"zero":-0,"__proto__":{"x":1}}');
  });
});
