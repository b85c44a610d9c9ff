/**
 * The HTTP server: one catch-all route under fastify, because the dialect's rules of verbs, paths and bodies are not
 * fastify's (vault-wire.md §0.2). Bounded everywhere: header and body size, time, requests in flight.
 */
import { constants, randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import fastify, { type FastifyReply, type FastifyRequest, type RawServerDefault } from 'fastify';
import type { Logger } from 'pino';
import type { Failure } from '../failure.js';
import type { Operations } from '../operations/contract.js';
import { type Answer, errors, oneError } from './answer.js';
import { decodeBody, topLevel } from './body.js';
import type { Call, Verb } from './call.js';
import { contextOf } from './context.js';
import { dispatch } from './dispatch.js';
import { listDoor } from './list-door.js';
import { ROUTES } from './openapi/routes.js';
import { goBoolean, type PathFault, parsePath } from './path.js';

export interface HttpOptions {
  readonly log: Logger;
  /** Told of each answer; `route` is one of a closed set of groups. Seconds. */
  readonly observe?: (method: string, route: string, status: number, seconds: number) => void;
  /** Told of failures that were the world's doing. */
  readonly failed?: (failure: Failure) => void;
  /** Plain HTTP beyond loopback, said explicitly. */
  readonly plainHttp?: boolean;
  /** An answer that another process of this node gives, null where this one does. */
  readonly elsewhere?: (call: Call) => Promise<Answer> | null;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer; readonly clientCa?: Buffer };
}

export interface HttpServer {
  /** Resolves to the address that clients use, such as http://127.0.0.1:8200. */
  listen(at: { readonly host: string; readonly port: number }): Promise<string>;
  /** Stops accepting, lets running requests end within a bound, closes. */
  close(): Promise<void>;
}

/** What a client is told that asks for plain HTTP where it would cross a network. */
export class PlainHttpRefused extends Error {
  override readonly name = 'PlainHttpRefused';
}

const BODY_BYTES_MAX = 32 * 1024 * 1024;
const HEADER_BYTES_MAX = 128 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
const IN_FLIGHT_MAX = 2000;
const DRAIN_MS = 10_000;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'LINK'] as const;
const VERBS: Readonly<Record<string, Verb | undefined>> = {
  GET: 'read',
  LINK: 'list',
  POST: 'write',
  PUT: 'write',
  PATCH: 'patch',
  DELETE: 'delete',
};

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

const nodeServer =
  (tls: HttpOptions['tls']) =>
  (handler: Handler): RawServerDefault => {
    const limits = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: 65_000,
    };
    if (tls === undefined) return http.createServer(limits, handler).on('connection', listDoor);
    const secure = {
      cert: tls.cert,
      key: tls.key,
      minVersion: 'TLSv1.2' as const,
      // Asked for, never demanded, and believed by nobody here: which certificate is whose, the cert method judges.
      requestCert: true,
      rejectUnauthorized: false,
      // Named to clients that have several. A client without any of theirs is as welcome.
      ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa }),
      // A resumed session would bring a certificate without its chain, and without a new proof of its key.
      secureOptions: constants.SSL_OP_NO_TICKET,
    };
    const server = https.createServer({ ...limits, ...secure }, handler);
    // The names of TLS files never change the type that fastify works with.
    return server.on('secureConnection', listDoor) as unknown as RawServerDefault;
  };

