/**
 * The HTTP server: one catch-all route under fastify, because the dialect's rules of verbs, paths and bodies are not
 * fastify's (vault-wire.md §0.2). Bounded everywhere: header and body size, time, requests and
 * connections at once.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Failure } from '../failure.js';
import type { Operations } from '../operations/contract.js';
import { type Answer, errors, oneError } from './answer.js';
import { decodeBody, topLevel } from './body.js';
import type { Call } from './call.js';
import { clientAddress } from './client-address.js';
import { Connections } from './connections.js';
import { contextOf, tokenOf } from './context.js';
import { crossing } from './cors.js';
import { dispatch } from './dispatch.js';
import { isMediaType, patchTypeComplaint, pathAnswer, verbOf } from './form.js';
import { Gate, type Visit } from './gate.js';
import { logBug, logFault } from './log.js';
import { namespaceRefusal } from './namespace.js';
import { nodeServer } from './node-server.js';
import { parsePath, type RequestPath } from './path.js';
import { quotaExceeded, quotaHeaders } from './quotas.js';
import { routeGroup } from './route-group.js';
import { clientError, send } from './send.js';

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
  readonly limits: HttpLimits;
  /** Told of each request or connection that was refused for there being too many. */
  readonly refused?: (by: RefusedBy) => void;
}

export interface HttpLimits {
  readonly connections: number;
  /** In flight at once. */
  readonly requests: number;
  /** For the whole request to arrive, and for an answer to be read. */
  readonly requestTimeoutMs: number;
  /** Networks of proxies whose `X-Forwarded-For` is believed. */
  readonly proxies: readonly string[];
}

/** `open`: the limit on requests without a token; `bytes`: of all bodies; `slow`: what did not arrive, or was not read, in time. */
export type RefusedBy = 'quota' | 'open' | 'requests' | 'bytes' | 'connections' | 'slow';

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
/** Of all bodies that wait or are being answered. */
const BODIES_BYTES_MAX = 512 * 1024 * 1024;
const DRAIN_MS = 10_000;
/** What is left of a body that is not looked at is heard to its end, if it is no longer than this. */
const UNHEARD_BYTES_MAX = 64 * 1024;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'LINK'] as const;

const OVERLOADED: Answer = { ...errors(503, 'the server is overloaded: try again'), headers: { 'retry-after': '1' } };

/** Null: nothing to add. */
const withHeaders = (answer: Answer, ...more: readonly (Readonly<Record<string, string>> | null)[]): Answer =>
  more.every(headers => headers === null) ? answer : { ...answer, headers: Object.assign({}, answer.headers, ...more) };

