/** What each database role may do, and what nobody may: history is never rewritten, and workers never see a key. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import type { ConnectionOptions } from '../../src/postgres/connection.js';
import { groupRoles } from '../../src/postgres/roles.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';
import { append, begin, clockOf, refusal } from './rows.js';

const ROLES = ['writer', 'projector', 'auditor'] as const;
type Role = (typeof ROLES)[number];

/** insufficient_privilege; restrict_violation is what the triggers raise. */
const [NO_PRIVILEGE, IMMUTABLE] = ['42501', '23001'];

describe('history', test => {
  let owner: pg.Client;
  const clients = new Map<Role, pg.Client>();
  let database: TestDatabase;

  test.before(async () => {
    database = await testDatabase();
    await (await database.open()).close();
    const logins = JSON.parse(readFileSync(join(database.dataFolder, 'roles.json'), 'utf8'));
    owner = await database.client();
    for (const role of ROLES) {
      const connection: ConnectionOptions = { ...database.connection, ...logins[role] };
      clients.set(role, await database.client(connection));
    }
    await begin(owner);
    await append(owner, { expectSize: 0, stamp: await clockOf(owner) });
    await owner.query(`insert into ledger (ledger_id) values (gen_random_uuid())`);
  });

  const as = (role: Role): pg.Client => {
    const client = clients.get(role);
    if (client === undefined) throw new Error(role);
    return client;
  };

  const REWRITES = [
    'update events set type = type',
    'update events set position = 9',
    'delete from events',
    'truncate events',
    'truncate events cascade',
    'update batches set epoch = epoch',
    'delete from batches',
    'truncate batches',
    'update ledger set created_at = now()',
    'delete from ledger',
    'truncate ledger',
    `insert into events select * from events on conflict (position) do update set type = 'x'`,
  ];

  for (const statement of REWRITES)
    test(`refuses "${statement}" to the owner, also with triggers switched off for replication`, async () => {
      assert.is(await refusal(owner.query(statement)), IMMUTABLE);
      await owner.query('set session_replication_role = replica');
      assert.is(await refusal(owner.query(statement)), IMMUTABLE);
      await owner.query('reset session_replication_role');
    });

  for (const role of ROLES)
    test(`refuses every rewrite to the ${role} for want of the privilege`, async () => {
      for (const statement of REWRITES) assert.is(await refusal(as(role).query(statement)), NO_PRIVILEGE, statement);
    });

  test('cannot be altered, dropped or freed of its triggers by any role', async () => {
    for (const role of ROLES)
      for (const statement of [
        'drop table events',
        'alter table events disable trigger all',
        'alter table events drop column body',
        'drop trigger events_are_immutable on events',
        'create or replace function refuse_change() returns trigger language plpgsql as $$begin return new; end$$',
        'create table intruder (a int)',
        `set session_replication_role = replica`,
      ])
        assert.is(await refusal(as(role).query(statement)), NO_PRIVILEGE, `${role}: ${statement}`);
  });

  test('says which table refuses what', async () => {
    const message = await owner.query('delete from events').catch((error: Error) => error.message);
    assert.is(message, 'events is append-only: delete is refused');
  });

  test('has a trigger that fires always on each of its tables', async () => {
    const { rows } = await owner.query(
      `select tgrelid::regclass::text as name, count(*) as n from pg_trigger
        where tgfoid = 'refuse_change'::regproc and tgenabled = 'A' group by 1 order by 1`,
    );
    assert.equal(rows, [
      { name: 'batches', n: 2 },
      { name: 'events', n: 2 },
      { name: 'ledger', n: 2 },
    ]);
  });

  test('is read by all three roles', async () => {
    for (const role of ROLES)
      for (const table of ['events', 'batches', 'ledger_head'])
        assert.is(await refusal(as(role).query(`select * from ${table}`)), null);
  });

  test('keeps the key store, blocks and snapshots from the projector', async () => {
    for (const table of ['keys', 'slots', 'keyring', 'snapshots', 'blocks', 'blocks_default', 'ledger', 'migrations'])
      assert.is(await refusal(as('projector').query(`select * from ${table}`)), NO_PRIVILEGE, table);
    assert.is(await refusal(as('projector').query('insert into events select * from events')), NO_PRIVILEGE);
    assert.is(await refusal(as('projector').query('select settle(0)')), NO_PRIVILEGE);
  });

  test('keeps the key store from the auditor, who may read blocks and write nothing', async () => {
    for (const table of ['keys', 'slots', 'keyring', 'snapshots'])
      assert.is(await refusal(as('auditor').query(`select * from ${table}`)), NO_PRIVILEGE, table);
    assert.is(await refusal(as('auditor').query('select * from blocks')), null);
    for (const table of ['events', 'batches', 'blocks', 'keys', 'projection'])
      assert.is(await refusal(as('auditor').query(`insert into ${table} select * from ${table}`)), NO_PRIVILEGE);
  });

  test('lets the writer do its work and no more', async () => {
    const may = async (role: Role, privilege: string): Promise<string[]> => {
      const { rows } = await as(role).query(
        `select relname as name from pg_class
          where relnamespace = 'tallystick'::regnamespace and relkind in ('r', 'p', 'v')
            and has_table_privilege(oid, $1) order by 1`,
        [privilege],
      );
      return rows.map(row => row.name);
    };
    assert.equal(await may('writer', 'insert'), [
      ...['batches', 'blocks', 'erasure_keys', 'events', 'keyring', 'keys', 'ledger', 'nodes', 'slots', 'snapshots'],
    ]);
    assert.equal(await may('writer', 'update'), ['keyring', 'keys', 'nodes', 'slots']);
    assert.equal(await may('writer', 'delete'), ['keyring', 'keys', 'nodes', 'slots', 'snapshots']);
    assert.equal(await may('writer', 'truncate'), []);
    assert.equal(await may('projector', 'select'), ['batches', 'events', 'ledger_head']);
    assert.equal(await may('auditor', 'select'), ['batches', 'blocks', 'events', 'ledger_head']);
    for (const role of ['projector', 'auditor'] as const)
      for (const privilege of ['insert', 'update', 'delete', 'truncate', 'references', 'trigger'])
        assert.equal(await may(role, privilege), [], `${role} ${privilege}`);
  });

  test('lets the projector make tables that the others can read and it alone can write', async () => {
    await as('projector').query('create table tallystick_projections.made (n int)');
    await as('projector').query('insert into made values (1)');
    for (const role of ['writer', 'auditor'] as const) {
      assert.is((await as(role).query('select * from made')).rowCount, 1);
      assert.is(await refusal(as(role).query('insert into made values (2)')), NO_PRIVILEGE);
      assert.is(await refusal(as(role).query('update projection set position = 0')), NO_PRIVILEGE);
      assert.is(await refusal(as(role).query('create table tallystick_projections.x (n int)')), NO_PRIVILEGE);
    }
    // The group owns it, so another node's login may swap it at the end of a rebuild.
    const { rows } = await owner.query(`select tableowner from pg_tables where tablename = 'made'`);
    assert.is(rows[0].tableowner, groupRoles(database.connection.database, database.schema).projector);
  });

  test('gives logins that are nobody special, with passwords that the server cannot read', async () => {
    const { rows } = await owner.query(
      `select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as special,
              rolcanlogin as login, rolpassword like 'SCRAM-SHA-256$4096:%' as scram
         from pg_authid where starts_with(rolname, $1) order by 2`,
      [groupRoles(database.connection.database, database.schema).writer.replace(/writer$/, '')],
    );
    const [group, login] = [
      { special: false, login: false, scram: null },
      { special: false, login: true, scram: true },
    ];
    assert.equal(rows, [group, group, group, login, login, login]);
  });

  test('puts blocks into the month they were recorded in, uncompressed, and elsewhere into the default', async () => {
    await as('writer').query(`insert into blocks values (1, now(), $1), (2, '1999-01-01', $1)`, [Buffer.alloc(20_000)]);
    const { rows } = await owner.query(
      `select tableoid::regclass::text as name, pg_column_size(body) >= 20000 as whole from blocks order by position`,
    );
    assert.match(rows[0].name, /^blocks_\d{4}_\d\d$/);
    assert.equal(rows[1], { name: 'blocks_default', whole: true });
    assert.is(rows[0].whole, true);
    assert.is(await refusal(as('writer').query(`insert into blocks select * from blocks`)), '23505');
  });

  test('makes months ahead that are missing, but not over rows that lie in the default partition', async () => {
    const partitions = async (): Promise<number> =>
      (await owner.query(`select count(*) as n from pg_inherits where inhparent = 'blocks'::regclass`)).rows[0].n;
    const before = await partitions();
    assert.is((await owner.query('select make_block_months(12) as made')).rows[0].made, 0);
    await owner.query(`insert into blocks values (3, now() + interval '14 months', 'x')`);
    assert.is((await owner.query('select make_block_months(15) as made')).rows[0].made, 2);
    assert.is(await partitions(), before + 2);
    assert.is(await refusal(as('writer').query('select make_block_months(1)')), NO_PRIVILEGE);
  });
});