export const createServer = (operations: Operations, options: HttpOptions): HttpServer => {
  const { log } = options;
  let inFlight = 0;
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    exposeHeadRoutes: false,
    serverFactory: nodeServer(options.tls),
    routerOptions: { maxParamLength: 1_000_000 },
    frameworkErrors: (_error, request: FastifyRequest, reply: FastifyReply) =>
      void send(reply, request, pathAnswer('bad-escape')),
    clientErrorHandler: (error, socket) => clientError(error, socket),
  });
  app.addHttpMethod('LINK', { hasBody: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  // A body is JSON whatever its type says, also where that says nothing that can be read; only PATCH asks for one.
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers, method } = request.raw;
    if (method !== 'PATCH' && !isMediaType(headers['content-type'] ?? '')) headers['content-type'] = 'application/json';
    done();
  });

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const startedAt = performance.now();
    if (inFlight >= IN_FLIGHT_MAX)
      return send(reply, request, {
        ...errors(503, 'the server is overloaded: try again'),
        headers: { 'retry-after': '1' },
      });
    inFlight += 1;
    try {
      const answer = await answerTo(request);
      options.observe?.(
        request.method === 'LINK' ? 'LIST' : request.method,
        routeGroup(request.url),
        answer.status,
        (performance.now() - startedAt) / 1000,
      );
      return await send(reply, request, answer);
    } finally {
      inFlight -= 1;
    }
  };

  const answerTo = async (request: FastifyRequest): Promise<Answer> => {
    const requestId = randomUUID();
    try {
      const call = callOf(request, requestId);
      return 'status' in call ? call : await (options.elsewhere?.(call) ?? dispatch(call));
    } catch (cause) {
      log.error(
        { request: requestId, cause: cause instanceof Error ? cause.name : typeof cause, at: placeOf(cause) },
        'bug',
      );
      return oneError(500, 'internal error');
    }
  };

  const callOf = (request: FastifyRequest, requestId: string): Call | Answer => {
    const parsed = parsePath(request.raw.url ?? '/');
    if (parsed._tag === 'Left') return pathAnswer(parsed.left);
    const { path, query } = parsed.right;
    const asked = verbOf(request, path, query);
    if (typeof asked !== 'string') return asked;
    const refused = asked === 'patch' ? patchTypeComplaint(request.headers['content-type']) : null;
    if (refused !== null) return refused;
    const body = Buffer.isBuffer(request.body) ? request.body : null;
    const fields =
      asked === 'write' || asked === 'patch'
        ? decodeBody(body, request.headers['content-type'])
        : decodeBody(null, undefined);
    if (fields._tag === 'Left') return errors(400, fields.left);
    const method =
      asked === 'list' || asked === 'scan' ? asked.toUpperCase() : request.method === 'PUT' ? 'POST' : request.method;
    const asking = { fields: () => topLevel(fields.right, asked, query) };
    const context = contextOf(request, { requestId, method, path, tls: options.tls !== undefined, asking });
    if (typeof context === 'string') return errors(400, context);
    const failed = (failure: Failure): void => {
      options.failed?.(failure);
      if ('cause' in failure || failure.kind === 'integrity')
        log.error(
          {
            request: requestId,
            failure: failure.kind,
            during: 'during' in failure ? failure.during : failure.what,
            cause: 'cause' in failure ? causeName(failure.cause) : undefined,
          },
          'fault',
        );
    };
    const accept = (request.headers.accept ?? '').toLowerCase();
    return { operations, context, verb: asked, method, path, query, fields: fields.right, accept, failed };
  };

  for (const url of ['/', '/*'] as const) app.route({ method: [...METHODS], url, handler: handle });
  app.setNotFoundHandler((request, reply) => send(reply, request, errors(405)));
  app.setErrorHandler((error, request, reply) => {
    const status = (error as { statusCode?: unknown }).statusCode;
    if (status === 413) return send(reply, request, errors(413, 'http: request body too large'));
    if (status === 415) return send(reply, request, errors(400, 'mime: no media type'));
    return send(
      reply,
      request,
      status === 400 ? errors(400, 'the request could not be read') : oneError(500, 'internal error'),
    );
  });

  return {
    listen: async ({ host, port }) => {
      if (options.tls === undefined && !isLoopback(host) && options.plainHttp !== true)
        throw new PlainHttpRefused(
          'plain HTTP is served on loopback only: give TALLYSTICK_TLS_CERT and TALLYSTICK_TLS_KEY, or say TALLYSTICK_PLAIN_HTTP=yes behind a TLS proxy',
        );
      await app.listen({ host, port });
      const address = app.server.address();
      const actual = typeof address === 'object' && address !== null ? address.port : port;
      return `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${actual}`;
    },
    close: async () => {
      const bound = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
      app.server.closeIdleConnections();
      await app.close();
      clearTimeout(bound);
    },
  };
};

