import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { envelope, type FakeServer, fakeServer, type Reply } from './support/fake-server.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

const plan = (counts: Record<string, number>, id = 'cGxhbg=='): Reply => ({
  body: envelope({
    plan_id: id,
    position: 12,
    made_at: 40,
    expires_at: '2026-08-21T10:00:00Z',
    counts,
    changes: [
      { path: 'team/db', change: 'undelete', detail: 'version 2' },
      { path: 'team/gone', change: 'unrecoverable', detail: null },
      { path: 'team/same', change: 'unchanged', detail: null },
    ],
    steps: 1,
  }),
});

describe('tally restore', test => {
  let home: Home;
  let server: FakeServer;
  let reply: Reply;
  let answer: Reply;
  const restore = (...args: string[]): Promise<Ran> =>
    tally(['restore', ...args], {
      home: home.folder,
      env: { TALLYSTICK_ADDR: server.address, TALLYSTICK_TOKEN: 'hvs.t' },
    });
  const bodies = (route: string): unknown[] =>
    server.asked.filter(({ url }) => url === `/v1/sys/ledger/restore/${route}`).map(({ body }) => JSON.parse(body));

  test.before.each(async () => {
    home = await newHome();
    reply = plan({ undelete: 1, unchanged: 1 });
    answer = { body: envelope({ position: 44, counts: { undelete: 1 } }), position: 44 };
    server = await fakeServer({
      'POST /v1/sys/ledger/restore/plan': () => reply,
      'POST /v1/sys/ledger/restore/apply': () => answer,
    });
  });
  test.after.each(async () => {
    await server.close();
    await home.remove();
  });

  test('shows the plan, changes nothing, names the command that would, and ends with 9', async () => {
    const ran = await restore('secret/team/', '--at', '2026-08-21T09:00:00Z');
    assert.is(ran.code, 9);
    assert.match(ran.stdout, /undelete +team\/db +version 2\n/);
    assert.not.match(ran.stdout, 'team/same');
    assert.match(ran.stdout, 'Restores ledger position 12: 1 undelete, 1 unchanged.');
    assert.match(ran.stderr, 'tally restore --plan cGxhbg== --yes');
    assert.equal(bodies('plan'), [{ mount: 'secret', path: 'team/', at: '2026-08-21T09:00:00.000000Z' }]);
    assert.equal(bodies('apply'), []);
  });

  test('ends with 0 when a dry run was all that was asked for', async () => {
    assert.is((await restore('secret/team/', '--position', '12', '--dry-run')).code, 0);
    assert.equal(bodies('plan'), [{ mount: 'secret', path: 'team/', position: 12 }]);
    assert.equal(bodies('apply'), []);
  });

  test('applies exactly the plan that it shows with --yes', async () => {
    const ran = await restore('secret/team/db', '--position', '12', '--yes', '--reason', 'mistake');
    assert.is(ran.code, 0);
    assert.equal(bodies('plan'), [{ mount: 'secret', path: 'team/db', position: 12 }]);
    assert.equal(bodies('apply'), [{ plan_id: 'cGxhbg==' }]);
    assert.is(server.asked.at(-1)?.headers['x-tallystick-reason'], 'mistake');
    assert.match(ran.stdout, 'Restored: 1 undelete · ledger position 44');
  });

  test('applies it although nobody reads on, and ends as it went', async () => {
    const many = Array.from({ length: 5000 }, (_, n) => ({ path: `team/${n}`, change: 'undelete', detail: null }));
    reply = {
      body: envelope({ plan_id: 'p', position: 12, expires_at: '', counts: { undelete: 5000 }, changes: many }),
    };
    const ran = await tally(['restore', 'secret/team/', '--position', '12', '--yes'], {
      home: home.folder,
      env: { TALLYSTICK_ADDR: server.address, TALLYSTICK_TOKEN: 'hvs.t' },
      shell: '"$@" | head -n 1; exit "$PIPESTATUS"',
    });
    assert.equal(bodies('apply'), [{ plan_id: 'p' }]);
    assert.is(ran.code, 0);
    assert.is(ran.stderr, '');
  });

  test('applies a plan that was made before, without making another', async () => {
    assert.is((await restore('--plan', 'cGxhbg==', '--yes')).code, 0);
    assert.equal(bodies('plan'), []);
    assert.equal(bodies('apply'), [{ plan_id: 'cGxhbg==' }]);
  });

  test('ends with 6 when something in its scope has moved', async () => {
    answer = { status: 409, body: { errors: ['team/db has changed since the plan was made'] } };
    const ran = await restore('--plan', 'cGxhbg==', '--yes');
    assert.is(ran.code, 6);
    assert.match(ran.stderr, 'team/db has changed');
  });

  test('restores the rest, says what is lost for ever, and ends with 8', async () => {
    reply = plan({ undelete: 1, unrecoverable: 1 });
    answer = { body: envelope({ position: 44, counts: { undelete: 1, unrecoverable: 1 } }) };
    const ran = await restore('secret/team/', '--position', '12', '--yes');
    assert.is(ran.code, 8);
    assert.match(ran.stdout, /unrecoverable +team\/gone/);
    assert.match(ran.stderr, '1 of them cannot be restored');
  });

  test('ends with 0 and sends nothing when everything is as it was', async () => {
    reply = plan({ unchanged: 3 });
    assert.is((await restore('secret/team/', '--position', '12', '--yes')).code, 0);
    assert.equal(bodies('apply'), []);
  });

  test('prints plan and result as one document', async () => {
    const shown = await restore('secret/team/', '--position', '12', '--json');
    assert.is(shown.code, 9);
    assert.is(JSON.parse(shown.stdout).plan.plan_id, 'cGxhbg==');
    assert.is(JSON.parse(shown.stdout).applied, null);
    const applied = await restore('secret/team/', '--position', '12', '--json', '--yes');
    assert.is(JSON.parse(applied.stdout).applied.position, 44);
  });

  test('offers the moment instead of an id that no shell should see', async () => {
    reply = plan({ undelete: 1 }, 'x; rm -rf ~');
    const ran = await restore("secret/o'hara/", '--position', '12');
    assert.match(ran.stderr, "tally restore 'secret/o'\\''hara/' --position 12 --yes");
    assert.not.match(ran.stderr, 'rm -rf');
  });

  test('asks for a moment and a path, and refuses two of either, with 3', async () => {
    for (const args of [
      ['secret/team/'],
      ['--position', '12'],
      ['secret/team/', '--at', '10m', '--position', '12'],
      ['secret/team/', '--position', '12', '--yes', '--dry-run'],
      ['secret/team/', '--plan', 'x', '--yes'],
      ['--plan', 'x'],
      ['--plan', 'x', '--at', '10m', '--yes'],
      ['secret/team/', '--at', '2999-01-01T00:00:00Z'],
    ]) {
      assert.is((await restore(...args)).code, 3, args.join(' '));
    }
    assert.is(bodies('plan').length + bodies('apply').length, 0);
  });
});
