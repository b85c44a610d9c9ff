/**
 * A server that answers what a test tells it to and remembers what it was asked. It speaks the documented shapes and
 * decides nothing: what is under test is the command.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  /** Path and query as they were on the wire. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  /** Text as it is, or a value to be written as JSON. */
  readonly body?: unknown;
  readonly position?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Keyed by `METHOD /v1/path` without the query. A function sees the request; a list is used up one reply at a time. */
export type Routes = Readonly<Record<string, Reply | ((asked: Asked) => Reply)>>;

export interface FakeServer {
  readonly address: string;
  readonly asked: readonly Asked[];
  /** The requests other than the look-up of the mount. */
  readonly calls: () => readonly Asked[];
  readonly close: () => Promise<void>;
}

export const envelope = (data: unknown): Record<string, unknown> => ({
  request_id: '6f1c2d3e-0000-4000-8000-000000000000',
  lease_id: '',
  renewable: false,
  lease_duration: 0,
  data,
  wrap_info: null,
  warnings: null,
  auth: null,
});

const MOUNTS = '/v1/sys/internal/ui/mounts/';

const kvMount: Reply = { body: envelope({ path: 'secret/', type: 'kv', options: { version: '2' } }) };

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
};

const send = (response: ServerResponse, reply: Reply): void => {
  const text = typeof reply.body === 'string' ? reply.body : reply.body === undefined ? '' : JSON.stringify(reply.body);
  response.writeHead(reply.status ?? (text === '' ? 204 : 200), {
    'content-type': 'application/json',
    ...(reply.position === undefined ? {} : { 'x-tallystick-position': String(reply.position) }),
    ...reply.headers,
  });
  response.end(text);
};

const replyTo = (routes: Routes, asked: Asked): Reply => {
  const path = asked.url.split('?')[0] ?? '';
  const route =
    routes[`${asked.method} ${path}`] ?? (path.startsWith(MOUNTS) ? (routes[MOUNTS] ?? kvMount) : undefined);
  if (route === undefined) return { status: 404, body: { errors: [] } };
  return typeof route === 'function' ? route(asked) : route;
};

export const fakeServer = async (routes: Routes, port = 0): Promise<FakeServer> => {
  const asked: Asked[] = [];
  const server: Server = createServer((request, response) => {
    void bodyOf(request).then(body => {
      const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      asked.push(one);
      send(response, replyTo(routes, one));
    });
  });
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${address.port}`,
    asked,
    calls: () => asked.filter(one => !one.url.startsWith(MOUNTS)),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
