/**
 * A fresh database for a test, cloned from a migrated template. Nothing of it outlives the suite: database, roles, data
 * folder and connections go when the suite ends, however it ended.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type ConnectionOptions, newClient } from '../../src/postgres/connection.js';
import { type Database, type DatabaseOptions, openDatabase } from '../../src/postgres/database.js';
import { groupRoles } from '../../src/postgres/roles.js';
import { whenSuiteEnds } from './cleanup.js';
import { connectionOf, startServer, urlOf } from './server.js';

export interface TestDatabase {
  /** The owner's. */
  readonly connection: ConnectionOptions;
  readonly url: string;
  readonly schema: string;
  readonly dataFolder: string;
  /** As the program opens it; closed with the test database if not before. */
  open(options?: Partial<DatabaseOptions>): Promise<Database>;
  /** A plain client of the owner, or of another login. */
  client(connection?: ConnectionOptions): Promise<pg.Client>;
  /** Roles whose names begin so are dropped after the database: those of other schemas, and those that a test made. */
  alsoDropRoles(prefix: string): void;
  drop(): Promise<void>;
}

const SCHEMA = 'tallystick';

const settings = {
  searchPath: [SCHEMA, `${SCHEMA}_projections`],
  applicationName: 'tallystick test',
  statementTimeoutMs: 60_000,
  lockTimeoutMs: 60_000,
  idleInTransactionMs: 60_000,
};

const connected = async (connection: ConnectionOptions): Promise<pg.Client> => {
  const client = newClient(connection, settings);
  client.on('error', () => {});
  await client.connect();
  return client;
};

const onServer = async (server: ConnectionOptions, statements: readonly string[]): Promise<void> => {
  const client = await connected(server);
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
};

/** What the program's roles of a ledger begin with. */
export const rolePrefix = (database: string, schema = SCHEMA): string =>
  groupRoles(database, schema).writer.replace(/writer$/, '');

/** Roles belong to the server and not to a database, so they have to be dropped by name, once nothing depends on them. */
const dropEverything = async (
  server: ConnectionOptions,
  database: string,
  prefixes: readonly string[],
): Promise<void> => {
  const client = await connected(server);
  try {
    await client.query(`drop database if exists ${pg.escapeIdentifier(database)} with (force)`);
    const { rows } = await client.query(
      'select rolname from pg_roles where exists (select from unnest($1::text[]) as p where starts_with(rolname, p))',
      [prefixes],
    );
    // In one statement: they are members of each other, by each other's grant.
    const names = rows.map(({ rolname }) => pg.escapeIdentifier(String(rolname)));
    if (names.length > 0) await client.query(`drop role ${names.join(', ')}`);
  } finally {
    await client.end();
  }
};

/** Makes a migrated database to clone from; the answer drops it again. */
export const makeTemplate = async (url: string): Promise<{ name: string; drop: () => Promise<void> }> => {
  const server = connectionOf(url);
  const name = `tallystick_template_${randomBytes(4).toString('hex')}`;
  const dataFolder = mkdtempSync(join(tmpdir(), 'tallystick-'));
  await onServer(server, [`create database ${name} template template0 encoding 'UTF8'`]);
  const owner = { ...server, database: name };
  const database = await openDatabase({ owner, logins: null, schema: SCHEMA, dataFolder, poolSize: 1 });
  await database.close();
  rmSync(dataFolder, { recursive: true, force: true });
  return { name, drop: () => dropEverything(server, name, [rolePrefix(name)]) };
};

interface Ground {
  readonly server: ConnectionOptions;
  readonly template: string;
}

let ground: Promise<Ground> | null = null;

/** The runner's server and template; a file that runs alone starts its own, and ends them when nothing else is left to do. */
const startGround = async (): Promise<Ground> => {
  const { TEST_SERVER_URL: url, TEST_TEMPLATE: template } = process.env;
  if (url !== undefined && template !== undefined) return { server: connectionOf(url), template };
  const server = await startServer();
  const made = await makeTemplate(server.url);
  process.once('beforeExit', async () => {
    await made.drop();
    await server.stop();
  });
  return { server: connectionOf(server.url), template: made.name };
};

export const testDatabase = async (): Promise<TestDatabase> => {
  ground ??= startGround();
  const { server, template } = await ground;
  const name = `tallystick_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  const dataFolder = mkdtempSync(join(tmpdir(), 'tallystick-'));
  await onServer(server, [`create database ${name} template ${template}`]);
  const connection = { ...server, database: name };
  const opened: { close(): Promise<void> }[] = [];
  const prefixes = [rolePrefix(name)];
  const database: TestDatabase = {
    connection,
    url: urlOf(connection),
    schema: SCHEMA,
    dataFolder,
    alsoDropRoles: prefix => void prefixes.push(prefix),
    open: async (options = {}) => {
      if (options.schema !== undefined) prefixes.push(rolePrefix(name, options.schema));
      const made = await openDatabase({
        owner: connection,
        logins: null,
        schema: SCHEMA,
        dataFolder,
        poolSize: 4,
        ...options,
      });
      opened.push(made);
      return made;
    },
    client: async (as = connection) => {
      const client = await connected(as);
      opened.push({ close: () => client.end() });
      return client;
    },
    drop: async () => {
      for (const one of opened.splice(0)) await one.close().catch(() => undefined);
      await dropEverything(server, name, prefixes);
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
  let dropped: Promise<void> | null = null;
  const drop = (): Promise<void> => {
    dropped ??= database.drop();
    return dropped;
  };
  whenSuiteEnds(drop);
  return { ...database, drop };
};
