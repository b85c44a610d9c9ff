import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { envelope, type FakeServer, fakeServer, type Reply } from './support/fake-server.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

const self = (token: unknown): Reply =>
  token === 'hvs.alice' || token === 'hvs.root'
    ? {
        body: envelope({
          display_name: 'userpass-alice',
          policies: ['default', 'root'],
          accessor: 'a1',
          expire_time: null,
          id: token,
        }),
      }
    : { status: 403, body: { errors: ['permission denied'] } };

const given: Reply = { body: { ...envelope(null), auth: { client_token: 'hvs.alice' } } };
const byPassword = (asked: { readonly body: string }): Reply =>
  JSON.parse(asked.body).password === 'correct horse'
    ? given
    : { status: 400, body: { errors: ['invalid username or password'] } };

describe('tally login', test => {
  let home: Home;
  let server: FakeServer;
  const login = (args: readonly string[], input = '', env: Record<string, string> = {}): Promise<Ran> =>
    tally(['login', ...args], { home: home.folder, input, env: { TALLYSTICK_ADDR: server.address, ...env } });
  const file = (): string => join(home.folder, '.tallystick', 'token');

  test.before.each(async () => {
    home = await newHome();
    server = await fakeServer({
      'POST /v1/auth/administrators/login/alice': byPassword,
      'POST /v1/auth/userpass/login/alice': byPassword,
      'POST /v1/auth/team/people/login/alice': byPassword,
      'POST /v1/auth/approle/login': asked => {
        const { role_id, secret_id } = JSON.parse(asked.body);
        return role_id === 'r-1' && secret_id === 's-1' ? given : { status: 400, body: { errors: ['invalid'] } };
      },
      'GET /v1/auth/token/lookup-self': asked => self(asked.headers['x-vault-token']),
    });
  });
  test.after.each(async () => {
    await server.close();
    await home.remove();
  });

  test('keeps the token in a file that only its owner can read, and shows it to nobody', async () => {
    const ran = await login(['alice', '--password-file', '-'], 'correct horse\n');
    assert.is(ran.code, 0);
    assert.match(ran.stdout, 'as userpass-alice (default, root)');
    assert.not.match(ran.stdout + ran.stderr, /hvs\.alice|correct horse/);
    assert.is((await stat(file())).mode & 0o777, 0o600);
    assert.is((await stat(join(home.folder, '.tallystick'))).mode & 0o777, 0o700);
    assert.equal(JSON.parse(await readFile(file(), 'utf8')), { tokens: { [server.address]: 'hvs.alice' } });
  });

  test('is used by the next command', async () => {
    await login(['alice', '--password-file', '-'], 'correct horse');
    await tally(['list', 'secret/'], { home: home.folder, env: { TALLYSTICK_ADDR: server.address } });
    assert.is(server.asked.at(-1)?.headers['x-vault-token'], 'hvs.alice');
  });

  test('takes a token from a file or stdin, after the server has known it', async () => {
    await writeFile(join(home.folder, 't'), 'hvs.root\n');
    assert.is((await login(['--token-file', 't'])).code, 0);
    assert.match(await readFile(file(), 'utf8'), 'hvs.root');
    assert.is((await login(['--token-file', '-'], 'hvs.stranger')).code, 4);
    assert.match(await readFile(file(), 'utf8'), 'hvs.root');
  });

  test("leaves other servers' logins alone", async () => {
    await mkdir(join(home.folder, '.tallystick'));
    await writeFile(file(), JSON.stringify({ tokens: { 'https://elsewhere': 'hvs.other' } }), { mode: 0o600 });
    await login(['alice', '--password-file', '-'], 'correct horse');
    assert.equal(JSON.parse(await readFile(file(), 'utf8')).tokens, {
      'https://elsewhere': 'hvs.other',
      [server.address]: 'hvs.alice',
    });
  });

  test('ends with 4 for a wrong password and keeps nothing', async () => {
    const ran = await login(['alice', '--password-file', '-'], 'wrong');
    assert.is(ran.code, 4);
    assert.not.match(ran.stderr, /: wrong$|wrong horse/);
    assert.is(await stat(file()).catch(() => null), null);
  });

  test('says that the environment wins over what was just saved', async () => {
    const ran = await login(['alice', '--password-file', '-'], 'correct horse', { VAULT_TOKEN: 'hvs.old' });
    assert.match(ran.stderr, 'VAULT_TOKEN is set');
  });

  test('prints who one is for scripts, without the token', async () => {
    const ran = await login(['alice', '--password-file', '-', '--json'], 'correct horse');
    const printed = JSON.parse(ran.stdout);
    assert.is(printed.display_name, 'userpass-alice');
    assert.is(printed.address, server.address);
    assert.not.match(ran.stdout, /hvs\./);
  });

  test('does not touch a login file that others could have written', async () => {
    await mkdir(join(home.folder, '.tallystick'));
    await writeFile(file(), '{"tokens":{}}');
    await chmod(file(), 0o666);
    assert.is((await login(['alice', '--password-file', '-'], 'correct horse')).code, 4);
    assert.is(await readFile(file(), 'utf8'), '{"tokens":{}}');
  });

  const METHODS: readonly (readonly [args: readonly string[], secret: string, path: string])[] = [
    [['alice', '--password-file', '-'], 'correct horse', 'administrators/login/alice'],
    [['alice', '--method', 'userpass', '--password-file', '-'], 'correct horse', 'userpass/login/alice'],
    [
      ['alice', '--method', 'userpass', '--path', 'team/people', '--password-file', '-'],
      'correct horse',
      'team/people/login/alice',
    ],
    [['--method', 'approle', '--role-id', 'r-1', '--secret-id-file', '-'], 's-1', 'approle/login'],
  ];
  for (const [args, secret, path] of METHODS)
    test(`logs in by ${args.join(' ')}`, async () => {
      const ran = await login(args, `${secret}\n`);
      assert.is(ran.code, 0, ran.stderr);
      assert.is(server.asked[0]?.url, `/v1/auth/${path}`);
      assert.match(await readFile(file(), 'utf8'), 'hvs.alice');
      assert.is((await login(args, 'wrong')).code, 4);
    });

  test('says what a method lacks, or has too much', async () => {
    for (const [args, text] of [
      [['--method', 'approle'], 'needs --role-id'],
      [['x', '--method', 'approle', '--role-id', 'r'], 'leave the name out'],
      [['--method', 'userpass'], 'needs a name'],
      [['alice', '--role-id', 'r', '--password-file', '-'], 'go with --method approle'],
      [['--role-id', 'r'], 'say which --method'],
      [['--method', 'zz'], 'Allowed choices are'],
      [['--method', 'approle', '--token-file', '-'], 'leave name and method out'],
    ] as const) {
      const ran = await login(args, 'x');
      assert.is(ran.code, 3, args.join(' '));
      assert.match(ran.stderr, text);
    }
  });

  test('has no way to give a password or a token as an argument', async () => {
    for (const args of [['--token=hvs.root'], ['alice', '--password=correct horse'], ['alice', 'correct horse']]) {
      const ran = await login(args);
      assert.is(ran.code, 3);
      assert.not.match(ran.stderr, /hvs\.root|correct horse/);
    }
  });

  test('asks nobody where there is no terminal, and says what to use instead', async () => {
    const ran = await login(['alice']);
    assert.is(ran.code, 3);
    assert.match(ran.stderr, '--password-file');
  });
});
