/**
 * The database as the program uses it: checked, migrated, and reached through one pool for each role. The owner's
 * connection is closed before the first request is served.
 */
import pg from 'pg';
import { type ConnectionOptions, newClient, type SessionSettings } from './connection.js';
import { UnusableDatabase } from './connection-url.js';
import { type Doorbell, openDoorbell } from './doorbell.js';
import { databaseError } from './errors.js';
import { migrate } from './migrate.js';
import { openPipeline, type Pipeline } from './pipeline.js';
import { openPool, type Pool } from './pool.js';
import { createGroups, groupRoles, nodeLogins, type Role } from './roles.js';

export interface DatabaseOptions {
  /** Owner of the schema, who migrates and makes roles; null where the three logins were made by hand and migrated. */
  readonly owner: ConnectionOptions | null;
  /** Logins made by hand; null: made by the owner and kept in the data folder. */
  readonly logins: Readonly<Record<Role, ConnectionOptions>> | null;
  readonly schema: string;
  readonly dataFolder: string;
  readonly poolSize: number;
}

export interface Database {
  readonly schema: string;
  readonly writer: Pool;
  readonly projector: Pool;
  readonly auditor: Pool;
  /** A pipelined connection of the writer role. */
  openPipeline(): Promise<Pipeline>;
  openDoorbell(onError: (cause: unknown) => void): Doorbell;
  close(): Promise<void>;
}

const MINIMUM_VERSION = 150_000;

/** Throws `UnusableDatabase` with a sentence for operators when this database must not be used. */
export const openDatabase = async (options: DatabaseOptions): Promise<Database> => {
  const { schema } = options;
  const logins = options.owner === null ? options.logins : await prepare(options, options.owner);
  if (logins === null) throw new UnusableDatabase('neither DATABASE_URL nor the three role URLs are set');
  const writer = openPool(logins.writer, settings(schema, 'writer'), options.poolSize);
  const projector = openPool(logins.projector, settings(schema, 'projector'), 6);
  const auditor = openPool(logins.auditor, settings(schema, 'auditor'), 4);
  if (options.owner === null) await checkReachable(writer);
  return {
    schema,
    writer,
    projector,
    auditor,
    openPipeline: () => openPipeline(logins.writer, settings(schema, 'writer')),
    openDoorbell: onError => openDoorbell(logins.auditor, settings(schema, 'auditor'), schema, onError),
    close: async () => {
      await Promise.all([writer.close(), projector.close(), auditor.close()]);
    },
  };
};

