/**
 * The database as the program uses it: checked, migrated, and reached through one pool for each role. The owner's
 * connection is closed before the first request is served.
 */
import { explained, refuseLooseRoles, refuseUnsafe, systemIdentifier } from './checks.js';
import { type ConnectionOptions, newClient } from './connection.js';
import { UnusableDatabase } from './connection-url.js';
import { type Doorbell, openDoorbell } from './doorbell.js';
import { refuseOtherSchema } from './migrate.js';
import { openPipeline, type Pipeline } from './pipeline.js';
import { openPool, type Pool } from './pool.js';
import { prepare } from './prepare.js';
import type { Role } from './roles.js';
import { maintenanceSettings, settingsOf } from './session-settings.js';

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
  /** Of the cluster, as PostgreSQL names it, where it tells. Each later connection must find the same. */
  readonly systemIdentifier: string | null;
  /** How each role connects: for the processes of this node. */
  readonly logins: Readonly<Record<Role, ConnectionOptions>>;
  readonly writer: Pool;
  readonly projector: Pool;
  /** The projector's too, without its hurry: rebuilds and verifications, which leave the other one to workers and reads. */
  readonly maintenance: Pool;
  readonly auditor: Pool;
  /** A pipelined connection of the writer role. */
  openPipeline(): Promise<Pipeline>;
  openDoorbell(onError: (cause: unknown) => void): Doorbell;
  close(): Promise<void>;
}

/** Throws `UnusableDatabase` with a sentence for operators when this database must not be used. */
export const openDatabase = async (options: DatabaseOptions): Promise<Database> => {
  const { owner, schema, poolSize } = options;
  const logins = owner === null ? options.logins : await prepare({ ...options, owner });
  if (logins === null) throw new UnusableDatabase('neither DATABASE_URL nor the three role URLs are set');
  const checked = await checkWriter(logins.writer, schema);
  if (options.logins !== null) await refuseLooseRoles(logins, role => settingsOf(schema, role));
  const poolOf = (role: Role, max: number): Pool =>
    openPool({ connection: logins[role], settings: settingsOf(schema, role), max, systemIdentifier: checked });
  const [writer, projector, auditor] = [poolOf('writer', poolSize), poolOf('projector', 6), poolOf('auditor', 4)];
  const maintenance = openPool({
    connection: logins.projector,
    settings: maintenanceSettings(schema),
    max: 1,
    systemIdentifier: checked,
  });
  return {
    schema,
    systemIdentifier: checked,
    logins,
    writer,
    projector,
    maintenance,
    auditor,
    openPipeline: () => openPipeline(logins.writer, settingsOf(schema, 'writer'), checked),
    openDoorbell: onError => openDoorbell(logins.auditor, settingsOf(schema, 'auditor'), schema, onError),
    close: async () => {
      await Promise.all([writer, projector, maintenance, auditor].map(pool => pool.close()));
    },
  };
};

/** `synchronous_commit` may be set for a role: the one that writes is asked itself. */
const checkWriter = async (connection: ConnectionOptions, schema: string): Promise<string | null> => {
  const client = newClient(connection, settingsOf(schema, 'writer'));
  client.on('error', () => {});
  try {
    await client.connect();
    await refuseUnsafe(client);
    await refuseOtherSchema(client, schema, 'any');
    return await systemIdentifier(client);
  } catch (error) {
    throw explained(error, "the writer's URL");
  } finally {
    await client.end().catch(() => undefined);
  }
};
