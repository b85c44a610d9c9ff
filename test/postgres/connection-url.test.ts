/** From a URL to a connection: TLS wherever a wire leaves this machine, verified; and a server that really speaks it. */
import { chownSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { newClient } from '../../src/postgres/connection.js';
import { connectionFromUrl, type TlsFiles, UnusableDatabase } from '../../src/postgres/connection-url.js';
import type { Embedded } from '../../src/postgres/embedded.js';
import { settingsOf } from '../../src/postgres/session-settings.js';
import { CERTIFICATE, CERTIFICATE_KEY } from '../cli/support/certificate.js';
import { describe } from '../support/describe.js';
import { newFolder, start } from './embedded-support.js';

const NONE: TlsFiles = { ca: null, cert: null, key: null };
const from = (url: string, files = NONE) => connectionFromUrl(url, files);

describe('a database URL', test => {
  test('gives host, port, database, user and password, decoded', () => {
    assert.equal(from('postgres://ada:p%40ss%2Fword@127.0.0.1:5433/led%20ger'), {
      ...{ host: '127.0.0.1', port: 5433, database: 'led ger', user: 'ada', password: 'p@ss/word', tls: null },
    });
    assert.equal(from('postgresql://ada@localhost'), {
      ...{ host: 'localhost', port: 5432, database: 'ada', user: 'ada', password: '', tls: null },
    });
  });

  test('may name a socket, in the host or as libpq does', () => {
    assert.is(from('postgres://ada@%2Fvar%2Frun%2Fpostgresql/db').host, '/var/run/postgresql');
    assert.is(from('postgres://ada@localhost/db?host=/var/run/postgresql').host, '/var/run/postgresql');
  });

  for (const host of ['db.example', '10.0.0.5', '192.168.1.2', '[2001:db8::1]', '128.0.0.1', 'localhost.example'])
    test(`asks ${host} for TLS, verified, whatever its sslmode says`, () => {
      for (const mode of ['', '?sslmode=prefer', '?sslmode=allow', '?sslmode=require', '?sslmode=verify-full']) {
        const { tls } = from(`postgres://ada@${host}/db${mode}`);
        assert.is(tls?.rejectUnauthorized, true);
        assert.is(tls?.minVersion, 'TLSv1.2');
      }
      assert.throws(() => from(`postgres://ada@${host}/db?sslmode=disable`), /sslmode=disable is refused/);
    });

  for (const host of ['localhost', '127.0.0.1', '127.8.8.8', '[::1]', '%2Ftmp'])
    test(`lets ${host} do without TLS unless it is asked for`, () => {
      assert.is(from(`postgres://ada@${host}/db`).tls, null);
      assert.is(from(`postgres://ada@${host}/db?sslmode=disable`).tls, null);
      assert.is(from(`postgres://ada@${host}/db?sslmode=verify-full`).tls?.rejectUnauthorized, true);
    });

  test('that cannot be used is refused without being quoted', () => {
    for (const url of ['secret-word', 'postgres://', 'postgres:///secret-word', 'postgres://host/secret-word'])
      try {
        from(url);
        assert.unreachable(url);
      } catch (error) {
        assert.instance(error, UnusableDatabase);
        assert.not.match(String(error), 'secret-word');
      }
    assert.throws(
      () => from('postgres://ada@db.example/db', { ...NONE, ca: '/nowhere/ca.pem' }),
      /TALLYSTICK_DATABASE_CA: \/nowhere\/ca.pem cannot be read/,
    );
  });
});

/** Free a moment ago. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject()));
    });
  });

describe('a connection over TLS', test => {
  let server: Embedded;
  let url = '';
  const files = { ca: '', cert: '', key: '' };

  test.before(async () => {
    const folder = newFolder();
    await (await start({ folder })).stop();
    const data = join(folder, 'postgres', 'data');
    const { uid, gid } = statSync(data);
    /** For the server, and a copy for us: whoever we are, both can read theirs. */
    const put = (name: string, text: string): string => {
      writeFileSync(join(data, name), text, { mode: 0o600 });
      chownSync(join(data, name), uid, gid);
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    files.ca = put('tls.crt', CERTIFICATE);
    files.cert = files.ca;
    files.key = put('tls.key', CERTIFICATE_KEY);
    put('hba.conf', 'local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n');
    const port = String(await freePort());
    const tls = { ssl: 'on', ssl_cert_file: 'tls.crt', ssl_key_file: 'tls.key', ssl_ca_file: 'tls.crt' };
    const hba_file = join(data, 'hba.conf');
    server = await start({ folder, settings: { ...tls, hba_file, listen_addresses: '127.0.0.1', port } });
    const { user, password, database } = server.connection;
    url = `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
  });

  const connect = async (to: string, with_: TlsFiles) => {
    const client = newClient(connectionFromUrl(to, with_), settingsOf('tallystick', 'owner'));
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query(
        'select ssl, client_serial is not null as certified from pg_stat_ssl where pid = pg_backend_pid()',
      );
      return rows[0];
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : String(error);
    } finally {
      await client.end().catch(() => undefined);
    }
  };

  test('is made with the authority and the certificate that were given', async () => {
    assert.equal(await connect(`${url}?sslmode=verify-full`, files), { ssl: true, certified: true });
    const inUrl = `${url}?sslmode=verify-full&sslrootcert=${files.ca}&sslcert=${files.cert}&sslkey=${files.key}`;
    assert.equal(await connect(inUrl, NONE), { ssl: true, certified: true });
  });

  test('is not made to a server whose certificate nobody vouches for, though libpq would on require', async () => {
    assert.is(await connect(`${url}?sslmode=require`, { ...files, ca: null }), 'DEPTH_ZERO_SELF_SIGNED_CERT');
  });

  test('is not made to a server of another name', async () => {
    const other = url.replace('@127.0.0.1', '@localhost');
    assert.is(await connect(`${other}?sslmode=require`, files), 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('is refused by the server without the certificate, or without TLS', async () => {
    assert.is(await connect(`${url}?sslmode=require`, { ...NONE, ca: files.ca }), '28000');
    assert.is(await connect(url, NONE), '28000');
  });
});
