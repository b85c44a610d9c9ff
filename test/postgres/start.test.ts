/** Starts: many at once, of older programs, with other owners and logins, and on databases that must not be used. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../src/package-root.js';
import type { ConnectionOptions } from '../../src/postgres/connection.js';
import { UnusableDatabase } from '../../src/postgres/connection-url.js';
import { DatabaseError } from '../../src/postgres/errors.js';
import type { Pool } from '../../src/postgres/pool.js';
import { anyRow, query } from '../../src/sql.js';
import { rolePrefix, type TestDatabase, testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';

/** Why it cannot be used; fails where it can, or for another reason. */
const unusable = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof UnusableDatabase) return error.message;
    throw error;
  }
  throw new Error('it opened');
};

/** As the schema folder has them, in order. */
const migrations = readdirSync(join(packageRoot, 'schema'))
  .flatMap(file => {
    const [, number, name] = /^(\d{4})\.do\.(.+)\.sql$/.exec(file) ?? [];
    return number === undefined ? [] : [{ version: Number(number), label: `${number} (${name})` }];
  })
  .sort((a, b) => a.version - b.version);

const works = async (pool: Pool, text = 'select from events'): Promise<void> => {
  await pool.run(query(null, anyRow, text));
};

describe('a start', test => {
  test('of twenty processes at once on an empty database migrates it once', async () => {
    const database = await testDatabase();
    const prefix = rolePrefix(database.connection.database, 'many');
    database.alsoDropRoles(prefix);
    const program = fileURLToPath(new URL('start-process.js', import.meta.url));
    const starts = Array.from({ length: 20 }, () => promisify(execFile)(process.execPath, [program, database.url]));
    const outputs = (await Promise.all(starts)).map(({ stdout }) => stdout.trim());
    assert.equal(outputs, Array(20).fill('opened'));
    const client = await database.client();
    const { rows } = await client.query('select version from many.migrations order by version');
    assert.equal(
      rows.map(row => row.version),
      [0, ...migrations.map(({ version }) => version)],
    );
    const made = await client.query(
      `select count(*) filter (where not rolcanlogin) as groups, count(*) filter (where rolcanlogin) as logins
         from pg_roles where starts_with(rolname, $1)`,
      [prefix],
    );
    assert.equal(made.rows[0], { groups: 3, logins: 60 });
  });

  test('by the same node finds its logins again, kept where only the owner of the folder may read', async () => {
    const database = await testDatabase();
    const path = join(database.dataFolder, 'roles.json');
    await (await database.open()).close();
    const first = readFileSync(path, 'utf8');
    assert.is(statSync(path).mode & 0o777, 0o600);
    await (await database.open()).close();
    assert.is(readFileSync(path, 'utf8'), first);
  });

  test('makes a login that is gone again with the password that the node knows', async () => {
    const database = await testDatabase();
    await (await database.open()).close();
    const { writer } = JSON.parse(readFileSync(join(database.dataFolder, 'roles.json'), 'utf8'));
    await (await database.client()).query(`drop role ${writer.user}`);
    await works((await database.open()).writer);
  });

  test('on a database at a newer schema is refused, and both are named', async () => {
    const database = await testDatabase();
    const client = await database.client();
    await client.query(`insert into migrations (version, name) values (999, 'quorum')`);
    const words = await unusable(database.open());
    const newest = migrations.at(-1);
    assert.match(words, `newer than this program: it is at 0999 (quorum), this program ends at ${newest?.label}`);
  });

  test('with a schema file that is not the one that was applied is refused', async () => {
    const database = await testDatabase();
    await (await database.client()).query(`update migrations set md5 = 'x' where version = 3`);
    assert.match(await unusable(database.open()), 'schema file 3 is another one');
  });

  test('is refused while the database would forget what it acknowledged', async () => {
    const database = await testDatabase();
    const client = await database.client();
    const name = database.connection.database;
    await client.query(`alter database ${name} set synchronous_commit = off`);
    assert.is(
      await unusable(database.open()),
      'synchronous_commit is off on this database: an acknowledged write could be lost. Turn it on',
    );
    await client.query(`alter database ${name} reset synchronous_commit`);
    await (await database.open()).close();
    // For the writer's login alone.
    const { writer } = JSON.parse(readFileSync(join(database.dataFolder, 'roles.json'), 'utf8'));
    await client.query(`alter role ${writer.user} set synchronous_commit = off`);
    assert.match(await unusable(database.open()), /^synchronous_commit is off/);
  });

  test('says what is wrong with a login, a database or a server, and not the URL', async () => {
    const { connection, ...database } = await testDatabase();
    const open = (change: Partial<ConnectionOptions>) =>
      unusable(database.open({ owner: { ...connection, ...change } }));
    assert.match(await open({ password: 'wrong-password' }), 'the database refused the login in DATABASE_URL');
    assert.match(await open({ database: 'nowhere' }), 'the database that DATABASE_URL names does not exist');
    assert.match(await open({ host: '127.0.0.1', port: 1 }), 'does not answer: the database cannot be reached');
  });
});

