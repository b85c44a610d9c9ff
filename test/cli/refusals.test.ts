import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { fakeServer, type Reply, type Routes } from './support/fake-server.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

const error = (status: number, text: string, headers: Record<string, string> = {}): Reply => ({
  status,
  body: { errors: text === '' ? [] : [text] },
  headers,
});

describe('how a refusal ends', test => {
  let home: Home;
  test.before(async () => {
    home = await newHome();
  });
  test.after(() => home.remove());

  /** `tally get secret/db` against a server that answers so. */
  const get = async (reply: Reply, more: Routes = {}, env: Record<string, string> = {}): Promise<Ran> => {
    const server = await fakeServer({ 'GET /v1/secret/data/db': reply, ...more });
    try {
      return await tally(['get', 'secret/db'], {
        home: home.folder,
        env: { TALLYSTICK_ADDR: server.address, TALLYSTICK_TOKEN: 'hvs.t', ...env },
      });
    } finally {
      await server.close();
    }
  };

  test('sealed: 2, and how to unseal', async () => {
    const ran = await get(error(503, 'Vault is sealed'), {
      'GET /v1/sys/seal-status': { body: { initialized: true, sealed: true } },
    });
    assert.is(ran.code, 2);
    assert.match(ran.stderr, 'tally operator unseal');
  });

  test('never initialised: 2, and how to initialise', async () => {
    const ran = await get(error(503, 'Vault is sealed'), {
      'GET /v1/sys/seal-status': { body: { initialized: false, sealed: true } },
    });
    assert.is(ran.code, 2);
    assert.match(ran.stderr, 'tally operator init');
  });

  test('refused as malformed: 3, with the words of the server', async () => {
    const ran = await get(error(400, 'a wrong thing'));
    assert.is(ran.code, 3);
    assert.match(ran.stderr, 'a wrong thing');
  });

  test('denied: 4, how to log in, and where the token came from but not the token', async () => {
    const ran = await get(error(403, '1 error occurred:\n\t* permission denied\n\n'));
    assert.is(ran.code, 4);
    assert.match(ran.stderr, 'tally login');
    assert.match(ran.stderr, 'TALLYSTICK_TOKEN');
    assert.not.match(ran.stderr, /hvs\.t/);
    assert.match(
      (await get(error(403, 'permission denied'), {}, { TALLYSTICK_TOKEN: '' })).stderr,
      'you are not logged in',
    );
  });

  test('nothing there: 5', async () => {
    assert.is((await get(error(404, ''))).code, 5);
  });

  test('someone was first: 6', async () => {
    assert.is((await get(error(409, 'the plan is outdated'))).code, 6);
    assert.is((await get(error(400, 'check-and-set parameter did not match the current version'))).code, 6);
  });

  test('busy: 7, and when to come back', async () => {
    const ran = await get(error(503, 'too many writes at once', { 'retry-after': '2' }));
    assert.is(ran.code, 7);
    assert.match(ran.stderr, 'Try again in 2 s');
    assert.is((await get(error(429, ''))).code, 7);
  });

  test('broken: 1', async () => {
    assert.is((await get(error(500, 'internal error'))).code, 1);
    assert.is((await get({ status: 418, body: 'teapot' })).code, 1);
  });

  test('nobody listens: 7, and how to start a server', async () => {
    const ran = await tally(['get', 'secret/db'], {
      home: home.folder,
      env: { TALLYSTICK_ADDR: 'http://127.0.0.1:1' },
    });
    assert.is(ran.code, 7);
    assert.match(ran.stderr, 'tally dev');
  });

  test('no answer in time, or the line is cut: 7, and the warning that a write may have happened', async () => {
    const listener = createServer(socket => {
      socket.on('error', () => {});
      if (cut) socket.destroy();
    });
    let cut = false;
    await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve));
    const env = { TALLYSTICK_ADDR: `http://127.0.0.1:${(listener.address() as AddressInfo).port}` };
    for (cut of [false, true]) {
      const ran = await tally(['delete', 'secret/db', '--timeout', '1'], { home: home.folder, env });
      assert.is(ran.code, 7);
      assert.match(ran.stderr, 'may have been recorded');
    }
    listener.close();
  });

  test('as JSON: one line on stderr, nothing on stdout', async () => {
    const ran = await tally(['get', 'secret/db', '--json'], {
      home: home.folder,
      env: { TALLYSTICK_ADDR: 'http://127.0.0.1:1' },
    });
    assert.is(ran.stdout, '');
    assert.equal(Object.keys(JSON.parse(ran.stderr)), ['error', 'hint', 'exit']);
    assert.is(JSON.parse(ran.stderr).exit, 7);
  });

  test("a server's words cannot repaint the terminal", async () => {
    const ran = await get(error(400, 'a\u001b[2Jb'));
    assert.not.match(ran.stderr, /\u001b/);
  });
});
