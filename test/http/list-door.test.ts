/** The LIST door on real sockets, plain and TLS: verbs are changed where requests start, and bytes of bodies and headers never. */
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import * as assert from 'uvu/assert';
import { listDoor } from '../../src/http/list-door.js';
import { CERTIFICATE, CERTIFICATE_KEY } from '../cli/support/certificate.js';
import { describe } from '../support/describe.js';

interface Seen {
  readonly verb: string;
  readonly url: string;
  readonly body: string;
  readonly header: string;
}

type Transport = 'TCP' | 'TLS';

let server: http.Server;
let seen: Seen[] = [];

const answer: http.RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', chunk => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString('latin1');
    seen.push({
      verb: request.method ?? '',
      url: request.url ?? '',
      body,
      header: String(request.headers['x-h'] ?? ''),
    });
    // The first one is answered late: pipelined requests wait for it.
    setTimeout(() => response.end(`${request.method} ${request.url}\n`), seen.length === 1 ? 30 : 0);
  });
};

const start = (transport: Transport): Promise<void> => {
  server =
    transport === 'TCP'
      ? http.createServer(answer).on('connection', listDoor)
      : https.createServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, answer).on('secureConnection', listDoor);
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve()));
};

const open = (): Socket => {
  const { port } = server.address() as AddressInfo;
  return server instanceof https.Server
    ? connectTls({ port, host: '127.0.0.1', ca: CERTIFICATE })
    : connect(port, '127.0.0.1');
};

/** Writes the packets one after another and gives all that came back once the server has closed, or after `ms`. */
const send = (packets: readonly (string | Buffer)[], ms = 400): Promise<string> =>
  new Promise((resolve, reject) => {
    seen = [];
    const socket = open();
    socket.setNoDelay(true);
    let text = '';
    socket.on('data', chunk => (text += chunk.toString('latin1')));
    socket.once('error', reject);
    socket.once('close', () => resolve(text));
    void (async () => {
      for (const packet of packets) {
        socket.write(packet);
        await new Promise(next => setTimeout(next, packets.length > 20 ? 1 : 5));
      }
      setTimeout(() => socket.destroy(), ms);
    })();
  });

const head = (verb: string, path: string, ...more: readonly string[]): string =>
  `${[`${verb} ${path} HTTP/1.1`, 'Host: x', ...more].join('\r\n')}\r\n\r\n`;
const verbs = (): string[] => seen.map(({ verb, url }) => `${verb} ${url}`);

