/** What a server and a projector on its own stand on: the data folder, locked, and the database, ours or somebody's. */
import type { Config } from './config.js';
import { connectionFromUrl } from './postgres/connection-url.js';
import { type Database, openDatabase } from './postgres/database.js';
import { type Embedded, startEmbedded } from './postgres/embedded.js';
import { type FolderLock, lockFolder } from './postgres/folder-lock.js';

/** Pools, pipelines and doorbell of one process, with room for another that comes while one goes. */
const CONNECTIONS_EACH = 30;

/** What both a server and a projector on its own need. */
export interface Ground {
  readonly lock: FolderLock;
  readonly embedded: Embedded | null;
  readonly database: Database;
  stop(): Promise<void>;
}

/** Locks the data folder, starts or connects the database, migrates. Nothing is left behind when it throws. */
export const openGround = async (config: Config): Promise<Ground> => {
  const lock = lockFolder(config.dataFolder);
  let embedded: Embedded | null = null;
  try {
    const { databaseUrl, roleUrls, databaseTls } = config;
    if (databaseUrl === null && roleUrls === null)
      embedded = await startEmbedded({
        folder: config.dataFolder,
        settings: { max_connections: String(CONNECTIONS_EACH * (config.workers === 1 ? 2 : config.workers + 1)) },
      });
    const owner = embedded?.connection ?? (databaseUrl === null ? null : connectionFromUrl(databaseUrl, databaseTls));
    const logins = roleUrls && {
      writer: connectionFromUrl(roleUrls.writer, databaseTls),
      projector: connectionFromUrl(roleUrls.projector, databaseTls),
      auditor: connectionFromUrl(roleUrls.auditor, databaseTls),
    };
    const { schema, dataFolder, poolSize } = config;
    const database = await openDatabase({ owner, logins, schema, dataFolder, poolSize });
    const running = embedded;
    return {
      lock,
      embedded,
      database,
      stop: async () => {
        await database.close();
        await running?.stop();
        lock.release();
      },
    };
  } catch (error) {
    await embedded?.stop();
    lock.release();
    throw error;
  }
};

/** On a database that is open already, and stays open. */
export const givenGround = (dataFolder: string, database: Database): Ground => {
  const lock = lockFolder(dataFolder);
  return { lock, database, embedded: null, stop: async () => lock.release() };
};
