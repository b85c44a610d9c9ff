import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { envelope, type FakeServer, fakeServer } from './support/fake-server.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

const event = (position: number, type: string, more: object = {}): Record<string, unknown> => ({
  position,
  index: 0,
  event_id: `e${position}`,
  type,
  stream_version: position,
  recorded_at: `2026-08-21T09:00:0${position}.000010Z`,
  outcome: 'ok',
  path: 'secret/db',
  actor: { id: 'a1', kind: 'person', name: position === 1 ? 'alice' : 'bob' },
  ...more,
});

const version = (second: number, more: object = {}): object => ({
  created_time: `2026-08-21T09:00:0${second}.00001Z`,
  deletion_time: '',
  destroyed: false,
  ...more,
});

describe('tally history', test => {
  let home: Home;
  let server: FakeServer;
  const history = (...args: string[]): Promise<Ran> =>
    tally(['history', ...args], {
      home: home.folder,
      env: { TALLYSTICK_ADDR: server.address, TALLYSTICK_TOKEN: 'hvs.t' },
    });

  test.before(async () => {
    home = await newHome();
    server = await fakeServer({
      'GET /v1/secret/metadata/db': {
        body: envelope({
          current_version: 3,
          versions: {
            '1': version(1, { destroyed: true }),
            '2': version(2, { deletion_time: '2026-08-21T09:00:03.000010Z' }),
            '3': version(4, { deletion_time: '2999-01-01T00:00:00Z' }),
          },
        }),
      },
      'GET /v1/secret/metadata/closed': { status: 403, body: { errors: ['permission denied'] } },
      'GET /v1/sys/ledger/events': asked => ({
        body: envelope({
          events: new URL(asked.url, 'http://x').searchParams.get('path')?.startsWith('secret/db')
            ? [
                event(1, 'secret.written'),
                event(2, 'secret.written', { reason: 'rotation', ticket: 'OPS-1' }),
                event(3, 'secret.deleted', { versions: [2] }),
                event(4, 'secret.written'),
                event(5, 'secret.written', { path: 'secret/db/below' }),
                event(6, 'secret.destroyed', { versions: [1] }),
              ]
            : asked.url.includes('gone')
              ? [
                  event(1, 'secret.written', { path: 'secret/gone' }),
                  event(2, 'secret.removed', { path: 'secret/gone', actor: { id: 'a2', name: '\u009b2J' } }),
                ]
              : asked.url.includes('closed')
                ? [event(1, 'secret.written', { path: 'secret/closed' })]
                : [],
          next: null,
        }),
      }),
    });
  });
  test.after(async () => {
    await server.close();
    await home.remove();
  });

  test('tells who changed what and when, and what each version is now', async () => {
    const ran = await history('secret/db');
    assert.is(ran.code, 0);
    const lines = ran.stdout.trimEnd().split('\n');
    assert.is(lines.length, 6);
    assert.match(lines[1] ?? '', /^1 +written +alice +2026-08-21T09:00:01\.000010Z +1 +destroyed/);
    assert.match(lines[2] ?? '', /^2 +written +bob .* deleted +rotation +OPS-1$/);
    assert.match(lines[3] ?? '', /^2 +deleted +bob/);
    assert.match(lines[4] ?? '', /^3 +written .* live/);
    assert.match(lines[5] ?? '', /^1 +destroyed/);
  });

  test('asks only for what was done to this path', async () => {
    await history('secret/db');
    const query = new URL(server.asked.at(-1)?.url ?? '', 'http://x').searchParams;
    assert.is(query.get('path'), 'secret/db');
    assert.is(query.get('outcome'), 'ok');
  });

  test('prints versions and events as one document', async () => {
    const { path, current_version, versions, events } = JSON.parse((await history('secret/db', '--json')).stdout);
    assert.is(path, 'secret/db');
    assert.is(current_version, 3);
    assert.equal(
      versions.map((v: Record<string, unknown>) => [v.version, v.state, v.actor, v.position]),
      [
        [1, 'destroyed', 'alice', 1],
        [2, 'deleted', 'bob', 2],
        [3, 'live', 'bob', 4],
      ],
    );
    assert.is(events.length, 5);
  });

  test('still tells of a name that is gone', async () => {
    const ran = await history('secret/gone');
    assert.is(ran.code, 0);
    assert.match(ran.stdout, 'removed');
    assert.match(ran.stderr, 'does not exist now');
  });

  test('does not say that a name is gone when it may not be looked at', async () => {
    const ran = await history('secret/closed');
    assert.is(ran.code, 0);
    assert.match(ran.stdout, 'written');
    assert.not.match(ran.stderr, 'does not exist');
    assert.match(ran.stderr, 'this login may not see what secret/closed is now');
  });

  test('escapes for scripts what a terminal would obey, and means the same', async () => {
    const { stdout } = await history('secret/gone', '--json');
    assert.not.match(stdout, '\u009b');
    assert.is(JSON.parse(stdout).events[1].actor.name, '\u009b2J');
  });

  test('ends with 5 for a name that never was', async () => {
    assert.is((await history('secret/never')).code, 5);
  });
});
