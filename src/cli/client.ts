/**
 * The HTTP client of the command line: one request, one answer, no retries of its own and no redirects (a token must not
 * follow one). It knows the dialect's headers and nothing of commands. Paths are given as segments and each is encoded
 * here, so that no name can leave its place in the path.
 */
import type { Agent } from 'undici';
import type { Connection } from './connection.js';
import { badInput } from './exit-codes.js';
import { unreachable } from './refusals.js';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Without `v1`. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** JSON text, sent as it is. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Some work takes as long as it takes (a rebuild): no limit on waiting for the answer. */
  readonly patient?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The ledger position that the answer names: where a change was recorded, or what a read speaks of. */
  readonly position: number | null;
  readonly retryAfterSeconds: number | null;
}

export interface Client {
  readonly connection: Connection;
  readonly call: (call: Call) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;

const encodeSegment = (segment: string): string => {
  if (segment === '.' || segment === '..') throw badInput('a path cannot hold . or .. as a name');
  try {
    return encodeURIComponent(segment);
  } catch {
    throw badInput('the path is not valid Unicode text');
  }
};

const encodeQuery = (query: Call['query']): string => {
  const given = Object.entries(query ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
};

const wholeNumber = (header: string | string[] | undefined): number | null =>
  typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : null;

export const openClient = (connection: Connection, timeoutMs: number): Client => {
  const base = new URL(connection.address);
  const prefix = base.pathname.replace(/\/+$/, '');
  let agent: Agent | null = null;

  /** Made at the first request: commands that fail before it, and completion, need not load an HTTP client. */
  const connect = async (): Promise<Agent> => {
    const { Agent } = await import('undici');
    agent ??= new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS, ...(connection.ca === null ? {} : { ca: connection.ca }) },
    });
    return agent;
  };

  return {
    connection,
    call: async ({ method, path, query, body, headers, patient }) => {
      const target = `${prefix}/v1/${path.map(encodeSegment).join('/')}${encodeQuery(query)}`;
      const limit = patient === true ? 0 : timeoutMs;
      const open = await connect();
      try {
        const response = await open.request({
          origin: base.origin,
          path: target,
          method,
          headersTimeout: limit,
          bodyTimeout: limit,
          headers: {
            'x-vault-request': 'true',
            'user-agent': 'tally',
            ...(connection.token === null ? {} : { 'x-vault-token': connection.token }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body }),
        });
        return {
          status: response.statusCode,
          text: await response.body.text(),
          position: wholeNumber(response.headers['x-tallystick-position']),
          retryAfterSeconds: wholeNumber(response.headers['retry-after']),
        };
      } catch (error) {
        throw unreachable(connection, error);
      }
    },
    close: async () => {
      await agent?.destroy();
    },
  };
};