const MERGE_PATCH = 'application/merge-patch+json';

const isMediaType = (text: string): boolean => /^[\w.+-]+\/[\w.+-]+ *(?:;.*)?$/.test(text);

/** Null: it is a merge patch. */
const patchTypeComplaint = (contentType = ''): Answer | null => {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === MERGE_PATCH) return null;
  return isMediaType(type)
    ? errors(415, `PATCH requires Content-Type of ${MERGE_PATCH}, provided ${type}`)
    : errors(400, 'mime: no media type');
};

const verbOf = (request: FastifyRequest, path: string, query: URLSearchParams): Verb | Answer => {
  if (request.method === 'HEAD') return path === 'sys/health' ? 'read' : errors(405);
  if (request.method === 'OPTIONS') return errors(400, 'cannot handle internal-only request operation');
  const verb = VERBS[request.method];
  if (verb === undefined) return errors(405);
  if (verb !== 'read') return verb;
  const [list, scan] = [goBoolean(query.get('list') ?? ''), goBoolean(query.get('scan') ?? '')];
  if (list === null || scan === null || (list && scan)) return errors(400);
  return list ? 'list' : scan ? 'scan' : 'read';
};

const pathAnswer = (fault: PathFault): Answer => {
  switch (fault) {
    case 'outside':
      return errors(404);
    case 'relative':
      return errors(400, 'relative paths not supported');
    case 'bad-escape':
      return errors(400, 'the path holds a broken escape');
    case 'unprintable':
      return { status: 400, body: null };
    case 'too-long':
      return errors(414, 'the path is too long');
  }
};

const send = (reply: FastifyReply, request: FastifyRequest, answer: Answer): FastifyReply => {
  reply.code(answer.status);
  // Bare: clients compare it for equality. A Buffer keeps fastify from adding a charset.
  reply.header('content-type', 'application/json');
  reply.header('cache-control', 'no-store');
  reply.header('strict-transport-security', 'max-age=31536000; includeSubDomains');
  reply.header('x-content-type-options', 'nosniff');
  reply.headers(answer.headers ?? {});
  if (answer.body === null || request.method === 'HEAD') return reply.send();
  return reply.send(Buffer.from(answer.body, 'utf8'));
};

const clientError = (error: Error & { code?: string }, socket: Duplex): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const body = '{"errors":["the request could not be read"]}\n';
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
};

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

/** A closed set: a path may be a secret. */
const routeGroup = (url: string): string => {
  const [, , first = '', second = ''] = url.split(/[/?]/, 4);
  if (first === 'sys' || first === 'auth') return `${first}/${KNOWN_GROUPS.has(second) ? second : 'other'}`;
  return KV_WORDS.has(second) ? `kv/${second}` : 'other';
};

const KNOWN_GROUPS = new Set(
  ROUTES.flatMap(({ mount, path }) => (mount === undefined ? (path.split('/')[1] ?? '') : [])),
);
const KV_WORDS = new Set(ROUTES.flatMap(({ mount, path }) => (mount === 'kv' ? (path.split('/')[0] ?? '') : [])));

/** Of what kind and where, never its message: that may quote what was sent. */
const causeName = (cause: unknown): string =>
  cause instanceof Error
    ? `${cause.name} ${String((cause as { sqlstate?: unknown }).sqlstate ?? '')}`.trim()
    : typeof cause;

const placeOf = (cause: unknown): string =>
  cause instanceof Error ? (/^\s+at .*$/m.exec(cause.stack ?? '')?.[0].trim() ?? '') : '';
