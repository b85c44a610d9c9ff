/**
 * Migrations: forward-only numbered SQL files, run by postgrator inside the transaction and the lock of `prepare`, so that
 * twenty processes may start at once. A schema newer than this program is refused by name, a file that changed after it ran
 * too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import Postgrator from 'postgrator';
import { packageRoot } from '../package-root.js';
import { UnusableDatabase } from './connection-url.js';
import type { RoleNames } from './roles.js';
import { besideSchema, projectionsSchema } from './session-settings.js';

const FOLDER = join(packageRoot, 'schema');

interface Migration {
  readonly version: number;
  readonly name: string;
}

const newestFile = (): Migration => {
  const versions = readdirSync(FOLDER).flatMap(file => {
    const [, version, name] = /^(\d+)\.do\.(.+)\.sql$/.exec(file) ?? [];
    return version === undefined || name === undefined ? [] : [{ version: Number(version), name }];
  });
  const newest = versions.sort((a, b) => a.version - b.version).at(-1);
  if (newest === undefined) throw new Error(`no migrations were found in ${FOLDER}`);
  return newest;
};

/** Fills the quoted names of schemas and roles into the files. */
const filler = (schema: string, roles: RoleNames) => {
  const names: Readonly<Record<string, string>> = {
    schema: pg.escapeIdentifier(schema),
    projections: pg.escapeIdentifier(projectionsSchema(schema)),
    beside: pg.escapeIdentifier(besideSchema(schema)),
    writer: pg.escapeIdentifier(roles.writer),
    projector: pg.escapeIdentifier(roles.projector),
    auditor: pg.escapeIdentifier(roles.auditor),
  };
  return (sql: string): string =>
    sql.replaceAll(/\$\{(\w+)\}/g, (_whole, name: string) => {
      const filled = names[name];
      if (filled === undefined) throw new Error(`a schema file names \${${name}}, which nobody fills in`);
      return filled;
    });
};

/** Brings the schema up to date inside the caller's transaction. True: something was applied. */
export const migrate = async (client: pg.Client, schema: string, roles: RoleNames): Promise<boolean> => {
  const fill = filler(schema, roles);
  const postgrator = new Postgrator({
    driver: 'pg',
    // The folder's own name may hold what a glob would take for a pattern.
    migrationPattern: join(FOLDER.replaceAll(/[?*()[\]{}]/g, '[$&]'), '*.do.*.sql'),
    schemaTable: `${schema}.migrations`,
    validateChecksums: true,
    execQuery: async sql => ({ rows: (await client.query(sql)).rows }),
    execSqlScript: async sql => {
      await client.query(fill(sql));
    },
  });
  await refuseOtherSchema(client, schema, 'newer');
  try {
    return (await postgrator.migrate()).length > 0;
  } catch (error) {
    const [, version] =
      /^MD5 checksum failed for migration \[(\d+)\]/.exec(error instanceof Error ? error.message : '') ?? [];
    if (version === undefined) throw error;
    throw new UnusableDatabase(
      `schema file ${version} is another one than the one that was applied to this database: start the release that made it, or a newer one`,
    );
  }
};

export const applyGrants = async (client: pg.Client, schema: string, roles: RoleNames): Promise<void> => {
  await client.query(filler(schema, roles)(readFileSync(join(FOLDER, 'grants.sql'), 'utf8')));
};

/** Throws `UnusableDatabase` where the schema is newer than this program, or (`any`) just another one. */
export const refuseOtherSchema = async (client: pg.Client, schema: string, which: 'newer' | 'any'): Promise<void> => {
  const table = `${pg.escapeIdentifier(schema)}.migrations`;
  const present = await client.query('select to_regclass($1) is not null as present', [table]);
  const stored: Migration =
    present.rows[0]?.present === true
      ? await client
          .query(`select version, name from ${table} order by version desc limit 1`)
          .then(({ rows }) => ({ version: Number(rows[0]?.version), name: String(rows[0]?.name) }))
      : { version: 0, name: 'nothing' };
  const known = newestFile();
  if (stored.version > known.version)
    throw new UnusableDatabase(
      `the database schema is newer than this program: it is at ${called(stored)}, this program ends at ${called(known)}. Start the newer release`,
    );
  if (which === 'any' && stored.version < known.version)
    throw new UnusableDatabase(
      `the database schema is older than this program: it is at ${called(stored)}, this program needs ${called(known)}. Start once with DATABASE_URL of the owner, which migrates`,
    );
};

const called = ({ version, name }: Migration): string => `${String(version).padStart(4, '0')} (${name})`;
