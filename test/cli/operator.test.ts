import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { type FakeServer, fakeServer } from './support/fake-server.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

const KEY = 'a'.repeat(64);
const PASSWORD = 'six words are not too many';

describe('tally operator', test => {
  let home: Home;
  let server: FakeServer;
  let state: { initialized: boolean; sealed: boolean };
  const operator = (args: readonly string[], input = ''): Promise<Ran> =>
    tally(['operator', ...args], { home: home.folder, input, env: { TALLYSTICK_ADDR: server.address } });
  const sent = (path: string): unknown[] =>
    server.asked.filter(({ url, body }) => url === `/v1/${path}` && body !== '').map(({ body }) => JSON.parse(body));

  test.before.each(async () => {
    home = await newHome();
    state = { initialized: false, sealed: true };
    await writeFile(join(home.folder, 'password'), `${PASSWORD}\n`);
    await writeFile(join(home.folder, 'code'), 'one-time\n');
    const status = (): object => ({ type: 'shamir', ...state, t: 1, n: 1, progress: 0, version: '0.1.0' });
    server = await fakeServer({
      'GET /v1/sys/seal-status': () => ({ body: status() }),
      'GET /v1/sys/init': () => ({ body: { initialized: state.initialized } }),
      'POST /v1/sys/init': asked => {
        state.initialized = true;
        const keys = asked.body.includes('secret_shares') ? [KEY] : [];
        return { body: { keys, keys_base64: keys, root_token: 'hvs.root' } };
      },
      'POST /v1/sys/unseal': asked => {
        const opener = JSON.parse(asked.body);
        if (opener.key !== KEY && opener.password !== PASSWORD)
          return { status: 400, body: { errors: ['wrong name, password or key'] } };
        state.sealed = false;
        return { body: status() };
      },
      'POST /v1/sys/seal': {},
      'POST /v1/auth/userpass/users/alice/password': { position: 9 },
    });
  });
  test.after.each(async () => {
    await server.close();
    await home.remove();
  });

  test('status ends with 2 until the server is unsealed, then with 0, and says what to do next', async () => {
    const fresh = await operator(['status']);
    assert.is(fresh.code, 2);
    assert.match(fresh.stderr, 'tally operator init');
    state.initialized = true;
    const sealed = await operator(['status', '--json']);
    assert.is(sealed.code, 2);
    assert.is(JSON.parse(sealed.stdout).sealed, true);
    state.sealed = false;
    assert.is((await operator(['status'])).code, 0);
  });

  test('init takes the password and the code from files, and shows the root token once', async () => {
    const ran = await operator([
      'init',
      '--admin-name',
      'alice',
      '--password-file',
      'password',
      '--init-code-file',
      'code',
    ]);
    assert.is(ran.code, 0);
    assert.equal(sent('sys/init'), [{ admin_name: 'alice', admin_password: PASSWORD, init_code: 'one-time' }]);
    assert.is(ran.stdout.match(/hvs\.root/g)?.length, 1);
    assert.not.match(ran.stdout + ran.stderr, new RegExp(PASSWORD));
    assert.match(ran.stderr, /safe or a password manager/);
  });

  test('init makes an unseal key instead when told so, and prints JSON for scripts', async () => {
    const ran = await operator(['init', '--unseal-key', '--json']);
    assert.equal(sent('sys/init'), [{ secret_shares: 1, secret_threshold: 1 }]);
    assert.equal(JSON.parse(ran.stdout).keys, [KEY]);
  });

  test('init asks for nothing and sends nothing when the server has a ledger', async () => {
    state.initialized = true;
    assert.is((await operator(['init', '--unseal-key'])).code, 6);
    assert.equal(sent('sys/init'), []);
  });

  test('init without a terminal, a password or a choice says what a script gives', async () => {
    const ran = await operator(['init']);
    assert.is(ran.code, 3);
    assert.match(ran.stderr, '--password-file');
    assert.is((await operator(['init', '--password-file', 'password'])).code, 3);
    assert.is((await operator(['init', '--unseal-key', '--admin-name', 'alice'])).code, 3);
  });

  test('unseal takes a password or a key from a file or stdin', async () => {
    state.initialized = true;
    assert.is((await operator(['unseal', '--name', 'alice', '--password-file', 'password'])).code, 0);
    assert.equal(sent('sys/unseal'), [{ name: 'alice', password: PASSWORD }]);
    state.sealed = true;
    assert.is((await operator(['unseal', '--key-file', '-'], `${KEY}\n`)).code, 0);
    assert.equal(sent('sys/unseal').at(-1), { key: KEY });
  });

  test('unseal ends with 4 for a wrong key, with 2 when there is no ledger, with 0 when it is open already', async () => {
    assert.is((await operator(['unseal', '--key-file', '-'], KEY)).code, 2);
    state.initialized = true;
    const wrong = await operator(['unseal', '--key-file', '-'], 'b'.repeat(64));
    assert.is(wrong.code, 4);
    assert.not.match(wrong.stderr, /bbbb/);
    state.sealed = false;
    assert.is((await operator(['unseal'])).code, 0);
    assert.is(sent('sys/unseal').length, 1);
  });

  test('seal seals', async () => {
    assert.is((await operator(['seal'])).code, 0);
    assert.is(server.asked.at(-1)?.url, '/v1/sys/seal');
  });

  test('password takes both passwords from files, and shows neither', async () => {
    await writeFile(join(home.folder, 'new'), 'another sixteen characters');
    const ran = await operator(['password', 'alice', '--old-password-file', 'password', '--new-password-file', 'new']);
    assert.is(ran.code, 0);
    assert.equal(sent('auth/userpass/users/alice/password'), [
      { old_password: PASSWORD, password: 'another sixteen characters' },
    ]);
    assert.match(ran.stdout, 'ledger position 9');
    assert.not.match(ran.stdout + ran.stderr, /sixteen|six words/);
  });

  test('a password file must hold one line', async () => {
    await writeFile(join(home.folder, 'two'), 'a\nb\n');
    await writeFile(join(home.folder, 'empty'), '');
    state.initialized = true;
    for (const file of ['two', 'empty', 'missing']) {
      assert.is((await operator(['unseal', '--name', 'alice', '--password-file', file])).code, 3, file);
    }
  });
});
