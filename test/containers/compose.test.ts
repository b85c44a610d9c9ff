/**
 * The composition for real: up from the checkout, initialised, used, its database destroyed and restored from the backups.
 * It builds images and takes two minutes, so it asks to be asked for, and for a run without the runner's time limit:
 *
 *   npm run build && TALLYSTICK_TEST_COMPOSE=yes node dist/test/containers/compose.test.js
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../src/package-root.js';
import { whenSuiteEnds } from '../support/cleanup.js';
import { describe } from '../support/describe.js';
import { Composition, eventually } from './composition.js';

const file = (name: string): string => readFileSync(join(packageRoot, name), 'utf8');

describe('the files of the composition', test => {
  test('let nothing into the build but what the image is made from', () => {
    const lines = file('.dockerignore')
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'));
    assert.is(lines[0], '**');
    assert.equal(
      lines.slice(1).filter(line => !line.startsWith('!')),
      [],
    );
    assert.not.ok(lines.some(line => /tallystick|\.env|secret|docs|test/.test(line)));
  });

  test('give every service the same locks', () => {
    const services = /\nservices:\n([\s\S]*?)\n\w/.exec(file('docker-compose.yml'))?.[1] ?? '';
    const each = services.split(/\n(?= {2}\w+:\n)/).filter(text => /^ {2}\w+:\n/.test(text));
    assert.is(each.length, 5);
    for (const service of each) assert.match(service, /<<: \*(hardened|postgres)\n/);
    assert.not.match(services, /privileged|cap_add|docker\.sock|user: root/);
  });

  test('publish nothing but the server, and that on this machine only', () => {
    const ports = [...file('docker-compose.yml').matchAll(/ports: (.*)/g)].map(found => found[1]);
    assert.is(ports.length, 1);
    assert.match(ports[0] ?? '', /TALLYSTICK_PUBLISH:-127\.0\.0\.1:8200\}:8200'\]$/);
  });
});

const asked = process.env.TALLYSTICK_TEST_COMPOSE === 'yes';
const found = asked ? Composition.here() : null;
if (asked && found === null)
  throw new Error('TALLYSTICK_TEST_COMPOSE: there is no engine with compose and both base images');

const MARKER = 'planted-9c1fe3-marker';

interface Answer {
  readonly status: number;
  readonly json: unknown;
}

const call = async (
  address: string,
  token: string | null,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<Answer> => {
  const answer = await request(`${address}/v1/${path}`, {
    method,
    headers: token === null ? {} : { 'x-vault-token': token },
    body: body === undefined ? null : JSON.stringify(body),
    headersTimeout: 20_000,
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, json: text === '' ? null : JSON.parse(text) };
};

/** What stands under those names in JSON. */
const at = (json: unknown, ...names: readonly string[]): unknown =>
  names.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    json,
  );