/** With the owner: checks, group roles, migrations, this node's logins. */
const prepare = async (options: DatabaseOptions, owner: ConnectionOptions) => {
  const client = newClient(owner, {
    ...settings(options.schema, 'owner'),
    statementTimeoutMs: 120_000,
    lockTimeoutMs: 60_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await refuseUnsafe(client);
    await makeSchemas(client, options.schema);
    const groups = groupRoles(owner.database, options.schema);
    await createGroups(client, groups);
    await letOwnerAct(client, groups.projector);
    await migrate(client, options.schema, groups);
    await monthPartitions(client, options.schema);
    if (options.logins !== null) return options.logins;
    const made = await nodeLogins(client, groups, options.dataFolder);
    const as = ({ user, password }: { user: string; password: string }): ConnectionOptions => ({
      ...owner,
      user,
      password,
    });
    return { writer: as(made.writer), projector: as(made.projector), auditor: as(made.auditor) };
  } catch (error) {
    throw explained(error);
  } finally {
    await client.end().catch(() => undefined);
  }
};

const explained = (error: unknown): unknown => {
  if (error instanceof UnusableDatabase) return error;
  const failure = databaseError(error);
  if (failure.sqlstate === '42501')
    return new UnusableDatabase(
      'DATABASE_URL may not create schemas or roles: give it CREATEROLE and CREATE on the database, or set the three role URLs (docs/reference/configuration.md)',
    );
  if (failure.sqlstate?.startsWith('28'))
    return new UnusableDatabase('the database refused the login in DATABASE_URL: check user and password');
  if (failure.sqlstate === '3D000')
    return new UnusableDatabase('the database that DATABASE_URL names does not exist: create it first');
  return failure;
};

const SAFE = ['fsync', 'full_page_writes', 'synchronous_commit'] as const;

const refuseUnsafe = async (client: pg.Client): Promise<void> => {
  const one = async (sql: string): Promise<string> => {
    const { rows } = await client.query(sql);
    return String(Object.values(rows[0] ?? {})[0]);
  };
  const version = Number(await one(`select current_setting('server_version_num')`));
  if (version < MINIMUM_VERSION)
    throw new UnusableDatabase(`PostgreSQL 15 or newer is needed, this server is ${Math.floor(version / 10_000)}`);
  for (const name of SAFE)
    if ((await one(`select current_setting('${name}')`)) === 'off')
      throw new UnusableDatabase(`${name} is off on this database: an acknowledged write could be lost. Turn it on`);
  if ((await one('select pg_is_in_recovery()')) === 'true')
    throw new UnusableDatabase('this database is a standby (read-only): connect to the primary');
};

const makeSchemas = async (client: pg.Client, schema: string): Promise<void> => {
  for (const name of [schema, `${schema}_projections`])
    await client.query(`create schema if not exists ${pg.escapeIdentifier(name)}`).catch((error: unknown) => {
      // Another process made it between the check and the insert.
      if (!['23505', '42P06'].includes(databaseError(error).sqlstate ?? '')) throw error;
    });
};

/** To hand tables over to the projector group one has to be a member of it; superusers are anyway. */
const letOwnerAct = async (client: pg.Client, projector: string): Promise<void> => {
  const { rows } = await client.query(`select pg_has_role(current_user, $1, 'member') as member`, [projector]);
  if (rows[0]?.member !== true) await client.query(`grant ${pg.escapeIdentifier(projector)} to current_user`);
};

/** Partitions for this month and the next two, made ahead; whatever falls outside lands in the default one. */
const monthPartitions = async (client: pg.Client, schema: string): Promise<void> => {
  await client.query('begin');
  await client.query('select pg_advisory_xact_lock(7022336135)');
  for (let ahead = 0; ahead < 3; ahead += 1) {
    const { rows } = await client.query(
      `select to_char(m, 'YYYY_MM') as name, to_char(m, 'YYYY-MM-DD') as first, to_char(m + interval '1 month', 'YYYY-MM-DD') as next
         from (select date_trunc('month', now() at time zone 'UTC') + make_interval(months => $1) as m) as month`,
      [ahead],
    );
    const { name, first, next } = rows[0] ?? {};
    const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(`blocks_${name}`)}`;
    await client.query(`savepoint partition`);
    await client
      .query(
        `create table if not exists ${table} partition of ${pg.escapeIdentifier(schema)}.blocks
           for values from (${pg.escapeLiteral(`${first} 00:00+00`)}) to (${pg.escapeLiteral(`${next} 00:00+00`)})`,
      )
      // The default partition has rows of that month already: they stay where they are.
      .catch(() => client.query('rollback to savepoint partition'));
  }
  await client.query('commit');
};

const checkReachable = async (pool: Pool): Promise<void> => {
  await pool.run({ name: null, text: 'select 1', row: () => ({ _tag: 'Right', right: null }) });
};

/** The writer must not hold the lock while frozen; the others have their own patience. */
const settings = (schema: string, role: Role | 'owner'): SessionSettings => ({
  // What a role makes goes into the first one.
  searchPath: role === 'projector' ? [`${schema}_projections`, schema] : [schema, `${schema}_projections`],
  applicationName: `tallystick ${role}`,
  statementTimeoutMs: role === 'writer' ? 10_000 : 60_000,
  lockTimeoutMs: role === 'writer' ? 3_000 : 10_000,
  idleInTransactionMs: role === 'writer' ? 5_000 : 60_000,
});
