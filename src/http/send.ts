/** From an answer to bytes: the headers that every answer has, and what is said to a connection that sent no request. */
import type { Duplex } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from './answer.js';

const TYPE = 'content-type';
const ASCII = /^[ -~]*$/;

/** Names and values in turn, as Node takes them fastest; the type first, which an answer may have another of. */
const ALWAYS: readonly string[] = [
  // Bare: clients compare it for equality.
  ...[TYPE, 'application/json'],
  ...['cache-control', 'no-store'],
  ...['strict-transport-security', 'max-age=31536000; includeSubDomains'],
  ...['x-content-type-options', 'nosniff'],
  ...['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ...['referrer-policy', 'no-referrer'],
];

/** Head and text go to the socket as one string, in one write, past fastify's serialisers. */
export const send = (reply: FastifyReply, request: FastifyRequest, answer: Answer): void => {
  reply.hijack();
  const { raw } = reply;
  const { status, headers } = answer;
  const body = answer.body === null || request.method === 'HEAD' ? '' : answer.body;
  const fields = ALWAYS.slice();
  if (status !== 204 && status !== 304 && request.method !== 'HEAD')
    fields.push('content-length', String(Buffer.byteLength(body, 'utf8')));
  let ascii = true;
  for (const name in headers) {
    const value = headers[name] ?? '';
    ascii &&= ASCII.test(value);
    if (name === TYPE) fields[1] = value;
    else fields.push(name, value);
  }
  raw.writeHead(status, fields);
  // A string is written as UTF-8, and the head with it: a head that echoes other bytes goes by itself.
  raw.end(ascii ? body : Buffer.from(body, 'utf8'));
};

const STATUS: Readonly<Record<string, string | undefined>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

export const clientError = (error: Error & { code?: string }, socket: Duplex): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS[error.code ?? ''] ?? '400 Bad Request';
  const body = '{"errors":["the request could not be read"]}\n';
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
};
