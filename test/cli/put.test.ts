import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { envelope, type FakeServer, fakeServer, type Reply } from './support/fake-server.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

const written: Reply = {
  body: envelope({
    version: 3,
    created_time: '2026-08-21T09:00:00.000001Z',
    deletion_time: '',
    destroyed: false,
    custom_metadata: null,
  }),
  position: 41,
};

describe('tally put', test => {
  let home: Home;
  let server: FakeServer;
  const put = (args: readonly string[], input?: string | Uint8Array): Promise<Ran> =>
    tally(['put', ...args], {
      home: home.folder,
      env: { TALLYSTICK_ADDR: server.address, TALLYSTICK_TOKEN: 'hvs.t' },
      ...(input === undefined ? {} : { input }),
    });
  const sent = (): string => server.calls().at(-1)?.body ?? '';

  test.before(async () => {
    home = await newHome();
    server = await fakeServer({
      'POST /v1/secret/data/team/db': written,
      'POST /v1/secret/data/a%20b/%25%3F%23': written,
      'POST /v1/kv/team-a/data/db': written,
      'GET /v1/sys/internal/ui/mounts/kv/team-a/db': {
        body: envelope({ path: 'kv/team-a/', type: 'kv', options: { version: '2' } }),
      },
      'GET /v1/sys/internal/ui/mounts/old/db': { body: envelope({ path: 'old/', type: 'kv', options: null }) },
    });
  });
  test.after(async () => {
    await server.close();
    await home.remove();
  });

  test('takes a value from stdin, byte for byte, and says nothing of it', async () => {
    const ran = await put(['secret/team/db', 'password=-'], 'hünter 2');
    assert.is(ran.code, 0);
    assert.is(sent(), '{"data":{"password":"hünter 2"},"options":{}}');
    assert.is(ran.stdout, 'secret/team/db version 3 written · ledger position 41\n');
    assert.is(ran.stderr, '');
  });

  test('keeps the line end that stdin brings, and warns of it', async () => {
    const ran = await put(['secret/team/db', 'password=-'], 'hunter2\n');
    assert.is(sent(), '{"data":{"password":"hunter2\\n"},"options":{}}');
    assert.match(ran.stderr, /ends with a line end/);
    assert.not.match(ran.stderr, /hunter2/);
  });

  test('takes a value from a file', async () => {
    await writeFile(join(home.folder, 'key.pem'), '-----BEGIN\nabc\n');
    const ran = await put(['secret/team/db', 'tls=@key.pem']);
    assert.is(ran.code, 0);
    assert.is(sent(), '{"data":{"tls":"-----BEGIN\\nabc\\n"},"options":{}}');
  });

  test('takes the whole object from a file or stdin, and leaves its numbers as they are written', async () => {
    await writeFile(join(home.folder, 'app.json'), ' {"n": 12345678901234567890, "f": 1.0}\n');
    await put(['secret/team/db', '@app.json']);
    assert.is(sent(), '{"data":{"n": 12345678901234567890, "f": 1.0},"options":{}}');
    await put(['secret/team/db', '-'], '{"a":{"b":[1E5]}}');
    assert.is(sent(), '{"data":{"a":{"b":[1E5]}},"options":{}}');
  });

  test('takes key=value with one warning for all of them', async () => {
    const ran = await put(['secret/team/db', 'user=app', 'host=a=b', 'at=\\@x', 'dash=\\-', '__proto__=p']);
    assert.is(ran.code, 0);
    assert.is(sent(), '{"data":{"user":"app","host":"a=b","at":"@x","dash":"-","__proto__":"p"},"options":{}}');
    assert.is(ran.stderr.match(/warning:/g)?.length, 1);
  });

  test('sends cas, reason, ticket and the idempotency key where they belong', async () => {
    await put(
      ['secret/team/db', 'a=-', '--cas', '0', '--reason', 'rotación', '--ticket', 'OPS-1', '--idempotency-key', 'k1'],
      'v',
    );
    const call = server.calls().at(-1);
    assert.is(call?.body, '{"data":{"a":"v"},"options":{"cas":0}}');
    assert.is(Buffer.from(String(call?.headers['x-tallystick-reason']), 'latin1').toString('utf8'), 'rotación');
    assert.is(call?.headers['x-tallystick-ticket'], 'OPS-1');
    assert.is(call?.headers['idempotency-key'], 'k1');
    assert.is(call?.headers['x-vault-token'], 'hvs.t');
  });

  test('finds a mount of several segments, and encodes each name', async () => {
    assert.is((await put(['kv/team-a/db', 'a=-'], 'v')).code, 0);
    assert.is(server.calls().at(-1)?.url, '/v1/kv/team-a/data/db');
    assert.is((await put(['secret//a b/%?#', 'a=-'], 'v')).code, 0);
    assert.is(server.calls().at(-1)?.url, '/v1/secret/data/a%20b/%25%3F%23');
  });

  test('prints the answer with its position for scripts', async () => {
    const ran = await put(['secret/team/db', 'a=-', '--json'], 'v');
    const printed = JSON.parse(ran.stdout);
    assert.is(printed.position, 41);
    assert.is(printed.data.version, 3);
  });

  test('never quotes a value that was taken for the name of a file, or for an option', async () => {
    const file = await put(['secret/team/db', 'password=@hunter2']);
    assert.is(file.code, 3);
    assert.match(file.stderr, 'the file of "password" cannot be read (ENOENT)');
    const option = await put(['secret/team/db', '-phunter2']);
    assert.is(option.code, 3);
    assert.match(option.stderr, "unknown option '-p…'");
    for (const { stderr } of [file, option]) assert.not.match(stderr, /hunter2/);
  });

  test('refuses bad input with 3, before anything is sent, and never quotes it', async () => {
    await writeFile(join(home.folder, 'bytes'), Uint8Array.of(0xff, 0xfe, 0));
    await writeFile(join(home.folder, 'list.json'), '["hunter2"]');
    const before = server.calls().length;
    for (const args of [
      ['secret/team/db'],
      ['secret/team/db', 'hunter2'],
      ['secret/team/db', '=hunter2'],
      ['secret/team/db', 'a=hunter2', 'a=hunter2'],
      ['secret/team/db', 'a=-', 'b=-'],
      ['secret/team/db', '-', 'a=hunter2'],
      ['secret/team/db', '@list.json'],
      ['secret/team/db', '@missing.json'],
      ['secret/team/db', 'a=@bytes'],
      ['secret/team/db', 'a=?'],
      ['secret/team/db', 'a=-', '--cas', '-1'],
      ['secret/team/db', 'a=-', '--cas', '1.5'],
      ['secret/team/db', 'a=-', '--password=hunter2'],
      ['secret/team/db', 'a=-', '--reason', 'two\nlines'],
      ['secret/team/../db', 'a=-'],
      ['secret/team/', 'a=-'],
      ['secret', 'a=-'],
      ['old/db', 'a=-', '--cas', '1'],
      ['secret/\u0007', 'a=-'],
      ['', 'a=-'],
      [`secret/${'x'.repeat(513)}`, 'a=-'],
    ]) {
      const ran = await put(args, 'v');
      assert.is(ran.code, 3, `${args.join(' ')}: ${ran.stderr}`);
      assert.is(ran.stdout, '');
      assert.not.match(ran.stderr, /hunter2/);
    }
    assert.is(server.calls().length, before);
  });
});
