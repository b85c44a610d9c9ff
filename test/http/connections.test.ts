/** One connection, many requests, over real sockets, plain and TLS: answers in order, each whole, and an end for whoever does not read. */
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import pino from 'pino';
import * as assert from 'uvu/assert';
import { assemble } from '../../src/assemble.js';
import { readConfig } from '../../src/config.js';
import { createServer } from '../../src/http/server.js';
import { type TlsCluster, tlsCluster } from '../contract/support/tls-cluster.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

const SETTINGS = { requestTimeout: '1', openRate: '0' };
/** As many as may wait behind the one that is answered. */
const WAITING = 100;

interface Heard {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Takes what the server said apart, by the verbs that were asked for. What is left over belongs to no answer. */
const answersIn = (text: string, verbs: readonly string[]): { heard: readonly Heard[]; rest: string } => {
  const heard: Heard[] = [];
  let rest = text;
  for (const verb of verbs) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    const head = rest.slice(0, end);
    const length = verb === 'HEAD' ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const body = rest.slice(end + 4, end + 4 + length);
    heard.push({ status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]), head, body });
    rest = rest.slice(end + 4 + length);
  }
  return { heard, rest };
};

const statuses = (heard: readonly Heard[]): readonly number[] => heard.map(({ status }) => status);

for (const transport of ['TCP', 'TLS'] as const)
  describe(`a connection over ${transport}`, test => {
    let cluster: TestCluster;
    let tls: TlsCluster['tls'] | null = null;

    test.before(async () => {
      if (transport === 'TCP') cluster = await testCluster(undefined, SETTINGS);
      else {
        const secure = await tlsCluster(SETTINGS);
        [cluster, tls] = [secure, secure.tls];
      }
      await put('a', { v: 'é' });
    });

    const put = async (path: string, data: unknown): Promise<void> =>
      assert.is((await cluster.node.call('POST', `secret/data/${path}`, { data })).status, 200);

    const open = async (
      to = cluster.node.address,
      allowHalfOpen = false,
    ): Promise<{ socket: Socket; closed: Promise<string> }> => {
      const { hostname, port } = new URL(to);
      const socket =
        tls === null
          ? connect({ port: Number(port), host: hostname, allowHalfOpen })
          : connectTls({ port: Number(port), host: hostname, ca: tls.cert });
      const parts: Buffer[] = [];
      socket.on('data', chunk => parts.push(chunk));
      socket.on('error', () => undefined);
      const closed = new Promise<string>(resolve =>
        socket.once('close', () => resolve(Buffer.concat(parts).toString('latin1'))),
      );
      await new Promise<void>(resolve => socket.once(tls !== null ? 'secureConnect' : 'connect', () => resolve()));
      return { socket, closed };
    };

    const ask = (verb: string, path: string, body = '', ...more: readonly string[]): string =>
      [
        ...[`${verb} /v1/${path} HTTP/1.1`, 'Host: x', `X-Vault-Token: ${cluster.rootToken}`, ...more],
        ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
        ...['', body],
      ].join('\r\n');

    /** All that is said until the server closes the connection. */
    const say = async (...packets: readonly string[]): Promise<string> => {
      const { socket, closed } = await open();
      for (const packet of packets) {
        socket.write(packet, 'latin1');
        await new Promise(resolve => setImmediate(resolve));
      }
      return closed;
    };

    test('answers requests of all verbs that come in one packet in their order, each whole', async () => {
      const asked: readonly (readonly [verb: string, path: string, status: number, body?: string])[] = [
        ['POST', 'secret/data/b', 200, '{"data":{"v":"x"}}'],
        ['GET', 'secret/data/a', 200],
        ['LIST', 'secret/metadata', 200],
        ['HEAD', 'sys/health', 200],
        ['GET', 'sys/health?activecode=304', 304],
        ['DELETE', 'secret/data/b', 204],
        ['HEAD', 'secret/data/a', 405],
        ['PUT', 'secret/data/b', 400, '{"data":'],
        ['GET', 'secret/data/%zz', 400],
        ['PROPFIND', 'sys/mounts', 405],
        ['GET', 'secret/data/a', 200],
      ];
      const last = ask('GET', 'sys/leader', '', 'Connection: close');
      const text = await say(asked.map(([verb, path, , body]) => ask(verb, path, body)).join('') + last);
      const { heard, rest } = answersIn(text, [...asked.map(([verb]) => verb), 'GET']);
      assert.equal(statuses(heard), [...asked.map(([, , status]) => status), 200]);
      assert.is(rest, '');
      assert.is(JSON.parse(heard[0]?.body ?? '').data.version, 1);
      assert.is(
        Buffer.from(heard[1]?.body ?? '', 'latin1')
          .toString()
          .includes('"v":"é"'),
        true,
      );
      for (const at of [3, 4, 5, 6]) assert.not.match(heard[at]?.head ?? '', /content-length|transfer-encoding/i);
      for (const at of [0, 1, 2, 7, 8, 9, 10]) assert.ok(JSON.parse(heard[at]?.body ?? ''));
    });

    test('keeps what is ready at once behind what takes its time', async () => {
      const login = ask(
        'POST',
        `auth/administrators/login/${cluster.admin.name}`,
        `{"password":"${cluster.admin.password}"}`,
      );
      const text = await say(login + ask('GET', 'secret/data/%zz') + ask('GET', 'sys/leader', '', 'Connection: close'));
      const { heard, rest } = answersIn(text, ['POST', 'GET', 'GET']);
      assert.equal([...statuses(heard), rest], [200, 400, 200, '']);
      assert.ok(JSON.parse(heard[0]?.body ?? '').auth.client_token);
    });

    test('answers a write before it says that what came behind it is no request', async () => {
      for (const spoiled of ['LISTX /v1/sys/health HTTP/1.1\r\n\r\n', 'garbage\r\n\r\n', '\0\0']) {
        const name = randomUUID();
        const text = await say(
          ask('POST', `secret/data/${name}`, '{"data":{}}') + ask('GET', 'sys/leader') + spoiled,
          spoiled,
        );
        const { heard, rest } = answersIn(text, ['POST', 'GET', '']);
        assert.equal([...statuses(heard), rest], [200, 200, 400, '']);
        assert.match(heard[2]?.head ?? '', /\r\nConnection: close/);
        assert.is((await cluster.node.call('GET', `secret/data/${name}`)).status, 200);
      }
    });

    test('answers the request that closes it, and does nothing that was asked behind', async () => {
      const name = randomUUID();
      const text = await say(
        ask('GET', 'secret/data/a', '', 'Connection: close') + ask('POST', `secret/data/${name}`, '{"data":{}}'),
      );
      const { heard, rest } = answersIn(text, ['GET', 'POST']);
      assert.equal([...statuses(heard), rest], [200, '']);
      assert.is((await cluster.node.call('GET', `secret/data/${name}`)).status, 404);
    });

    test('says in place of an answer that its body could not be read, and never in place of another', async () => {
      const broken = `${ask('POST', 'secret/data/broken', '', 'Transfer-Encoding: chunked')}no length\r\n`;
      const alone = answersIn(await say(broken), ['POST']);
      assert.equal([...statuses(alone.heard), alone.rest], [400, '']);
      const { heard, rest } = answersIn(await say(ask('POST', 'secret/data/first', '{"data":{}}') + broken), [
        'POST',
        'POST',
      ]);
      assert.ok(
        rest === '' && (heard[0] === undefined || heard[0].status === 200),
        'the first is not answered for the second',
      );
      assert.is((await cluster.node.call('GET', 'secret/data/broken')).status, 404);
    });

    test('is cut off by who asks far ahead of what is answered, and by nobody who asks a little ahead', async () => {
      const one = ask('GET', 'secret/data/a');
      const few = await say(one.repeat(WAITING) + ask('GET', 'sys/leader', '', 'Connection: close'));
      assert.is(answersIn(few, Array(WAITING + 1).fill('GET')).heard.length, WAITING + 1);
      const many = answersIn(await say(one.repeat(5 * WAITING)), Array(5 * WAITING).fill('GET'));
      assert.ok(many.heard.length < 5 * WAITING, `${many.heard.length} answers`);
      const { text } = await cluster.node.call('GET', 'sys/metrics');
      assert.match(text, /tallystick_http_refused_total\{by="requests"\} [1-9]/);
    });

    test('is cut off by who reads no answers, be they few and large or many and small', async () => {
      await put('large', { v: 'x'.repeat(1_000_000) });
      await put('small', { v: 'x'.repeat(60_000) });
      const cut = async (): Promise<number> => {
        const { text } = await cluster.node.call('GET', 'sys/metrics');
        const counts = [...text.matchAll(/tallystick_http_refused_total\{by="(?:slow|requests)"\} (\d+)/g)];
        return counts.reduce((sum, [, count]) => sum + Number(count), 0);
      };
      const before = await cut();
      const sockets = await Promise.all(
        ['large', 'small'].map(async name => {
          const { socket } = await open();
          socket.pause();
          // More than the kernel keeps by itself, and not so much at once that this alone would end it.
          for (let i = 0; i < 7; i += 1) {
            socket.write(ask('GET', `secret/data/${name}`).repeat(40));
            await new Promise(resolve => setTimeout(resolve, 50));
          }
          return socket;
        }),
      );
      await until('both are cut off', async () => (await cut()) === before + 2, 10_000);
      for (const socket of sockets) socket.destroy();
      await until('nothing in flight', async () => {
        const { body } = await cluster.node.call('GET', 'sys/in-flight-req');
        return Object.keys(body).length === 1;
      });
    });

    if (transport === 'TCP')
      test('is closed although the client, told that it sent no request, stays', async () => {
        const { socket, closed } = await open(cluster.node.address, true);
        let ended = false;
        socket.once('end', () => {
          ended = true;
        });
        socket.write('garbage\r\n\r\n');
        const stays = setInterval(() => socket.write('more'), 50);
        const text = await closed;
        clearInterval(stays);
        assert.ok(ended && answersIn(text, ['']).heard[0]?.status === 400, text);
      });

    test('may end while a write is made, which is then made or not, and nothing else', async () => {
      const names = Array.from({ length: 40 }, () => randomUUID());
      await Promise.all(
        names.map(async name => {
          const { socket, closed } = await open();
          const one = ask('POST', `secret/data/${name}`, '{"data":{}}');
          socket.write(one.repeat(3), () => socket.destroy());
          await closed;
        }),
      );
      for (const name of names)
        assert.ok([200, 404].includes((await cluster.node.call('GET', `secret/data/${name}`)).status));
      assert.equal(
        cluster.node.log.filter(line => Number(/"level":(\d+)/.exec(line)?.[1]) >= 50),
        [],
      );
    });

    test('gives the same answers however its requests are cut into packets', async () => {
      const request = fc.constantFrom(
        ...[ask('GET', 'secret/data/a'), ask('LIST', 'secret/metadata/none'), ask('HEAD', 'sys/health')],
        ...[
          ask('LIST', 'auth/token/accessors', 'LIST /v1/x HTTP/1.1\r\n\r\n'),
          ask('GET', 'sys/health?activecode=304'),
        ],
        ...[ask('POST', 'secret/data/a', '{"data":{},"options":{"cas":7}}'), ask('DELETE', 'sys/leader')],
        `${ask('POST', 'secret/data/a', '', 'Transfer-Encoding: chunked')}5\r\n{"da"\r\n1\r\n:\r\n0\r\n\r\n`,
      );
      const same = (text: string): string =>
        text.replace(/"request_id":"[^"]*"|"server_time_utc":\d+|\r\nDate: [^\r]*|\r\nx-tallystick-position: \d+/g, '');
      await fc.assert(
        fc.asyncProperty(
          fc.array(request, { minLength: 1, maxLength: 8 }),
          fc.array(fc.nat(2000), { maxLength: 8 }),
          async (requests, cuts) => {
            const all = requests.join('') + ask('GET', 'sys/leader', '', 'Connection: close');
            const at = [...new Set([0, ...cuts.map(cut => cut % all.length), all.length])].sort((a, b) => a - b);
            const packets = at.slice(1).map((end, index) => all.slice(at[index], end));
            const [whole, cut] = await Promise.all([say(all), say(...packets)]);
            assert.is(same(cut), same(whole));
            const verbs = [...requests, 'GET'].map(each => each.split(' ', 1)[0] ?? '');
            assert.is(answersIn(whole, verbs).heard.length, verbs.length);
          },
        ),
        { numRuns: 25 },
      );
    });

    test('is told of an answer that cannot be written, and goes on', async () => {
      const config = readConfig({ data: cluster.node.folder, listen: '127.0.0.1:0' }, {});
      if (config._tag === 'Left') throw new Error(config.left);
      const log: string[] = [];
      const logger = pino({ level: 'error' }, { write: (line: string) => void log.push(line) });
      const assembled = assemble(config.right, logger, cluster.node.database, { leads: false });
      const server = createServer(assembled.operations, {
        ...{ log: logger, limits: config.right.limits },
        ...(tls === null ? {} : { tls }),
        elsewhere: ({ path }) =>
          Promise.resolve({ status: 200, body: '{}\n', headers: path === 'bad' ? { 'x-bad': 'a\nb' } : {} }),
      });
      const { socket, closed } = await open(await server.listen({ host: '127.0.0.1', port: 0 }));
      socket.write(ask('GET', 'bad') + ask('GET', 'good', '', 'Connection: close'));
      const { heard, rest } = answersIn(await closed, ['GET', 'GET']);
      assert.equal([...statuses(heard), rest], [500, 200, '']);
      assert.equal(JSON.parse(heard[0]?.body ?? ''), { errors: ['1 error occurred:\n\t* internal error\n\n'] });
      assert.is(log.length, 1);
      await server.close();
      await assembled.stop();
    });

    test('is answered what it asked before the server closes, which waits for nobody who is idle', async () => {
      const node = await cluster.newNode();
      const [idle, asking] = await Promise.all([open(node.address), open(node.address)]);
      const fields = '{"data":{"v":"late"}}';
      asking.socket.write(ask('POST', 'secret/data/late', fields).slice(0, -fields.length));
      await until('the write is in flight', async () => {
        const { body } = await node.call('GET', 'sys/in-flight-req');
        return Object.keys(body).length === 2;
      });
      const startedAt = Date.now();
      const stopped = node.stop();
      await idle.closed;
      asking.socket.write(fields);
      const { heard, rest } = answersIn(await asking.closed, ['POST']);
      assert.equal([...statuses(heard), rest], [200, '']);
      await stopped;
      assert.ok(Date.now() - startedAt < 3000, `closed within ${Date.now() - startedAt} ms`);
    });
  });
