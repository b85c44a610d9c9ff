/**
 * The PostgreSQL server that tests use: the runner's, else DATABASE_URL's, else one in a container where Docker and an image
 * are at hand, else the embedded one. TALLYSTICK_TEST_DATABASE=container or =embedded insists on one of the last two.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from '../../src/postgres/connection.js';
import { connectionFromUrl } from '../../src/postgres/connection-url.js';
import { startEmbedded } from '../../src/postgres/embedded.js';
import { lockFolder } from '../../src/postgres/folder-lock.js';
import { localImage, startContainer } from './container.js';

export interface TestServer {
  /** For people. */
  readonly what: string;
  /** A login that may create databases and roles. */
  readonly url: string;
  stop(): Promise<void>;
}

export const startServer = async (): Promise<TestServer> => {
  const given = process.env.TEST_SERVER_URL ?? process.env.DATABASE_URL;
  const kind = process.env.TALLYSTICK_TEST_DATABASE;
  if (kind === undefined && given !== undefined) return { what: 'a given server', url: given, stop: async () => {} };
  if (kind === 'embedded') return embedded();
  const image = await localImage();
  if (kind === 'container') {
    if (image === null) throw new Error('no Docker engine with a PostgreSQL image answers');
    return startContainer(image);
  }
  return image === null ? embedded() : startContainer(image).catch(() => embedded());
};

const embedded = async (): Promise<TestServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-server-'));
  const lock = lockFolder(folder);
  // Several files run at once, each with whole servers.
  const server = await startEmbedded({ folder, settings: { max_connections: '150' } });
  return {
    what: 'the embedded PostgreSQL',
    url: urlOf(server.connection),
    stop: async () => {
      await server.stop();
      lock.release();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export const urlOf = ({ host, port, database, user, password }: ConnectionOptions): string =>
  `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${encodeURIComponent(host)}:${port}/${encodeURIComponent(database)}`;

export const connectionOf = (url: string): ConnectionOptions =>
  connectionFromUrl(url, { ca: process.env.TALLYSTICK_DATABASE_CA ?? null, cert: null, key: null });