export const createServer = (operations: Operations, options: HttpOptions): HttpServer => {
  const { log, limits } = options;
  const refused = (why: RefusedBy): void => options.refused?.(why);
  const gate = new Gate({
    requestsMax: limits.requests,
    bodyBytesMax: BODY_BYTES_MAX,
    bytesMax: BODIES_BYTES_MAX,
  });
  const connections = new Connections(limits.requestTimeoutMs, refused);
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    serverFactory: nodeServer(options, connections),
    routerOptions: { maxParamLength: 1_000_000 },
    frameworkErrors: (_error, request: FastifyRequest, reply: FastifyReply) =>
      send(reply, request, pathAnswer('bad-escape')),
    clientErrorHandler: (error, socket) => {
      if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refused('slow');
      connections.spoil(socket, () => clientError(error, socket));
    },
  });
  app.server.maxConnections = limits.connections;
  app.server.on('drop', () => refused('connections'));
  app.addHttpMethod('LINK', { hasBody: true });
  app.removeAllContentTypeParsers();
  // Bodies are read when it is known that they are wanted.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, null));

  // A body is JSON whatever its type says, also where that says nothing that can be read; only PATCH asks for one.
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers, method } = request.raw;
    if (method !== 'PATCH' && !isMediaType(headers['content-type'] ?? '')) headers['content-type'] = 'application/json';
    done();
  });

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const startedAt = performance.now();
    const { headers, socket, method = '' } = request.raw;
    const forwarded = headers['x-forwarded-for'];
    const address = clientAddress(
      socket.remoteAddress ?? '',
      Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
      limits.proxies,
    );
    const visit: Visit = { id: randomUUID(), method, address, startedAtMs: Date.now(), path: '', bytes: 0 };
    const entered = gate.enter(visit);
    if (!entered) refused('requests');
    try {
      const answer = entered ? await answerTo(request, visit) : OVERLOADED;
      options.observe?.(
        method === 'LINK' ? 'LIST' : method,
        routeGroup(request.url),
        answer.status,
        (performance.now() - startedAt) / 1000,
      );
      send(reply, request, unheard(request.raw) ? withHeaders(answer, { connection: 'close' }) : answer);
    } catch (cause) {
      // An answer that cannot be written as it is, as with a header that HTTP has no room for.
      logBug(log, visit.id, cause);
      send(reply, request, oneError(500, 'internal error'));
    } finally {
      gate.leave(visit);
    }
  };

  const answerTo = async (request: FastifyRequest, visit: Visit): Promise<Answer> => {
    try {
      const parsed = parsePath(request.raw.url ?? '/');
      if (parsed._tag === 'Left') return pathAnswer(parsed.left);
      visit.path = parsed.right.path;
      return await admitted(request, visit, parsed.right);
    } catch (cause) {
      logBug(log, visit.id, cause);
      return oneError(500, 'internal error');
    }
  };

  /** Limits before anything else; whatever is answered then says what the limits and other origins are to know. */
  const admitted = async (request: FastifyRequest, visit: Visit, asked: RequestPath): Promise<Answer> => {
    const { path } = asked;
    const { address } = visit;
    const { refusedBy, retryAfterSeconds, shown } = operations.quotas.admit({ path, address, token: tokenOf(request) });
    if (refusedBy !== null) {
      refused(refusedBy);
      return withHeaders(quotaExceeded(path, retryAfterSeconds), quotaHeaders(shown));
    }
    const { answer, headers } = crossing(request.raw, operations.cors.current());
    const namespace = request.raw.headers['x-vault-namespace']?.toString();
    const found = answer ?? namespaceRefusal(path, namespace) ?? (await answeredCall(request, visit, asked));
    const echoed = namespace === undefined ? null : { 'x-vault-namespace': namespace };
    return withHeaders(found, quotaHeaders(shown), headers, echoed);
  };

  const answeredCall = async (request: FastifyRequest, visit: Visit, asked: RequestPath): Promise<Answer> => {
    const verb = verbOf(request.raw, asked.path, asked.query);
    if (typeof verb !== 'string') return verb;
    const complaint = verb === 'patch' ? patchTypeComplaint(request.headers['content-type']) : null;
    if (complaint !== null) return complaint;
    const hasFields = verb === 'write' || verb === 'patch';
    const body = hasFields ? await gate.body(visit, request.raw) : null;
    if (body === 'too-large') return errors(413, 'http: request body too large');
    if (body === 'gone') return errors(400, 'the request could not be read');
    if (body === 'overloaded') {
      refused('bytes');
      return OVERLOADED;
    }
    const fields = decodeBody(body, hasFields ? request.headers['content-type'] : undefined);
    if (fields._tag === 'Left') return errors(400, fields.left);
    const call = callOf(request, visit, { ...asked, verb, fields: fields.right });
    return typeof call === 'string' ? errors(400, call) : (options.elsewhere?.(call) ?? dispatch(call));
  };

  /** A string: the text of the 400. */
  const callOf = (
    request: FastifyRequest,
    visit: Visit,
    { path, query, verb, fields }: RequestPath & Pick<Call, 'verb' | 'fields'>,
  ): Call | string => {
    const method =
      verb === 'list' || verb === 'scan' ? verb.toUpperCase() : request.method === 'PUT' ? 'POST' : request.method;
    const asking = { fields: () => topLevel(fields, verb, query) };
    const { id: requestId, address } = visit;
    const context = contextOf(request, { requestId, address, method, path, tls: options.tls !== undefined, asking });
    if (typeof context === 'string') return context;
    const failed = (failure: Failure): void => {
      options.failed?.(failure);
      logFault(log, requestId, failure);
      if (failure.kind === 'unauthenticated' && context.token !== null) operations.quotas.stranger(address);
    };
    const accept = (request.headers.accept ?? '').toLowerCase();
    const inFlight = () => gate.visits;
    return { operations, context, verb, method, path, query, fields, accept, failed, inFlight };
  };

  for (const url of ['/', '/*'] as const) app.route({ method: [...METHODS], url, handler: handle });
  app.setNotFoundHandler((request, reply) => send(reply, request, errors(405)));
  app.setErrorHandler((error, request, reply) => {
    const status = (error as { statusCode?: unknown }).statusCode;
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
      const closed = app.close();
      connections.drain();
      await closed;
      clearTimeout(bound);
    },
  };
};

/** Whether so much of a body was not heard that its connection is better closed than listened to. */
const unheard = ({ complete, headers }: IncomingMessage): boolean =>
  !complete &&
  (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > UNHEARD_BYTES_MAX);

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