for (const transport of ['TCP', 'TLS'] as const)
  describe(`the LIST door over ${transport}`, test => {
    test.before(() => start(transport));
    test.after(() => {
      server.closeAllConnections();
      server.close();
    });

    test('lets LIST through among other verbs on one connection', async () => {
      await send([
        head('GET', '/a'),
        head('LIST', '/b'),
        `${head('POST', '/c', 'Content-Length: 2')}hi`,
        head('LIST', '/d'),
      ]);
      assert.equal(verbs(), ['GET /a', 'LINK /b', 'POST /c', 'LINK /d']);
    });

    const seven = ['LIST /1', 'GET /2', 'LIST /3', 'POST /4', 'LIST /5', 'DELETE /6', 'LIST /7'];
    const pipelined = seven
      .map(line => {
        const [verb = '', path = ''] = line.split(' ');
        return verb === 'POST' ? `${head(verb, path, 'Content-Length: 7')}LIST /x` : head(verb, path);
      })
      .join('');
    const expected = seven.map(line => line.replace('LIST', 'LINK'));

    test('follows seven pipelined requests in one packet', async () => {
      await send([pipelined]);
      assert.equal(verbs(), expected);
      assert.is(seen[3]?.body, 'LIST /x');
    });

    test('follows the same, one byte a packet', async () => {
      await send(
        [...pipelined].map(byte => byte),
        600,
      );
      assert.equal(verbs(), expected);
    });

    test('knows a verb that is split over packets', async () => {
      await send(['L', 'IS', 'T /split HTTP/1.1\r\nHost: x\r\n\r\n']);
      assert.equal(verbs(), ['LINK /split']);
    });

    test('leaves a body alone that begins like a LIST', async () => {
      const body = 'LIST /v1/secret HTTP/1.1\r\n\r\n';
      await send([head('POST', '/a', `Content-Length: ${body.length}`), body, head('LIST', '/b')]);
      assert.equal(verbs(), ['POST /a', 'LINK /b']);
      assert.is(seen[0]?.body, body);
    });

    test('sees the LIST that begins in the packet where a body ends', async () => {
      await send([`${head('POST', '/a', 'Content-Length: 10')}LIST `, `/five${head('LIST', '/b')}`]);
      assert.equal(verbs(), ['POST /a', 'LINK /b']);
      assert.is(seen[0]?.body, 'LIST /five');
    });

    test('leaves a header value alone that begins a packet', async () => {
      await send(['GET /a HTTP/1.1\r\nHost: x\r\nX-H: ', 'LIST /v1/x\r\n\r\n', head('LIST', '/b')]);
      assert.equal(verbs(), ['GET /a', 'LINK /b']);
      assert.is(seen[0]?.header, 'LIST /v1/x');
    });

    for (const coding of ['chunked', 'Chunked'])
      test(`follows chunks, extensions and trailers: ${coding}`, async () => {
        const chunks = '6;ext="LIST /"\r\nLIST /\r\n3\r\nabc\r\n0\r\nX-T: LIST /\r\n\r\n';
        await send([`${head('POST', '/a', `Transfer-Encoding: ${coding}`)}${chunks}${head('LIST', '/b')}`]);
        assert.equal(verbs(), ['POST /a', 'LINK /b']);
        assert.is(seen[0]?.body, 'LIST /abc');
      });

    test('leaves two megabytes of what looks like requests alone', async () => {
      const body = Buffer.from('\r\n\r\nLIST /v1/x HTTP/1.1'.repeat(90_000));
      await send([head('POST', '/big', `Content-Length: ${body.length}`), body, head('LIST', '/b')], 1500);
      assert.equal(verbs(), ['POST /big', 'LINK /b']);
      assert.is(seen[0]?.body, body.toString('latin1'));
    });

    test('takes a LIST with a body, and one that closes', async () => {
      await send([`${head('LIST', '/a', 'Content-Length: 2')}hi${head('LIST', '/b', 'Connection: close')}`]);
      assert.equal(verbs(), ['LINK /a', 'LINK /b']);
      assert.is(seen[0]?.body, 'hi');
    });

    for (const [what, packet] of [
      ['LISTX', head('LISTX', '/a')],
      ['a genuine LINK', head('LINK', '/a')],
      [
        'both kinds of length',
        `${head('POST', '/a', 'Content-Length: 3', 'Transfer-Encoding: chunked')}abc${head('LIST', '/b')}`,
      ],
      ['a folded header', 'GET /a HTTP/1.1\r\nHost: x\r\nX-H: a\r\n b\r\n\r\n'],
      ['bare line feeds', 'GET /a HTTP/1.1\nHost: x\n\nLIST /b HTTP/1.1\nHost: x\n\n'],
      ['two lengths', `${head('POST', '/a', 'Content-Length: 3', 'Content-Length: 4')}abc${head('LIST', '/b')}`],
    ] as const)
      test(`gives ${what} to the parser, which refuses it`, async () => {
        assert.match(await send([packet]), /^HTTP\/1.1 400/);
        assert.not.ok(verbs().includes('LINK /b'));
      });

    test('follows a body that waits for 100 Continue', async () => {
      const text = await send([
        head('POST', '/a', 'Expect: 100-continue', 'Content-Length: 6'),
        'LIST /',
        head('LIST', '/b'),
      ]);
      assert.match(text, /^HTTP\/1.1 100 Continue/);
      assert.equal(verbs(), ['POST /a', 'LINK /b']);
      assert.is(seen[0]?.body, 'LIST /');
    });

    test('goes on after an upgrade that nobody takes', async () => {
      await send([
        head('GET', '/a', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AA'),
        head('LIST', '/b'),
      ]);
      assert.equal(verbs(), ['GET /a', 'LINK /b']);
    });
  });
