import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { envelope, type FakeServer, fakeServer } from './support/fake-server.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

describe('the smaller commands', test => {
  let home: Home;
  let server: FakeServer;
  const run = (...args: string[]): Promise<Ran> =>
    tally(args, { home: home.folder, env: { TALLYSTICK_ADDR: server.address, TALLYSTICK_TOKEN: 'hvs.t' } });
  const last = (): string => {
    const call = server.calls().at(-1);
    return `${call?.method} ${call?.url} ${call?.body}`.trim();
  };
  let differences = 0;

  test.before(async () => {
    home = await newHome();
    const projection = {
      name: 'secrets',
      version: 1,
      position: 9,
      head: 12,
      lag: 3,
      state: 'running',
      stoppedAt: null,
      reason: null,
    };
    server = await fakeServer({
      'GET /v1/secret/metadata/team': { body: envelope({ keys: ['db', 'sub/', 'x\u001b[2J'] }) },
      'GET /v1/sys/policies/acl/odd': { body: envelope({ name: 'odd', policy: 'path "a" {}\n# \u001b[2J\n' }) },
      'DELETE /v1/secret/data/db': { position: 5 },
      'POST /v1/secret/delete/db': { position: 6 },
      'POST /v1/secret/undelete/db': {},
      'POST /v1/secret/destroy/db': { position: 7 },
      'POST /v1/secret/metadata/db': { position: 8 },
      'DELETE /v1/secret/metadata/db': { position: 9 },
      'GET /v1/sys/ledger/projections': () => ({
        body: envelope({
          projections: [
            projection,
            ...(differences === 0
              ? []
              : [{ ...projection, name: 'audit', state: 'stopped', stoppedAt: 4, reason: 'a bad row' }]),
          ],
        }),
      }),
      'POST /v1/sys/ledger/projections/secrets/rebuild': {
        body: envelope({ name: 'secrets', events: 1000, seconds: 0.5 }),
      },
      'POST /v1/sys/ledger/projections/verify': () => ({
        body: envelope({ projections: [{ name: 'secrets', rows: 4, differences, position: 12 }] }),
      }),
      'GET /v1/sys/ledger/head': {
        body: envelope({ position: 12, root: 'abcd', recorded_at: '2026-08-21T09:00:00Z', ledger_id: 'l1' }),
      },
    });
  });
  test.after(async () => {
    await server.close();
    await home.remove();
  });

  test('list prints a name a line, as then when asked, and nothing that a terminal would obey', async () => {
    const ran = await run('list', 'secret/team', '--position', '4');
    assert.is(ran.stdout, 'db\nsub/\nx\\u{1b}[2J\n');
    assert.is(last(), 'GET /v1/secret/metadata/team?list=true&position=4');
    assert.is((await run('list', 'secret/empty/')).code, 5);
  });

  test("policy read keeps a policy's text as it was written, but for the eyes of a person", async () => {
    assert.is((await run('policy', 'read', 'odd')).stdout, 'path "a" {}\n# \u001b[2J\n');
    // util-linux: a terminal for the command.
    if (process.platform !== 'linux') return;
    const seen = await tally(['policy', 'read', 'odd'], {
      home: home.folder,
      env: { TALLYSTICK_ADDR: server.address, TALLYSTICK_TOKEN: 'hvs.t' },
      shell: 'script -qec "$(printf "%q " "$@")" /dev/null',
    });
    assert.match(seen.stdout, '# \\u{1b}[2J');
    assert.not.match(seen.stdout, '\u001b[2J');
  });

  test('delete takes the current version, or those given', async () => {
    assert.match((await run('delete', 'secret/db')).stdout, 'current version deleted · ledger position 5');
    assert.is(last(), 'DELETE /v1/secret/data/db');
    await run('delete', 'secret/db', '--versions', '1,2', '--versions', '2, 3');
    assert.is(last(), 'POST /v1/secret/delete/db {"versions":[1,2,3]}');
  });

  test('undelete and destroy want to know which versions', async () => {
    assert.is((await run('undelete', 'secret/db')).code, 3);
    assert.is((await run('destroy', 'secret/db')).code, 3);
    assert.is((await run('destroy', 'secret/db', '--versions', '1,x')).code, 3);
    assert.is((await run('undelete', 'secret/db', '--versions', '2')).stdout, 'secret/db: nothing to change\n');
    assert.match((await run('destroy', 'secret/db', '--versions', '2')).stdout, 'version 2 destroyed');
    assert.is(last(), 'POST /v1/secret/destroy/db {"versions":[2]}');
  });

  test('every change says its position to scripts, also when there is none', async () => {
    assert.equal(JSON.parse((await run('delete', 'secret/db', '--json')).stdout), { position: 5 });
    assert.equal(JSON.parse((await run('undelete', 'secret/db', '--versions', '2', '--json')).stdout), {
      position: null,
    });
  });

  test('metadata put sends only what was given', async () => {
    await run('metadata', 'put', 'secret/db', '--max-versions', '5', '--custom', 'owner=team=a', '--custom', 'tier=1');
    assert.is(last(), 'POST /v1/secret/metadata/db {"max_versions":5,"custom_metadata":{"owner":"team=a","tier":"1"}}');
    await run('metadata', 'put', 'secret/db', '--cas-required', 'false', '--clear-custom');
    assert.is(last(), 'POST /v1/secret/metadata/db {"cas_required":false,"custom_metadata":null}');
    assert.is((await run('metadata', 'put', 'secret/db')).code, 3);
    assert.is((await run('metadata', 'delete', 'secret/db')).code, 0);
    assert.is(last(), 'DELETE /v1/secret/metadata/db');
  });

  test('ledger status shows the head', async () => {
    assert.match((await run('ledger', 'status')).stdout, /Position +12\n/);
    assert.is(JSON.parse((await run('ledger', 'status', '--json')).stdout).data.root, 'abcd');
  });

  test('projection status, rebuild and verify end with 0 while all is well', async () => {
    differences = 0;
    assert.match((await run('projection', 'status')).stdout, /secrets +1 +running +9 +3/);
    assert.match((await run('projection', 'rebuild', 'secrets')).stdout, 'rebuilt from 1000 events in 0.5 s');
    assert.is((await run('projection', 'rebuild', 'nope')).code, 5);
    const verified = await run('projection', 'verify', 'secrets');
    assert.is(verified.code, 0);
    assert.match(verified.stdout, 'equal to replay');
    assert.is(last(), 'POST /v1/sys/ledger/projections/verify {"name":"secrets"}');
  });

  test('projection status and verify end with 8 when one has stopped or differs', async () => {
    differences = 2;
    const status = await run('projection', 'status');
    assert.is(status.code, 8);
    assert.match(status.stdout, 'a bad row');
    const verified = await run('projection', 'verify');
    assert.is(verified.code, 8);
    assert.match(verified.stdout, 'DIFFERS');
    assert.is(last(), 'POST /v1/sys/ledger/projections/verify {}');
  });

  test('help and version end with 0; everything that is no command ends with 3', async () => {
    for (const args of [['--help'], ['help', 'put'], ['get', '--help'], ['--version']]) {
      const ran = await run(...args);
      assert.is(ran.code, 0, args.join(' '));
      assert.is.not(ran.stdout, '');
    }
    for (const args of [
      [],
      ['nope'],
      ['operator'],
      ['operator', 'nope'],
      ['get'],
      ['get', 'a/b', 'c'],
      ['get', 'a/b', '--nope'],
      ['--json', 'get', 'a/b'],
    ]) {
      const ran = await run(...args);
      assert.is(ran.code, 3, args.join(' '));
      assert.is(ran.stdout, '');
      assert.is.not(ran.stderr, '');
    }
  });

  test('completion writes a script for each shell and knows commands and options', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const ran = await run('completion', shell);
      assert.is(ran.code, 0);
      assert.match(ran.stdout, 'tally');
    }
    assert.is((await run('completion', 'tcsh')).code, 3);
    assert.match((await run('complete', '--', 'audit', '')).stdout, /^replay/m);
    assert.match((await run('complete', '--', 'restore', '--dry')).stdout, /^--dry-run/m);
  });
});
