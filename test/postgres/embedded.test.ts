/** The embedded server: how it is set up, and that it survives whatever its program dies of. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../src/postgres/database.js';
import { describe } from '../support/describe.js';
import { ask, lives, logOf, newFolder, start, startProcess, until } from './embedded-support.js';

/** Bounds for a loaded machine; an idle one needs a fifth. */
const FIRST_START_MS = 8000;
const NEXT_START_MS = 4000;

const millis = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
  const from = performance.now();
  return [await work(), performance.now() - from];
};

describe('the embedded server', test => {
  let folder = '';
  test.before(() => {
    folder = newFolder();
  });

  test('is set up once, starts fast, and stops in order', async () => {
    const [first, setUpMs] = await millis(() => start({ folder }));
    assert.ok(setUpMs < FIRST_START_MS, `${setUpMs} ms`);
    await ask(first.connection, 'create table kept as select 42 as answer');
    await first.stop();
    assert.not(lives(first.postmasterPid));
    assert.not(existsSync(join(folder, 'postgres', 'data', 'postmaster.pid')));
    const [second, startMs] = await millis(() => start({ folder }));
    assert.ok(startMs < NEXT_START_MS, `${startMs} ms`);
    assert.equal(await ask(second.connection, 'select answer from kept'), [{ answer: 42 }]);
    assert.not.match(logOf(folder), 'not properly shut down');
    await second.stop();
  });

  test('listens on a socket that only it and its program can reach, and asks for the password', async () => {
    const server = await start({ folder });
    const wanted = {
      listen_addresses: '',
      data_checksums: 'on',
      server_encoding: 'UTF8',
      lc_collate: 'C',
      password_encryption: 'scram-sha-256',
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      TimeZone: 'UTC',
    };
    for (const [name, value] of Object.entries(wanted)) {
      const sql =
        name === 'lc_collate'
          ? 'select datcollate as value from pg_database where datname = current_database()'
          : `select current_setting('${name}') as value`;
      assert.equal(await ask(server.connection, sql), [{ value }], name);
    }
    assert.is(statSync(server.connection.host).mode & 0o777, 0o700);
    assert.is(statSync(join(folder, 'postgres-password')).mode & 0o777, 0o600);
    const refused = await ask({ ...server.connection, password: 'wrong' }, 'select 1').catch(error => error.code);
    assert.is(refused, '28P01');
    await server.stop();
  });

  test('writes no statement, parameter or value into its log, and no core file', async () => {
    const server = await start({ folder });
    const marker = 'marker-58d1';
    for (const sql of [
      `select '${marker}'::uuid`,
      `this is ${marker}`,
      `do $$begin raise warning '${marker}'; raise log 'hello'; raise exception '${marker}'; end$$`,
      `create table marked (a text check (a = '')); insert into marked values ('${marker}')`,
    ])
      await ask(server.connection, sql).catch(() => undefined);
    await server.stop();
    assert.match(logOf(folder), 'hello');
    assert.not.match(logOf(folder), marker);
  });

  test('puts its socket into a private temporary folder where the path would be too long', async () => {
    const deep = join(newFolder(), 'd'.repeat(100));
    const server = await start({ folder: deep });
    const { host } = server.connection;
    assert.not(host.startsWith(deep));
    assert.is(statSync(host).mode & 0o777, 0o700);
    await ask(server.connection, 'select 1');
    await server.stop();
    assert.not(existsSync(host));
  });

  test('is refused to the program where it would forget what it acknowledged', async () => {
    for (const setting of ['fsync', 'full_page_writes']) {
      const server = await start({ folder, settings: { [setting]: 'off' } });
      const opening = openDatabase({
        ...{ owner: server.connection, logins: null, schema: 'tallystick', dataFolder: folder, poolSize: 1 },
      });
      assert.match(
        await opening.then(
          () => 'it opened',
          (error: Error) => error.message,
        ),
        `${setting} is off on this database`,
      );
      await server.stop();
    }
  });
});

