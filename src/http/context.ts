/** Who asks, from where, why, and for how long they wait: from headers and socket to the context of operations. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import type { Asking } from '../authority/permission.js';
import { parseDuration } from '../domain/duration.js';
import type { RequestContext } from '../operations/request.js';

/** ms that a request may wait for its commit. */
const DEADLINE_MS = 30_000;
/** As long as a token may live. */
const WRAP_TTL_MS_MAX = 768 * 3_600_000;
const REASON_BYTES_MAX = 1024;
const KEY_BYTES_MAX = 255;

const one = (value: string | string[] | undefined): string | null => {
  const text = Array.isArray(value) ? value[0] : value;
  return text === undefined || text === '' ? null : text;
};

/** X-Vault-Token wins, even if it is wrong; the scheme of the other is compared as it stands. */
export const tokenOf = ({ headers }: FastifyRequest): string | null => {
  const given = one(headers['x-vault-token']);
  if (given !== null) return given;
  const authorization = headers.authorization;
  return authorization?.startsWith('Bearer ') ? authorization.slice(7).trim() || null : null;
};

/** A proxy on this machine says so in one of these: whoever asked it may sit anywhere. */
const RELAYED = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'] as const;

const isLoopback = (address: string): boolean => address === '::1' || /^(::ffff:)?127\./.test(address);

/** ms, 0 = none. Less than a second is one: whoever asks for a wrapping never gets the answer bare. A string: what is wrong. */
const wrapTtl = (text: string | null): number | string => {
  if (text === null) return 0;
  const ttl = parseDuration(text);
  if (ttl._tag === 'Left') return ttl.left;
  const asked = /[1-9]/.test(text);
  if (asked && text.startsWith('-')) return 'requested wrap ttl cannot be negative';
  if (ttl.right > WRAP_TTL_MS_MAX) return 'requested wrap ttl may be 768h at most';
  return asked ? Math.max(1000, ttl.right) : 0;
};

interface Known {
  readonly requestId: string;
  /** The client's: not a proxy's. */
  readonly address: string;
  readonly method: string;
  readonly path: string;
  readonly tls: boolean;
  readonly asking: Asking;
}

/** A string: the text of the 400. */
export const contextOf = (request: FastifyRequest, known: Known): RequestContext | string => {
  const { headers, socket } = request.raw;
  const reason = one(headers['x-tallystick-reason']);
  const ticket = one(headers['x-tallystick-ticket']);
  const idempotencyKey = one(headers['idempotency-key']);
  if (reason !== null && Buffer.byteLength(reason) > REASON_BYTES_MAX)
    return 'X-Tallystick-Reason may have at most 1,024 bytes';
  if (ticket !== null && Buffer.byteLength(ticket) > REASON_BYTES_MAX)
    return 'X-Tallystick-Ticket may have at most 1,024 bytes';
  if (idempotencyKey !== null && Buffer.byteLength(idempotencyKey) > KEY_BYTES_MAX)
    return 'Idempotency-Key may have at most 255 bytes';
  const wrapTtlMs = wrapTtl(one(headers['x-vault-wrap-ttl']));
  if (typeof wrapTtlMs === 'string') return `error parsing X-Vault-Wrap-TTL header: ${wrapTtlMs}`;
  const { address } = known;
  const traceparent = one(headers.traceparent);
  return {
    token: tokenOf(request),
    requestId: known.requestId,
    once: {},
    trace: traceparent === null ? null : (/^00-([0-9a-f]{32})-/.exec(traceparent)?.[1] ?? null),
    method: known.method,
    path: known.path,
    from: {
      address,
      port: socket.remotePort ?? 0,
      forwarded: one(headers['x-forwarded-for'])?.slice(0, 256) ?? null,
      agent: one(headers['user-agent'])?.slice(0, 256) ?? null,
      tls: known.tls,
      loopback: isLoopback(address) && !RELAYED.some(name => headers[name] !== undefined),
    },
    reason,
    ticket,
    idempotencyKey,
    asking: { ...known.asking, wrapTtlMs },
    deadlineMs: Date.now() + DEADLINE_MS,
    gone: () => socket.destroyed,
    clientCertificates: () => certificatesOf(socket),
  };
};

/** A longer chain is no chain that anybody issues. */
const CHAIN_MAX = 10;

/** The same chain for all requests of a connection, so that it is read once. */
const chains = new WeakMap<TLSSocket, readonly Buffer[]>();

/** As presented, leaf first. The proof that the client holds the leaf's key is the handshake's, which has ended by now. */
const certificatesOf = (socket: Socket): readonly Buffer[] | null => {
  if (!(socket instanceof TLSSocket)) return null;
  const known = chains.get(socket);
  if (known !== undefined) return known;
  const chain: Buffer[] = [];
  let next = socket.getPeerX509Certificate();
  while (next !== undefined && chain.length < CHAIN_MAX) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  chains.set(socket, chain);
  return chain;
};
