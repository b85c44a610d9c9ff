/** Node's server under fastify's, plain or TLS: its limits, and who meets each connection and each request first. */
import { constants } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { RawServerDefault } from 'fastify';
import type { Connections } from './connections.js';
import { listDoor } from './list-door.js';
import type { HttpOptions } from './server.js';

const HEADER_BYTES_MAX = 128 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
/** How late a slow client may be found. */
const CHECK_EVERY_MS = 500;

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

export const nodeServer =
  ({ tls, limits: { requestTimeoutMs } }: Pick<HttpOptions, 'tls' | 'limits'>, connections: Connections) =>
  (handler: Handler): RawServerDefault => {
    const meet = (socket: Socket): void => {
      listDoor(socket);
      connections.add(socket);
    };
    const take: Handler = (request, response) => {
      if (connections.asks(response)) handler(request, response);
    };
    const limits = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: CHECK_EVERY_MS,
      keepAliveTimeout: 65_000,
    };
    if (tls === undefined) return http.createServer(limits, take).on('connection', meet);
    const secure = {
      cert: tls.cert,
      key: tls.key,
      minVersion: 'TLSv1.2' as const,
      // Asked for, never demanded, and believed by nobody here: which certificate is whose, the cert method judges.
      requestCert: true,
      rejectUnauthorized: false,
      // Named to clients that have several. A client without any of theirs is as welcome.
      ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa }),
      // A resumed session would bring a certificate without its chain, and without a new proof of its key; a renegotiated
      // one another certificate than the connection began with.
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    };
    const server = https.createServer({ ...limits, ...secure }, take);
    // The names of TLS files never change the type that fastify works with.
    return server.on('secureConnection', meet) as unknown as RawServerDefault;
  };
