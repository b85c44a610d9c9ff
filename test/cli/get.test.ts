import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { envelope, type FakeServer, fakeServer, type Reply } from './support/fake-server.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

const metadata = {
  created_time: '2026-08-21T09:00:00.000001Z',
  deletion_time: '',
  destroyed: false,
  custom_metadata: null,
  version: 2,
};

/** Written as text: the numbers in it would not survive JSON.stringify. */
const found: Reply = {
  body: `{"request_id":"r","data":{"data":{"password":"hünter2","n":12345678901234567890,"f":1.0,"pem":"a\\nb\\n","esc":"\\u001b[2J"},"metadata":${JSON.stringify(metadata)}},"warnings":["look out"]}\n`,
  position: 7,
};
const gone = (more: object): Reply => ({
  status: 404,
  body: envelope({ data: null, metadata: { ...metadata, ...more } }),
});

describe('tally get', test => {
  let home: Home;
  let server: FakeServer;
  const get = (...args: string[]): Promise<Ran> =>
    tally(['get', ...args], { home: home.folder, env: { TALLYSTICK_ADDR: server.address, TALLYSTICK_TOKEN: 'hvs.t' } });

  test.before(async () => {
    home = await newHome();
    server = await fakeServer({
      'GET /v1/secret/data/db': found,
      'GET /v1/secret/data/deleted': gone({ deletion_time: '2026-08-21T10:00:00Z' }),
      'GET /v1/secret/data/destroyed': gone({ destroyed: true }),
      'GET /v1/secret/data/odd': { body: { data: { metadata: 'hunter2' } } },
      'GET /v1/secret/data/html': { body: '<html>hunter2</html>' },
    });
  });
  test.after(async () => {
    await server.close();
    await home.remove();
  });

  test('shows a table with version, time and position, every number as it was written', async () => {
    const ran = await get('secret/db');
    assert.is(ran.code, 0);
    assert.match(ran.stdout, 'secret/db · version 2 · 2026-08-21T09:00:00.000001Z · as of ledger position 7');
    assert.match(ran.stdout, /password +hünter2\n/);
    assert.match(ran.stdout, /n +12345678901234567890\n/);
    assert.match(ran.stdout, /f +1\.0\n/);
  });

  test('shows control characters instead of obeying them, and no colour in a pipe', async () => {
    const ran = await get('secret/db');
    assert.match(ran.stdout, 'esc       \\u{1b}[2J');
    assert.not.match(ran.stdout, /\u001b/);
  });

  test('passes the warnings of the server on to stderr', async () => {
    assert.match((await get('secret/db')).stderr, 'look out');
  });

  test('prints one field exactly, without a line end of its own', async () => {
    assert.is((await get('secret/db', '--field', 'password')).stdout, 'hünter2');
    assert.is((await get('secret/db', '--field', 'pem')).stdout, 'a\nb\n');
    assert.is((await get('secret/db', '--field', 'n')).stdout, '12345678901234567890');
    assert.is((await get('secret/db', '--field', 'pem', '--json')).stdout, '"a\\nb\\n"\n');
  });

  test('says with 1 that the results cannot be written, and goes on when nobody hears what it says', async () => {
    const env = { TALLYSTICK_ADDR: server.address, TALLYSTICK_TOKEN: 'hvs.t' };
    const full = await tally(['get', 'secret/db'], { home: home.folder, env, shell: '"$@" > /dev/full' });
    assert.is(full.code, 1);
    assert.is(full.stderr.split('\n').at(-2), 'tally: the results cannot be written (ENOSPC)');
    const deaf = await tally(['get', 'secret/db', '--field', 'password'], {
      ...{ home: home.folder, env },
      shell: '{ sleep 0.2; exec "$@"; } 2> >(:)',
    });
    assert.is(deaf.code, 0);
    assert.is(deaf.stdout, 'hünter2');
  });

  test('ends with 5 for a field that is not there', async () => {
    const ran = await get('secret/db', '--field', 'nope');
    assert.is(ran.code, 5);
    assert.is(ran.stdout, '');
  });

  test('prints the answer as it came for scripts, the position in front', async () => {
    const ran = await get('secret/db', '--json');
    assert.match(
      ran.stdout,
      '{"position":7,"request_id":"r","data":{"data":{"password":"hünter2","n":12345678901234567890,"f":1.0,',
    );
    assert.is(JSON.parse(ran.stdout).data.data.password, 'hünter2');
  });

  test('asks for a version, a time or a position', async () => {
    await get('secret/db', '--version', '1');
    assert.is(server.calls().at(-1)?.url, '/v1/secret/data/db?version=1');
    await get('secret/db', '--position', '12');
    assert.is(server.calls().at(-1)?.url, '/v1/secret/data/db?position=12');
    await get('secret/db', '--at', '2026-08-21T11:00:00+02:00');
    assert.is(server.calls().at(-1)?.url, '/v1/secret/data/db?at=2026-08-21T09%3A00%3A00.000000Z');
  });

  test('says that a version was deleted and how to have it back, or that it is destroyed', async () => {
    const deleted = await get('secret/deleted');
    assert.is(deleted.code, 5);
    assert.match(deleted.stderr, 'tally undelete secret/deleted --versions 2');
    const destroyed = await get('secret/destroyed');
    assert.is(destroyed.code, 5);
    assert.match(destroyed.stderr, 'is destroyed');
  });

  test('ends with 5 and a hint where nothing is', async () => {
    const ran = await get('secret/team/nothing');
    assert.is(ran.code, 5);
    assert.match(ran.stderr, 'tally list secret/team/');
  });

  test('ends with 1 on an answer that it does not understand, naming the place and not the content', async () => {
    for (const path of ['secret/odd', 'secret/html']) {
      const ran = await get(path);
      assert.is(ran.code, 1);
      assert.not.match(ran.stderr, /hunter2/);
    }
    assert.match((await get('secret/odd')).stderr, 'data.metadata');
  });

  test('refuses bad times, positions and paths with 3', async () => {
    for (const args of [
      ['--at', 'tomorrow'],
      ['--at', '2999-01-01T00:00:00Z'],
      ['--position', '-1'],
      ['--at', '10m', '--position', '3'],
      ['--version', 'abc'],
      ['--version', '0'],
    ]) {
      assert.is((await get('secret/db', ...args)).code, 3, args.join(' '));
    }
    assert.is((await get('secret/..%2f/../x')).code, 3);
    assert.is((await get('secret/')).code, 3);
  });
});
