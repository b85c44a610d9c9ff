/** PostgreSQL in a container, through testcontainers, where a Docker engine answers. */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import type { TestServer } from './server.js';

/** Newest first; what is there already is used, so that no test run downloads an image that nobody asked for. */
const IMAGES = ['postgres:18', 'postgres:17', 'postgres:16', 'postgres:15'];

const SOCKET = process.env.DOCKER_HOST?.replace(/^unix:\/\//, '') ?? '/var/run/docker.sock';

/** Null: no engine answers within a second, or it has no PostgreSQL image. */
export const localImage = async (): Promise<string | null> => {
  if (!SOCKET.startsWith('/') || !existsSync(SOCKET)) return null;
  const wanted = process.env.TALLYSTICK_TEST_IMAGE;
  for (const image of wanted === undefined ? IMAGES : [wanted])
    if ((await engineAnswers(`/images/${image}/json`)) === 200) return image;
  return null;
};

const engineAnswers = (path: string): Promise<number | null> =>
  new Promise(resolve => {
    const asked = request({ socketPath: SOCKET, path, timeout: 1000 }, answer => {
      answer.resume();
      resolve(answer.statusCode ?? null);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(null));
    asked.end();
  });

export const startContainer = async (image: string): Promise<TestServer> => {
  // The runner stops what it starts, so the helper container that would do it (and its image) is not needed.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
  const container = await new PostgreSqlContainer(image)
    .withDatabase('tallystick')
    .withUsername('tallystick')
    .withPassword('tallystick')
    .withStartupTimeout(60_000)
    .start();
  return {
    what: `${image} in a container`,
    url: container.getConnectionUri(),
    stop: async () => {
      await container.stop();
    },
  };
};
