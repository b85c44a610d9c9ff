import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { CERTIFICATE, CERTIFICATE_KEY } from './support/certificate.js';
import { envelope, type FakeServer, fakeServer } from './support/fake-server.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

const head = { body: envelope({ position: 3, root: 'ab', recorded_at: '2026-08-21T09:00:00Z' }) };

describe('where the command connects, and as whom', test => {
  let home: Home;
  let server: FakeServer;
  const status = (env: Record<string, string>, ...args: string[]): Promise<Ran> =>
    tally(['ledger', 'status', ...args], { home: home.folder, env });
  const token = (): unknown => server.asked.at(-1)?.headers['x-vault-token'];
  const save = async (path: string, content: unknown, mode = 0o600): Promise<void> => {
    await writeFile(path, JSON.stringify(content));
    await chmod(path, mode);
  };

  test.before.each(async () => {
    home = await newHome();
    server = await fakeServer({ 'GET /v1/sys/ledger/head': head, 'GET /vault/v1/sys/ledger/head': head });
    await mkdir(join(home.folder, '.tallystick'));
  });
  test.after.each(async () => {
    await server.close();
    await home.remove();
  });

  test('is the flag before TALLYSTICK_ADDR before VAULT_ADDR', async () => {
    const nowhere = 'http://127.0.0.1:1';
    assert.is((await status({ TALLYSTICK_ADDR: nowhere }, '--address', server.address)).code, 0);
    assert.is((await status({ TALLYSTICK_ADDR: server.address, VAULT_ADDR: nowhere })).code, 0);
    assert.is((await status({ VAULT_ADDR: `${server.address}/` })).code, 0);
    assert.is((await status({ TALLYSTICK_ADDR: '', VAULT_ADDR: server.address })).code, 0);
  });

  test('keeps the path prefix of a proxy', async () => {
    assert.is((await status({ VAULT_ADDR: `${server.address}/vault/` })).code, 0);
    assert.is(server.asked.at(-1)?.url, '/vault/v1/sys/ledger/head');
  });

  test('is the dev server of this folder, or of TALLYSTICK_DATA, when nothing else is said', async () => {
    await save(join(home.folder, '.tallystick', 'dev.json'), { address: server.address, token: 'hvs.dev' });
    assert.is((await status({})).code, 0);
    assert.is(token(), 'hvs.dev');
    await mkdir(join(home.folder, 'data'));
    await save(join(home.folder, 'data', 'dev.json'), { address: server.address, token: 'hvs.data' });
    assert.is((await status({ TALLYSTICK_DATA: join(home.folder, 'data') })).code, 0);
    assert.is(token(), 'hvs.data');
  });

  test('takes the token from TALLYSTICK_TOKEN, VAULT_TOKEN, the saved login, dev.json, in this order', async () => {
    await save(join(home.folder, '.tallystick', 'dev.json'), { address: server.address, token: 'hvs.dev' });
    await status({});
    assert.is(token(), 'hvs.dev');
    await save(join(home.folder, '.tallystick', 'token'), { tokens: { [server.address]: 'hvs.saved' } });
    await status({});
    assert.is(token(), 'hvs.saved');
    await status({ VAULT_TOKEN: 'hvs.vault' });
    assert.is(token(), 'hvs.vault');
    await status({ VAULT_TOKEN: 'hvs.vault', TALLYSTICK_TOKEN: 'hvs.tally\n' });
    assert.is(token(), 'hvs.tally');
  });

  test('never sends a token that another server gave', async () => {
    await save(join(home.folder, '.tallystick', 'dev.json'), { address: 'http://127.0.0.1:1', token: 'hvs.dev' });
    await save(join(home.folder, '.tallystick', 'token'), { tokens: { 'http://127.0.0.1:1': 'hvs.saved' } });
    await status({ TALLYSTICK_ADDR: server.address });
    assert.is(token(), undefined);
  });

  test('sends no token where a dev.json that came with a folder points, unless that is this machine', async () => {
    await save(join(home.folder, '.tallystick', 'dev.json'), { address: 'http://192.0.2.1:8200', token: 'hvs.dev' });
    const ran = await status({ VAULT_TOKEN: 'hvs.vault' });
    assert.not.match(ran.stderr, /192\.0\.2\.1/);
    assert.match(ran.stderr, 'http://127.0.0.1:8200 (from the default)');
  });

  test('does not use a login or a dev.json that others can read', async () => {
    for (const name of ['token', 'dev.json']) {
      const path = join(home.folder, '.tallystick', name);
      await save(path, { address: server.address, token: 'hvs.x', tokens: { [server.address]: 'hvs.x' } }, 0o640);
      const ran = await status({ TALLYSTICK_ADDR: server.address });
      assert.is(ran.code, 4);
      assert.match(ran.stderr, 'chmod 600');
      assert.not.match(ran.stderr, /hvs\.x/);
      assert.is(server.asked.length, 0);
      await rm(path);
    }
  });

  test('follows no redirect, so that a token cannot be led away', async () => {
    const other = await fakeServer({ 'GET /v1/sys/ledger/head': head });
    const away = await fakeServer({
      'GET /v1/sys/ledger/head': {
        status: 307,
        body: ' ',
        headers: { location: `${other.address}/v1/sys/ledger/head` },
      },
    });
    assert.is((await status({ TALLYSTICK_ADDR: away.address, TALLYSTICK_TOKEN: 'hvs.t' })).code, 1);
    assert.is(other.asked.length, 0);
    await other.close();
    await away.close();
  });

  test('refuses an address that is none or that holds a password, and a token with a blank in it, with 3', async () => {
    for (const address of ['127.0.0.1:8200', 'ftp://x', 'http://user:hunter2@127.0.0.1', 'http://x/?a=b', 'nonsense']) {
      const ran = await status({ TALLYSTICK_ADDR: address });
      assert.is(ran.code, 3, address);
      assert.not.match(ran.stderr, /hunter2/);
    }
    assert.is((await status({ TALLYSTICK_ADDR: server.address, VAULT_TOKEN: 'hvs a' })).code, 3);
  });

  test('warns when an address beyond this machine is not encrypted', async () => {
    const ran = await status({ TALLYSTICK_ADDR: 'http://tallystick.invalid:8200' });
    assert.is(ran.code, 7);
    assert.match(ran.stderr, 'not encrypted');
  });

  test('believes a server with a certificate of the given CA, and no other', async () => {
    const tls = createServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, (_request, response) => {
      response.end(JSON.stringify(head.body));
    });
    await new Promise<void>(resolve => tls.listen(0, '127.0.0.1', resolve));
    const address = `https://127.0.0.1:${(tls.address() as AddressInfo).port}`;
    const ca = join(home.folder, 'ca.pem');
    await writeFile(ca, CERTIFICATE);
    try {
      const stranger = await status({ TALLYSTICK_ADDR: address });
      assert.is(stranger.code, 7);
      assert.match(stranger.stderr, '--ca-cert');
      assert.is((await status({ TALLYSTICK_ADDR: address }, '--ca-cert', ca)).code, 0);
      assert.is((await status({ TALLYSTICK_ADDR: address, VAULT_CACERT: ca })).code, 0);
      assert.is((await status({ TALLYSTICK_ADDR: address }, '--ca-cert', `${ca}.nope`)).code, 3);
      const plain = await status({ TALLYSTICK_ADDR: server.address.replace('http:', 'https:') });
      assert.is(plain.code, 7);
      assert.match(plain.stderr, 'does not speak TLS');
    } finally {
      tls.closeAllConnections();
      tls.close();
    }
  });
});
