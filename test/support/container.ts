/**
 * PostgreSQL in a container, through testcontainers, where a Docker engine answers. A run that was killed leaves its
 * container behind; the next one finds it by its label and removes it.
 */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import type { TestServer } from './server.js';

/** Newest first; what is there already is used, so that no test run downloads an image that nobody asked for. */
const IMAGES = ['postgres:18', 'postgres:17', 'postgres:16', 'postgres:15'];
const LABEL = 'tallystick.test.process';

const SOCKET = process.env.DOCKER_HOST?.replace(/^unix:\/\//, '') ?? '/var/run/docker.sock';

/** Null: no engine answers within a second, or it has no PostgreSQL image. */
export const localImage = async (): Promise<string | null> => {
  if (!SOCKET.startsWith('/') || !existsSync(SOCKET)) return null;
  const wanted = process.env.TALLYSTICK_TEST_IMAGE;
  for (const image of wanted === undefined ? IMAGES : [wanted])
    if ((await engine('GET', `/images/${image}/json`))?.status === 200) return image;
  return null;
};

export const startContainer = async (image: string): Promise<TestServer> => {
  await removeForgotten();
  // The label does what testcontainers' helper container would, without its image.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
  const container = await new PostgreSqlContainer(image)
    .withDatabase('tallystick')
    .withUsername('tallystick')
    .withPassword('tallystick')
    // In memory: it ends with the run, and a layered file system flushes ten times more slowly.
    .withEnvironment({ PGDATA: '/pgdata/data' })
    .withTmpFs({ '/pgdata': 'rw' })
    .withLabels({ [LABEL]: String(process.pid) })
    .withStartupTimeout(60_000)
    .start();
  const stop = async (): Promise<void> => {
    await container.stop();
  };
  // Inside a container of its own testcontainers names the engine's machine; but beyond loopback the program insists on TLS.
  const url = new URL(container.getConnectionUri());
  url.hostname = '127.0.0.1';
  if (await answers(Number(url.port))) return { what: `${image} in a container`, url: url.href, stop };
  await stop();
  throw new Error('the container cannot be reached over loopback: TALLYSTICK_TEST_DATABASE=embedded does without it');
};

const answers = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

const removeForgotten = async (): Promise<void> => {
  const filters = encodeURIComponent(JSON.stringify({ label: [LABEL] }));
  const answer = await engine('GET', `/containers/json?all=true&filters=${filters}`);
  const found: unknown = answer?.status === 200 ? JSON.parse(answer.body) : [];
  for (const { Id, Labels } of found as { Id: string; Labels: Record<string, string> }[])
    if (!lives(Number(Labels[LABEL]))) await engine('DELETE', `/containers/${Id}?force=true&v=true`, 15_000);
};

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};

const engine = (method: string, path: string, timeout = 1000): Promise<{ status: number; body: string } | null> =>
  new Promise(resolve => {
    const asked = request({ method, socketPath: SOCKET, path, timeout }, answer => {
      const chunks: Buffer[] = [];
      answer.on('data', chunk => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(null));
    asked.end();
  });
