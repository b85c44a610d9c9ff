/**
 * Database roles. Group roles without login hold the grants of one ledger; each node makes logins of its own that are
 * members, so that a second node on the same database never resets the first one's passwords.
 */
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as t from 'io-ts';
import pg from 'pg';
import { sha256 } from '../crypto/prf.js';
import { randomBytes } from '../crypto/random.js';
import { UnusableDatabase } from './connection-url.js';
import { scramVerifier } from './scram.js';

export interface RoleNames {
  readonly writer: string;
  readonly projector: string;
  readonly auditor: string;
}

export const ROLES = ['writer', 'projector', 'auditor'] as const;
export type Role = (typeof ROLES)[number];

/** Roles belong to the whole server, ledgers to a schema of a database: the name holds both. */
export const groupRoles = (database: string, schema: string): RoleNames => {
  const ledger = sha256(Buffer.from(`${database}/${schema}`, 'utf8'))
    .toString('hex')
    .slice(0, 10);
  return {
    writer: `tallystick_${ledger}_writer`,
    projector: `tallystick_${ledger}_projector`,
    auditor: `tallystick_${ledger}_auditor`,
  };
};

const Login = t.type({ user: t.string, password: t.string });
type Login = t.TypeOf<typeof Login>;
const Logins = t.type({ ledger: t.string, writer: Login, projector: Login, auditor: Login });
export type Logins = t.TypeOf<typeof Logins>;

const exists = async (client: pg.Client, name: string): Promise<boolean> =>
  (await client.query('select from pg_roles where rolname = $1', [name])).rowCount === 1;

/** The group roles, if they are missing. */
export const createGroups = async (client: pg.Client, groups: RoleNames): Promise<void> => {
  for (const role of ROLES)
    if (!(await exists(client, groups[role])))
      await client.query(`create role ${pg.escapeIdentifier(groups[role])} nologin`);
};

/** To hand tables over to the projector, the owner has to be able to act as it; superusers are anyway. */
export const letOwnerAct = async (client: pg.Client, projector: string): Promise<void> => {
  const { rows } = await client.query(`select current_setting('server_version_num')::integer as version`);
  // Since PostgreSQL 16 a role that one made may be granted to others without one's being able to become it.
  const right = Number(rows[0]?.version) >= 160_000 ? 'set' : 'member';
  const able = await client.query('select pg_has_role(current_user, $1, $2) as able', [projector, right]);
  if (able.rows[0]?.able === true) return;
  await client.query('savepoint membership');
  try {
    await client.query(`grant ${pg.escapeIdentifier(projector)} to current_user`);
  } catch {
    await client.query('rollback to savepoint membership');
    throw new UnusableDatabase(
      `the owner of the database must be a member of the projector's role: as an administrator, grant ${projector} to it`,
    );
  }
};

/** This node's logins, made at the first start and kept in the data folder (0600). */
export const nodeLogins = async (client: pg.Client, groups: RoleNames, dataFolder: string): Promise<Logins> => {
  const path = join(dataFolder, 'roles.json');
  const kept = await readLogins(path);
  if (kept !== null && kept.ledger === groups.writer) {
    // Missing after a restore into another server: made again as they were.
    for (const role of ROLES)
      if (!(await exists(client, kept[role].user))) await createLogin(client, role, kept[role], groups[role]);
    return kept;
  }
  const node = randomBytes(4).toString('hex');
  const login = (role: Role): Login => ({
    user: `${groups[role]}_${node}`,
    password: randomBytes(24).toString('base64url'),
  });
  const made: Logins = {
    ledger: groups.writer,
    writer: login('writer'),
    projector: login('projector'),
    auditor: login('auditor'),
  };
  for (const role of ROLES) await createLogin(client, role, made[role], groups[role]);
  // Before the transaction commits: a crash in between leaves names that are made at the next start, never logins that
  // nobody knows.
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  await writePrivately(path, `${JSON.stringify(made)}\n`);
  return made;
};

const createLogin = async (client: pg.Client, role: Role, { user, password }: Login, group: string): Promise<void> => {
  const [login, members] = [pg.escapeIdentifier(user), pg.escapeIdentifier(group)];
  await client.query(`create role ${login} login inherit password ${pg.escapeLiteral(scramVerifier(password))}`);
  await client.query(`grant ${members} to ${login}`);
  // Projection tables belong to the group, whichever node made them.
  if (role === 'projector') await client.query(`alter role ${login} set role to ${members}`);
};

/** Whole or not at all, and on disk before anything relies on it. */
const writePrivately = async (path: string, text: string): Promise<void> => {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
};

const readLogins = async (path: string): Promise<Logins | null> => {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Logins.is(parsed) ? parsed : null;
  } catch {
    return null;
  }
};