describe('an owner who is no superuser', test => {
  const makeOwner = async (database: TestDatabase, client: pg.Client, attributes: string) => {
    const { database: name } = database.connection;
    const user = `owner_of_${name}`;
    database.alsoDropRoles(user);
    await client.query(`create role ${user} login ${attributes} password 'secret'`);
    await client.query(`grant create on database ${name} to ${user}`);
    return { ...database.connection, user, password: 'secret' };
  };
  test('migrates and makes the roles if it may create roles, at the first start and later', async () => {
    const database = await testDatabase();
    const owner = await makeOwner(database, await database.client(), 'createrole');
    for (const dataFolder of [database.dataFolder, join(database.dataFolder, 'another-node')]) {
      const opened = await database.open({ owner, schema: 'own', dataFolder });
      await works(opened.writer);
      await works(opened.projector, 'create table own_projections.made (n int); drop table own_projections.made');
      await works(opened.auditor);
      await opened.close();
    }
  });

  test('is told what to do if it may not', async () => {
    const database = await testDatabase();
    const owner = await makeOwner(database, await database.client(), 'nocreaterole');
    assert.match(
      await unusable(database.open({ owner, schema: 'own' })),
      'DATABASE_URL may not create schemas or roles: give it CREATEROLE',
    );
  });

  test('needs not to if three logins were made by hand, which then work without it too', async () => {
    const database = await testDatabase();
    const client = await database.client();
    const owner = await makeOwner(database, client, 'nocreaterole');
    const loginOf = (role: string) => ({
      ...{ ...database.connection, password: 'secret' },
      user: `${role}_of_${database.connection.database}`,
    });
    const logins = { writer: loginOf('writer'), projector: loginOf('projector'), auditor: loginOf('auditor') };
    for (const { user } of Object.values(logins)) {
      database.alsoDropRoles(user);
      await client.query(`create role ${user} login password 'secret'`);
    }
    assert.match(
      await unusable(database.open({ owner, logins, schema: 'own' })),
      `grant ${logins.projector.user} to it`,
    );
    await client.query(`grant ${logins.projector.user} to ${owner.user}`);
    assert.match(await unusable(database.open({ owner: null, logins, schema: 'own' })), 'older than this program');
    for (const by of [owner, null]) {
      const opened = await database.open({ owner: by, logins, schema: 'own' });
      await works(opened.writer);
      await works(opened.projector, 'create table own_projections.made (n int); drop table own_projections.made');
      await works(opened.auditor, 'select from blocks');
      await opened.close();
    }
    const loose = { ...logins, writer: database.connection };
    assert.match(
      await unusable(database.open({ owner: null, logins: loose, schema: 'own' })),
      'unable to update or delete',
    );
    const shared = { ...logins, projector: logins.writer };
    assert.match(
      await unusable(database.open({ owner: null, logins: shared, schema: 'own' })),
      'the projector login must be able to read events and unable to read the key store',
    );
  });
});

describe('an open database', test => {
  test('sets the timeouts of each role, so that a frozen writer lets go of the lock', async () => {
    const { writer } = await (await testDatabase()).open();
    const setting = query(
      'test_setting',
      raw => ({ _tag: 'Right', right: raw.value }),
      'select current_setting($1) as value',
    );
    const expected = {
      default_transaction_isolation: 'read committed',
      lock_timeout: '3s',
      statement_timeout: '10s',
      idle_in_transaction_session_timeout: '2s',
      client_connection_check_interval: '1s',
      search_path: '"tallystick","tallystick_projections"',
      TimeZone: 'UTC',
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(await writer.run(setting, [name]), [value]);
  });

  test('ends a transaction whose client froze, and the lock with it', async () => {
    const { writer } = await (await testDatabase()).open();
    const lock = query(null, anyRow, `select pg_advisory_xact_lock(1414745932, hashtext(current_schema()))`);
    const frozen = writer.transaction(async tx => {
      await tx.run(lock);
      await new Promise(resolve => setTimeout(resolve, 2500));
    });
    await new Promise(resolve => setTimeout(resolve, 200));
    await writer.transaction(async tx => {
      await tx.run(lock);
    });
    assert.is(
      await frozen.then(
        () => null,
        (error: DatabaseError) => error.connectionLost,
      ),
      true,
    );
  });

  test('goes on after all its backends were killed', async () => {
    const database = await testDatabase();
    const { writer } = await database.open();
    await Promise.all([1, 2, 3].map(() => works(writer, 'select pg_sleep(0.05)')));
    await (await database.client()).query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await new Promise(resolve => setTimeout(resolve, 50));
    await works(writer);
  });

  test('never shows a value in an error', async () => {
    const { writer } = await (await testDatabase()).open();
    const marker = 'marker-9f2c';
    const statements = [
      query(null, anyRow, 'select $1::uuid'),
      query(null, anyRow, 'insert into slots values (gen_random_uuid(), null), ($1::text::uuid, null)'),
      query(null, anyRow, 'insert into keys values (gen_random_uuid(), 0, gen_random_uuid(), 1, $1::text::bytea)'),
    ];
    for (const statement of statements) {
      const error = await writer.run(statement, [marker]).catch((failure: unknown) => failure);
      assert.instance(error, DatabaseError);
      const shown = JSON.stringify(error, Object.getOwnPropertyNames(error));
      assert.not.match(shown, marker);
    }
  });
});
