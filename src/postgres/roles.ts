/**
 * Database roles. Group roles without login hold the grants of one ledger; each node makes logins of its own that are
 * members, so that a second node on the same database never resets the first one's passwords (docs/adr/).
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as t from 'io-ts';
import pg from 'pg';
import { databaseError } from './errors.js';

export interface RoleNames {
  readonly writer: string;
  readonly projector: string;
  readonly auditor: string;
}

const ROLES = ['writer', 'projector', 'auditor'] as const;
export type Role = (typeof ROLES)[number];

/** Roles belong to the whole server, ledgers to a schema of a database: the name holds both. */
export const groupRoles = (database: string, schema: string): RoleNames => {
  const ledger = createHash('sha256').update(`${database}/${schema}`).digest('hex').slice(0, 10);
  return {
    writer: `tallystick_${ledger}_writer`,
    projector: `tallystick_${ledger}_projector`,
    auditor: `tallystick_${ledger}_auditor`,
  };
};

const Login = t.type({ user: t.string, password: t.string });
const Logins = t.type({ ledger: t.string, writer: Login, projector: Login, auditor: Login });
export type Logins = t.TypeOf<typeof Logins>;

/** The group roles, if they are missing. Twenty processes may do this at once: another's success is ours. */
export const createGroups = async (client: pg.Client, groups: RoleNames): Promise<void> => {
  for (const role of ROLES) await createRole(client, groups[role], 'nologin');
};

const createRole = async (client: pg.Client, name: string, attributes: string): Promise<void> => {
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [name]);
  if (rowCount !== 0) return;
  try {
    await client.query(`create role ${pg.escapeIdentifier(name)} ${attributes}`);
  } catch (error) {
    const { sqlstate } = databaseError(error);
    // 42710 and 23505: another process made it in the meantime.
    if (sqlstate !== '42710' && sqlstate !== '23505') throw error;
  }
};

/** This node's logins, made at the first start and kept in the data folder (0600). */
export const nodeLogins = async (client: pg.Client, groups: RoleNames, dataFolder: string): Promise<Logins> => {
  const path = join(dataFolder, 'roles.json');
  const kept = await readLogins(path);
  if (kept !== null && kept.ledger === groups.writer && (await allThere(client, kept))) return kept;
  const node = randomBytes(4).toString('hex');
  const login = (role: Role): t.TypeOf<typeof Login> => ({
    user: `${groups[role]}_${node}`,
    password: randomBytes(24).toString('base64url'),
  });
  const made: Logins = {
    ledger: groups.writer,
    writer: login('writer'),
    projector: login('projector'),
    auditor: login('auditor'),
  };
  for (const role of ROLES) await createLogin(client, made[role], groups[role], role === 'projector');
  await mkdir(dataFolder, { recursive: true });
  await writeFile(`${path}.new`, `${JSON.stringify(made)}\n`, { mode: 0o600 });
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
  return made;
};

const createLogin = async (
  client: pg.Client,
  { user, password }: t.TypeOf<typeof Login>,
  group: string,
  becomesGroup: boolean,
): Promise<void> => {
  const [login, members] = [pg.escapeIdentifier(user), pg.escapeIdentifier(group)];
  // The statement is hashed by the server before it is stored; it is never logged (log_statement is off for this session).
  await client.query(`create role ${login} login inherit password ${pg.escapeLiteral(password)}`);
  await client.query(`grant ${members} to ${login}`);
  // Projection tables belong to the group, whichever node made them.
  if (becomesGroup) await client.query(`alter role ${login} set role to ${members}`);
};

const allThere = async (client: pg.Client, logins: Logins): Promise<boolean> => {
  const names = ROLES.map(role => logins[role].user);
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = any ($1)', [names]);
  return rowCount === names.length;
};

const readLogins = async (path: string): Promise<Logins | null> => {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Logins.is(parsed) ? parsed : null;
  } catch {
    return null;
  }
};
