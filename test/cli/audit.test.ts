import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { type Asked, envelope, type FakeServer, fakeServer, type Reply, type Routes } from './support/fake-server.js';
import { type Home, newHome, type Ran, startTally, tally } from './support/tally.js';

const record = (position: number, more: object = {}): Record<string, unknown> => ({
  position,
  index: 0,
  event_id: `e${position}`,
  type: 'secret.written',
  class: 'write',
  stream_version: 1,
  recorded_at: `2026-08-21T09:00:00.00000${position % 10}Z`,
  outcome: 'ok',
  path: 'secret/team/db',
  actor: { id: 'a1', kind: 'person', name: 'alice' },
  ...more,
});

/** A ledger of these records, served two to a page, after the place that is asked for. */
const ledger =
  (records: readonly Record<string, unknown>[]) =>
  (asked: Asked): Reply => {
    const query = new URL(asked.url, 'http://x').searchParams;
    const [position = 0, index = 0] = (query.get('after') ?? '0').split('.').map(Number);
    const rest = records.filter(
      r => Number(r.position) > position || (r.position === position && Number(r.index) > index),
    );
    const page = rest.slice(0, Math.min(2, Number(query.get('limit'))));
    const last = page.at(-1);
    const next = page.length < rest.length && last !== undefined ? `${last.position}.${last.index}` : null;
    return { body: envelope({ events: page, next }) };
  };

const EVENTS = 'GET /v1/sys/ledger/events';

describe('tally audit replay', test => {
  let home: Home;
  let server: FakeServer;
  const replay = (...args: string[]): Promise<Ran> =>
    tally(['audit', 'replay', ...args], {
      home: home.folder,
      env: { TALLYSTICK_ADDR: server.address, TALLYSTICK_TOKEN: 'hvs.t' },
    });

  test.before.each(async () => {
    home = await newHome();
    server = await fakeServer({
      [EVENTS]: ledger([
        record(1, { actor: null, type: 'ledger.created', path: null }),
        record(2),
        record(3, { index: 1, type: 'requests.recorded', outcome: 'denied', path: 'secret/\u001b[2Jx' }),
        record(3, { index: 2, type: 'requests.recorded', outcome: 'denied' }),
        record(4, { actor: { id: 'a2', name: null } }),
      ]),
    });
  });
  test.after.each(async () => {
    await server.close();
    await home.remove();
  });

  test('shows a line for each record, page after page, in the order of the ledger', async () => {
    const ran = await replay();
    assert.is(ran.code, 0);
    const lines = ran.stdout.trimEnd().split('\n');
    assert.is(lines.length, 5);
    assert.match(
      lines[1] ?? '',
      /^ +2 {2}2026-08-21T09:00:00\.000002Z {2}alice +secret\.written +secret\/team\/db +ok$/,
    );
    assert.match(lines[0] ?? '', 'system');
    assert.match(lines[2] ?? '', /^ +3\.1 /);
    assert.match(lines[4] ?? '', 'a2');
  });

  test('cannot be made to repaint the screen of who reads it', async () => {
    const ran = await replay();
    assert.match(ran.stdout, 'secret/\\u{1b}[2Jx');
    assert.not.match(ran.stdout, /\u001b/);
  });

  test('prints one JSON document a line for scripts, with every field', async () => {
    const ran = await replay('--json');
    const records = ran.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    assert.equal(
      records.map(r => r.position),
      [1, 2, 3, 3, 4],
    );
    assert.is(records[1].event_id, 'e2');
  });

  test('sends the filters, times as one moment each', async () => {
    await replay(
      '--path',
      'secret/team/',
      '--actor',
      'alice',
      '--type',
      'secret.written',
      '--outcome',
      'ok',
      '--from',
      '1764000000',
      '--to',
      '2026-08-21T11:00:00+02:00',
      '--after',
      '7.2',
    );
    const query = new URL(server.asked[0]?.url ?? '', 'http://x').searchParams;
    assert.equal(Object.fromEntries(query), {
      path: 'secret/team/',
      actor: 'alice',
      type: 'secret.written',
      outcome: 'ok',
      from: '2025-11-24T16:00:00.000000Z',
      to: '2026-08-21T09:00:00.000000Z',
      after: '7.2',
      limit: '500',
    });
  });

  test('stops at the limit', async () => {
    const ran = await replay('--limit', '3');
    assert.is(ran.stdout.trimEnd().split('\n').length, 3);
    assert.equal(
      server.asked.map(({ url }) => new URL(url, 'http://x').searchParams.get('limit')),
      ['3', '1'],
    );
  });

  test('says so and ends with 0 when nothing matches', async () => {
    const ran = await replay('--after', '99');
    assert.is(ran.code, 0);
    assert.is(ran.stdout, '');
    assert.match(ran.stderr, 'no record');
  });

  test('refuses what is not a place, an outcome, a time or a limit with 3', async () => {
    for (const args of [
      ['--after', 'x'],
      ['--outcome', 'fine'],
      ['--from', 'never'],
      ['--limit', '0'],
      ['--follow', '--to', '10m'],
    ]) {
      assert.is((await replay(...args)).code, 3, args.join(' '));
    }
  });

  test('follows the ledger over a restart of the server, and misses and repeats nothing', async () => {
    const records = [record(1), record(2)];
    const routes: Routes = { [EVENTS]: asked => ledger(records)(asked) };
    let live = await fakeServer(routes);
    const port = Number(new URL(live.address).port);
    const child = startTally(['audit', 'replay', '--follow', '--json'], {
      home: home.folder,
      env: { TALLYSTICK_ADDR: live.address },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text: Buffer) => {
      stdout += text.toString();
    });
    child.stderr.on('data', (text: Buffer) => {
      stderr += text.toString();
    });
    const until = async (condition: () => boolean): Promise<void> => {
      for (let waited = 0; !condition(); waited += 20) {
        if (waited > 20_000) throw new Error(`waited in vain; stdout: ${stdout}, stderr: ${stderr}`);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    };
    try {
      await until(() => stdout.includes('"position":2'));
      await live.close();
      await until(() => stderr.includes('waiting for it'));
      records.push(record(3), record(4), record(5));
      live = await fakeServer(routes, port);
      await until(() => stdout.includes('"position":5'));
      assert.equal(
        stdout
          .trimEnd()
          .split('\n')
          .map(line => JSON.parse(line).position),
        [1, 2, 3, 4, 5],
      );
      assert.match(stderr, 'is back');
    } finally {
      child.kill();
      await live.close();
    }
  });
});
