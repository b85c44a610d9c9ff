/** What a database must be before a byte is entrusted to it, in words for operators when it is not. */
import type pg from 'pg';
import { type ConnectionOptions, newClient, type SessionSettings } from './connection.js';
import { UnusableDatabase } from './connection-url.js';
import { DatabaseError, databaseError } from './errors.js';
import { ROLES, type Role } from './roles.js';

const MINIMUM_VERSION = 150_000;

interface Queryable {
  query(text: string): Promise<pg.QueryResult>;
}

/** Throws `UnusableDatabase`. The settings are those of this very session's role, so each role may be asked. */
export const refuseUnsafe = async (client: Queryable): Promise<void> => {
  const { rows } = await client.query(
    `select current_setting('server_version_num')::integer as version,
            current_setting('fsync') as fsync,
            current_setting('full_page_writes') as full_page_writes,
            current_setting('synchronous_commit') as synchronous_commit,
            current_setting('server_encoding') as encoding,
            pg_is_in_recovery() as standby`,
  );
  const found = rows[0] ?? {};
  if (found.version < MINIMUM_VERSION)
    throw new UnusableDatabase(
      `PostgreSQL 15 or newer is needed, this server is ${Math.floor(found.version / 10_000)}`,
    );
  for (const name of ['fsync', 'full_page_writes', 'synchronous_commit'])
    if (found[name] === 'off')
      throw new UnusableDatabase(`${name} is off on this database: an acknowledged write could be lost. Turn it on`);
  if (found.encoding !== 'UTF8')
    throw new UnusableDatabase(`the database is encoded in ${found.encoding}: create one with encoding UTF8`);
  if (found.standby === true)
    throw new UnusableDatabase('this database is a standby (read-only): connect to the primary');
};

/**
 * Which cluster answers: differs after a restore into a new one, stays through a failover to a physical standby. Null where
 * this login may not ask, as some hosting services have it.
 */
export const systemIdentifier = async (client: Queryable): Promise<string | null> => {
  const allowed = await client.query(`select has_function_privilege('pg_control_system()', 'execute') as may`);
  if (allowed.rows[0]?.may !== true) return null;
  const { rows } = await client.query('select system_identifier::text as id from pg_control_system()');
  return String(rows[0]?.id);
};

/**
 * For each new connection: a primary, and the cluster that was checked at the start. A load balancer or a DNS name may have
 * moved on meanwhile, and a standby would answer reads that are stale. Throws `DatabaseError` 25006, as a write would.
 */
export const refuseOther = async (client: Queryable, expected: string | null): Promise<void> => {
  const { rows } = await client.query(
    expected === null
      ? 'select pg_is_in_recovery() as standby'
      : 'select pg_is_in_recovery() as standby, system_identifier::text as id from pg_control_system()',
  );
  const { standby, id } = rows[0] ?? {};
  if (standby !== false) throw new DatabaseError('a standby answers, not the primary', { sqlstate: '25006' });
  if (expected !== null && id !== expected)
    throw new DatabaseError('another database cluster answers than at the start', { sqlstate: '25006' });
};

const SAFE_WRITER = `select has_table_privilege('events', 'insert')
  and not has_table_privilege('events', 'update, delete, truncate')
  and not has_table_privilege('batches', 'update, delete, truncate') as safe`;
const SAFE_READER = `select has_table_privilege('events', 'select')
  and not has_table_privilege('keys', 'select') and not has_table_privilege('slots', 'select')
  and not has_table_privilege('keyring', 'select') as safe`;

/**
 * Logins that were made by hand may hold more than they should, such as a superuser's or one login for all: then neither the
 * triggers nor the grants would keep the promises that rest on them.
 */
export const refuseLooseRoles = async (
  logins: Readonly<Record<Role, ConnectionOptions>>,
  settings: (role: Role) => SessionSettings,
): Promise<void> => {
  for (const role of ROLES) {
    const client = newClient(logins[role], settings(role));
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query(role === 'writer' ? SAFE_WRITER : SAFE_READER);
      if (rows[0]?.safe !== true)
        throw new UnusableDatabase(
          role === 'writer'
            ? 'the writer login must be able to insert events and unable to update or delete them: give it a role of its own that owns nothing'
            : `the ${role} login must be able to read events and unable to read the key store: give it a role of its own`,
        );
    } catch (error) {
      throw explained(error, `the ${role}'s URL`);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
};

/** Explains what commonly goes wrong with a login, without quoting its URL. */
export const explained = (error: unknown, login: string): unknown => {
  if (error instanceof UnusableDatabase || !isOfDatabase(error)) return error;
  const failure = databaseError(error);
  const { sqlstate } = failure;
  if (sqlstate === '42501')
    return new UnusableDatabase(
      `${login} may not create schemas or roles: give it CREATEROLE and CREATE on the database, or make three logins and set the role URLs (docs/reference/configuration.md)`,
    );
  if (sqlstate?.startsWith('28'))
    return new UnusableDatabase(`the database refused the login in ${login}: check user, password and pg_hba.conf`);
  if (sqlstate === '3D000')
    return new UnusableDatabase(`the database that ${login} names does not exist: create it first`);
  if (sqlstate === '55P03')
    return new UnusableDatabase('another process holds the lock for migrations: wait for it, then start again');
  if (failure.connectionLost && sqlstate === null)
    return new UnusableDatabase(`the database of ${login} does not answer: ${failure.message}`);
  return failure;
};

/** Not a fault of the program itself, which must not be blamed on the database. `pg` gives its own errors no code. */
const isOfDatabase = (error: unknown): boolean =>
  error instanceof DatabaseError ||
  (error instanceof Error && ('code' in error || /connection|timeout|timed out/i.test(error.message)));
