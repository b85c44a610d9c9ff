/**
 * What the owner does at every start before the program works without it: checks, schemas, roles, migrations, grants, the
 * partitions of the coming months, this node's logins. One transaction under one lock, so that twenty processes may start at
 * once and a crash leaves all of it or nothing.
 */
import pg from 'pg';
import { explained, refuseUnsafe } from './checks.js';
import { type ConnectionOptions, newClient } from './connection.js';
import { applyGrants, migrate } from './migrate.js';
import { createGroups, groupRoles, letOwnerAct, nodeLogins, type Role, type RoleNames } from './roles.js';
import { besideSchema, projectionsSchema, settingsOf } from './session-settings.js';

export interface Preparation {
  readonly owner: ConnectionOptions;
  /** Logins made by hand: they get the grants themselves. Null: group roles and this node's logins are made. */
  readonly logins: Readonly<Record<Role, ConnectionOptions>> | null;
  readonly schema: string;
  readonly dataFolder: string;
}

/** Any constant: one preparation at a time in a database. */
const LOCK = 7_022_336_134;
const MONTHS_AHEAD = 12;

/** The logins to work with. Throws `UnusableDatabase` with a sentence for operators. */
export const prepare = async (options: Preparation): Promise<Readonly<Record<Role, ConnectionOptions>>> => {
  const { owner, schema } = options;
  const client = newClient(owner, {
    ...settingsOf(schema, 'owner'),
    statementTimeoutMs: 300_000,
    lockTimeoutMs: 120_000,
    // The program waits for its disk between two statements; a slow one must not undo the preparation.
    idleInTransactionMs: 60_000,
  });
  // A connection that breaks rejects what waits on it; that is where it is heard of.
  client.on('error', () => {});
  try {
    await client.connect();
    await refuseUnsafe(client);
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
    const logins = await prepareLocked(client, options);
    if ((await client.query('commit')).command !== 'COMMIT') throw new Error('the preparation was rolled back');
    return logins;
  } catch (error) {
    throw explained(error, 'DATABASE_URL');
  } finally {
    await client.end().catch(() => undefined);
  }
};

const prepareLocked = async (
  client: pg.Client,
  { owner, logins, schema, dataFolder }: Preparation,
): Promise<Readonly<Record<Role, ConnectionOptions>>> => {
  await makeSchemas(client, schema);
  const roles =
    logins === null
      ? groupRoles(owner.database, schema)
      : { writer: logins.writer.user, projector: logins.projector.user, auditor: logins.auditor.user };
  if (logins === null) await createGroups(client, roles);
  await letOwnerAct(client, roles.projector);
  const moved = await migrate(client, schema, roles);
  if (moved || !(await granted(client, schema, roles))) await applyGrants(client, schema, roles);
  await client.query('select make_block_months($1)', [MONTHS_AHEAD]);
  if (logins !== null) return logins;
  const made = await nodeLogins(client, roles, dataFolder);
  const as = (role: Role): ConnectionOptions => ({ ...owner, ...made[role] });
  return { writer: as('writer'), projector: as('projector'), auditor: as('auditor') };
};

const makeSchemas = async (client: pg.Client, schema: string): Promise<void> => {
  for (const name of [schema, projectionsSchema(schema), besideSchema(schema)]) {
    // Asked first: `create schema if not exists` needs CREATE on the database even where the schema is there.
    const { rows } = await client.query('select to_regnamespace($1) is null as missing', [pg.escapeIdentifier(name)]);
    if (rows[0]?.missing === true) await client.query(`create schema ${pg.escapeIdentifier(name)}`);
  }
};

/** False after a restore or a copy under another name, and where other logins were made by hand than last time. */
const granted = async (client: pg.Client, schema: string, roles: RoleNames): Promise<boolean> => {
  const { rows } = await client.query(
    `select has_table_privilege($1, 'events', 'insert') and has_table_privilege($2, 'events', 'select')
        and has_table_privilege($3, 'blocks', 'select') and has_schema_privilege($2, $5, 'create')
        and not exists (select from pg_class where relnamespace = to_regnamespace($4)
                           and relkind = 'r' and pg_get_userbyid(relowner) <> $2) as granted`,
    [
      ...[roles.writer, roles.projector, roles.auditor],
      ...[pg.escapeIdentifier(projectionsSchema(schema)), besideSchema(schema)],
    ],
  );
  return rows[0]?.granted === true;
};