if (found !== null)
  describe('the composition', test => {
    const composition = found;
    let address = '';
    let unsealKey = '';
    let token = '';

    const write = async (password: string): Promise<void> => {
      const answer = await call(address, token, 'POST', 'secret/data/team/db', { data: { password } });
      assert.is(answer.status, 200);
    };

    const answering = (): Promise<string> =>
      eventually('the server answers', 60, async () => {
        address = await composition.address();
        const { status } = await call(address, null, 'GET', 'sys/seal-status');
        return status === 200 ? address : null;
      });

    const unseal = (): Promise<Answer> => call(address, null, 'POST', 'sys/unseal', { key: unsealKey });

    test('comes up from the checkout and is initialised with the code from its log', async () => {
      whenSuiteEnds(() => composition.remove());
      await composition.compose('up', '-d', '--build');
      await answering();
      const shares = { secret_shares: 1, secret_threshold: 1 };
      assert.is((await call(address, null, 'POST', 'sys/init', shares)).status, 400);

      const code = /one-time code: (\w+)/.exec(await composition.compose('logs', 'tallystick'))?.[1];
      const made = await call(address, null, 'POST', 'sys/init', { ...shares, init_code: code });
      assert.is(made.status, 200);
      unsealKey = String(at(made.json, 'keys', '0'));
      token = String(at(made.json, 'root_token'));
      assert.is(at((await unseal()).json, 'sealed'), false);
      await write(`${MARKER}-before`);
    });

    test('counts a sealed server as healthy, and only a load balancer is told otherwise', async () => {
      await composition.compose('restart', 'tallystick');
      await answering();
      assert.is((await call(address, null, 'GET', 'sys/health')).status, 503);
      const status = await composition.inside('tallystick', 'tally operator status || [ $? -eq 2 ]');
      assert.is(status.code, 0, status.output);
      assert.is(at((await unseal()).json, 'sealed'), false);
    });

    test('runs as nobody special, without core dumps, and writes nowhere else', async () => {
      for (const service of ['database', 'tallystick', 'backup']) {
        const { output } = await composition.inside(
          service,
          'id -u; cat /proc/1/limits /proc/1/status; touch /usr/probe 2>&1',
        );
        assert.not.match(output, /^0\n/, service);
        assert.match(output, /Max core file size +0 +0/, service);
        assert.match(output, /CapBnd:\t0+\n/, service);
        assert.match(output, /NoNewPrivs:\t1/, service);
        assert.match(output, /Read-only file system/, service);
      }
    });

    test('reaches its database over TLS, and nobody else reaches it', async () => {
      const { output } = await composition.inside(
        'database',
        `psql -X -At -d tallystick -c "select count(*), bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) where client_addr is not null"`,
      );
      assert.match(output.trim(), /^[1-9]\d*\|t$/);
      const probe =
        'require("net").connect(5432, process.argv[1]).on("error", () => process.exit(7)).on("connect", () => process.exit(0))';
      const address = await composition.docker(
        'inspect',
        '-f',
        '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}',
        (await composition.compose('ps', '-q', 'database')).trim(),
      );
      const outside = await composition.docker(
        'run',
        '--rm',
        '--network',
        'PROJECT_front',
        '--entrypoint',
        'timeout',
        'tallystick-test',
        '5',
        'node',
        '-e',
        probe,
        address.output.trim(),
      );
      assert.is.not(outside.code, 0);
      const plain = await composition.inside(
        'backup',
        'PGPASSFILE=/etc/tallystick/pgpass psql "host=database user=tallystick_backup dbname=tallystick sslmode=disable" -c "select 1"',
      );
      assert.match(plain.output, /no pg_hba.conf entry/);
    });

    test('comes back with the last acknowledged write after its database was destroyed', async () => {
      await eventually('a base backup', 60, async () =>
        / is taken and verified/.test(await composition.compose('logs', 'backup')) ? true : null,
      );
      await write(`${MARKER}-after`);
      await composition.compose('kill', '-s', 'SIGKILL', 'database');
      await composition.compose('stop', '-t', '10', 'tallystick');
      await composition.compose('rm', '-f', 'database');
      assert.is((await composition.docker('volume', 'rm', 'PROJECT_database')).code, 0);

      const restored = await composition.compose('run', '--rm', 'restore');
      assert.match(restored, /restore: done\. The database holds \d+ events/);
      await composition.compose('up', '-d');
      await answering();
      assert.is(at((await unseal()).json, 'sealed'), false);
      const read = await call(address, token, 'GET', 'secret/data/team/db');
      assert.is(at(read.json, 'data', 'data', 'password'), `${MARKER}-after`);
      assert.is(at(read.json, 'data', 'metadata', 'version'), 2);
      await write(`${MARKER}-again`);
    });

    test('refuses to restore over a database that is there', async () => {
      const refused = await composition.compose('run', '--rm', 'restore').catch(String);
      assert.match(refused, /is not empty/);
    });

    test('keeps values, tokens and erasure keys out of backups and database', async () => {
      const keys = await composition.inside('tallystick', 'cut -d " " -f 4 /var/lib/tallystick-erasure/keys');
      const secrets = [MARKER, token, unsealKey, keys.output.trim()];
      assert.ok(secrets.every(secret => secret.length > 15));
      for (const [service, folder] of [
        ['backup', '/backups'],
        ['database', '/var/lib/tallystick-database'],
      ] as const)
        for (const secret of secrets) {
          const grep = await composition.inside(service, `grep -rqaF -e '${secret}' ${folder}`);
          assert.is(grep.code, 1, `${folder} of ${service}`);
        }
    });
  });
