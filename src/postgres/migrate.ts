/**
 * Migrations: forward-only numbered SQL files, run by postgrator in one transaction under a lock, so that twenty processes
 * may start at once. A schema newer than this program is refused by name; a file that changed after it ran is refused too.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import Postgrator from 'postgrator';
import { packageRoot } from '../package-root.js';
import { UnusableDatabase } from './connection-url.js';
import { databaseError } from './errors.js';
import type { RoleNames } from './roles.js';

const quoted = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;

/** Any constant: one migration at a time in a database. */
const LOCK = 7_022_336_134;

/** Brings the schema up to date; the names of ledger schema and roles are filled into the files. */
export const migrate = async (client: pg.Client, schema: string, roles: RoleNames): Promise<void> => {
  const names: Readonly<Record<string, string>> = {
    schema: quoted(schema),
    projections: quoted(`${schema}_projections`),
    writer: quoted(roles.writer),
    projector: quoted(roles.projector),
    auditor: quoted(roles.auditor),
  };
  const fill = (sql: string): string =>
    sql.replaceAll(/\$\{(\w+)\}/g, (_whole, name: string) => names[name] ?? fail(`a migration names \${${name}}`));
  const postgrator = new Postgrator({
    driver: 'pg',
    migrationPattern: join(packageRoot, 'schema', '*.do.*.sql'),
    schemaTable: `${schema}.migrations`,
    validateChecksums: true,
    execQuery: async sql => ({ rows: (await client.query(sql)).rows }),
    execSqlScript: async sql => {
      await client.query(fill(sql));
    },
  });
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
    await refuseNewer(postgrator, client, schema);
    await postgrator.migrate();
    await client.query(fill(readFileSync(join(packageRoot, 'schema', 'grants.sql'), 'utf8')));
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error instanceof UnusableDatabase ? error : databaseError(error);
  }
};

const refuseNewer = async (postgrator: Postgrator, client: pg.Client, schema: string): Promise<void> => {
  const { rows } = await client.query(`select to_regclass($1) is not null as present`, [
    `${quoted(schema)}.migrations`,
  ]);
  if (rows[0]?.present !== true) return;
  const [stored, newest] = [await postgrator.getDatabaseVersion(), await postgrator.getMaxVersion()];
  if (stored > newest)
    throw new UnusableDatabase(
      `the database schema is version ${stored}, this program knows ${newest}: start a newer tallystick`,
    );
};

const fail = (message: string): never => {
  throw new Error(message);
};