describe('the embedded server, when something went wrong before', test => {
  let folder = '';
  test.before(() => {
    folder = newFolder();
  });

  test('loses nothing when it is killed', async () => {
    const server = await start({ folder });
    await ask(server.connection, 'create table kept as select 42 as answer');
    process.kill(server.postmasterPid, 'SIGKILL');
    await server.stop();
    const again = await start({ folder });
    assert.equal(await ask(again.connection, 'select answer from kept'), [{ answer: 42 }]);
    await again.stop();
  });

  test('is found, stopped and started anew after its program was killed', async () => {
    const program = await startProcess(folder);
    await ask(program.connection, 'create table acknowledged as select 1 as n');
    program.child.kill('SIGKILL');
    await program.ended;
    assert.ok(lives(program.postmasterPid), 'it goes on without its program');
    const again = await start({ folder });
    assert.not(lives(program.postmasterPid));
    assert.not.equal(again.postmasterPid, program.postmasterPid);
    assert.equal(await ask(again.connection, 'select n from acknowledged'), [{ n: 1 }]);
    await again.stop();
  });

  test('is refused a second time on the same folder while the first lives', async () => {
    const program = await startProcess(folder);
    const refused = await startProcess(folder).catch((error: Error) => error.message);
    assert.is(
      refused,
      `the data folder ${folder} is in use by process ${program.child.pid}: stop that one first, or choose another folder with TALLYSTICK_DATA`,
    );
    await ask(program.connection, 'select 1');
    program.child.stdin?.write('stop\n');
    assert.is(await program.ended, 0);
    assert.not(lives(program.postmasterPid));
  });

  for (const [how, code] of [
    ['exit', 0],
    ['throw', 1],
  ] as const)
    test(`ends with a program that ends by ${how}`, async () => {
      const program = await startProcess(folder);
      program.child.stdin?.write(`${how}\n`);
      assert.is(await program.ended, code);
      assert.ok(await until(() => !lives(program.postmasterPid)));
    });

  test('is not stopped by a postmaster.pid that names a process of somebody else', async () => {
    const { uid, gid } = statSync(join(folder, 'postgres', 'data'));
    const stranger = spawn('sleep', ['60'], { uid, gid, stdio: 'ignore' });
    const data = join(folder, 'postgres', 'data');
    writeFileSync(join(data, 'postmaster.pid'), `${stranger.pid}\n${data}\n1764000000\n5432\n/nowhere\n\n`);
    const server = await start({ folder });
    await ask(server.connection, 'select 1');
    await server.stop();
    assert.is(stranger.exitCode, null);
    assert.is(stranger.signalCode, null);
    stranger.kill();
  });

  test('is not stopped by a lock of its socket that names a process of somebody else', async () => {
    const { uid, gid } = statSync(join(folder, 'postgres', 'data'));
    const stranger = spawn('sleep', ['60'], { uid, gid, stdio: 'ignore' });
    const data = join(folder, 'postgres', 'data');
    const socket = join(folder, 'postgres', 'socket');
    const text = `${stranger.pid}\n${data}\n1764000000\n5432\n${socket}\n`;
    for (const path of [join(data, 'postmaster.pid'), join(socket, '.s.PGSQL.5432.lock')]) writeFileSync(path, text);
    const server = await start({ folder });
    await ask(server.connection, 'select 1');
    await server.stop();
    assert.is(stranger.signalCode, null);
    stranger.kill();
  });

  test('is not stopped by one that names nobody, or nothing', async () => {
    const file = join(folder, 'postgres', 'data', 'postmaster.pid');
    for (const text of ['4194000\n', '\n', '']) {
      writeFileSync(file, text);
      await (await start({ folder })).stop();
    }
  });

  test('has nothing removed because of what its files say', async () => {
    const kept = newFolder();
    const data = join(folder, 'postgres', 'data');
    const near = `${tmpdir()}/tallystick-/../${basename(kept)}`;
    writeFileSync(join(data, 'postmaster.pid'), `4194000\n${data}\n1764000000\n5432\n${near}\n`);
    await (await start({ folder })).stop();
    assert.ok(existsSync(kept));
  });

  test('begins again where a set-up was cut off', async () => {
    const fresh = newFolder();
    const cut = join(fresh, 'postgres', 'data.new-cut-off');
    mkdirSync(join(cut, 'base'), { recursive: true });
    writeFileSync(join(cut, 'PG_VERSION'), '18\n');
    await (await start({ folder: fresh })).stop();
    assert.not(existsSync(cut));
    assert.not(existsSync(join(fresh, 'postgres', 'initial-password')));
    assert.ok(readdirSync(join(fresh, 'postgres')).includes('data'));
  });

  test('is told apart from one whose password was lost, and nothing is made up', async () => {
    const path = join(folder, 'postgres-password');
    const password = readFileSync(path);
    rmSync(path);
    const why = (): Promise<string> =>
      start({ folder }).then(
        () => 'it started',
        (error: Error) => error.message,
      );
    assert.match(await why(), 'postgres-password is missing');
    assert.not(existsSync(path));
    writeFileSync(path, 'another one');
    assert.match(await why(), 'is not the password of the embedded PostgreSQL there');
    writeFileSync(path, password);
    await (await start({ folder })).stop();
  });

  test('says why it did not start', async () => {
    const why = await start({ folder, settings: { shared_buffers: 'plenty' } }).catch((error: Error) => error.message);
    assert.match(String(why), /ended while starting: .*shared_buffers.*postgres\.log/);
  });
});
