/** `sys/config/cors`, and what browsers are told about other origins' pages (vault-wire.md §2.2). */
import type { IncomingMessage } from 'node:http';
import type { Cors } from '../operations/system/contract.js';
import { type Answer, errors, noContent, okTwice, oneError, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { stringsField } from './fields.js';

const METHODS = 'DELETE,GET,OPTIONS,POST,PUT,LIST,SCAN';
const HEADERS = [
  ...['Content-Type', 'X-Requested-With', 'Authorization', 'X-Vault-AWS-IAM-Server-ID', 'X-Vault-MFA'],
  ...['X-Vault-No-Request-Forwarding', 'X-Vault-Wrap-Format', 'X-Vault-Wrap-TTL', 'X-Vault-Policy-Override'],
  ...['X-Vault-Token', 'X-Vault-Namespace', 'X-Vault-Request'],
];

export interface Crossing {
  /** Given instead of anything else: the origin is a stranger, or it only asks beforehand. */
  readonly answer: Answer | null;
  readonly headers: Readonly<Record<string, string>> | null;
}

const SAME: Crossing = { answer: null, headers: null };

/** Requests without an origin, and all of them while CORS is off, are left alone. */
export const crossing = (request: IncomingMessage, cors: Cors | null): Crossing => {
  const { origin } = request.headers;
  if (origin === undefined || cors === null) return SAME;
  if (!cors.origins.includes('*') && !cors.origins.includes(origin))
    return { answer: errors(403, 'origin not allowed'), headers: null };
  const headers = { 'access-control-allow-origin': origin, vary: 'Origin' };
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
    return { answer: null, headers };
  return {
    answer: { status: 200, body: null },
    headers: {
      ...headers,
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': [...HEADERS, ...cors.headers].join(','),
      'access-control-max-age': '300',
    },
  };
};

const data = (cors: Cors | null) =>
  cors === null
    ? { enabled: false }
    : { enabled: true, allowed_origins: cors.origins, allowed_headers: cors.headers, allow_credentials: false };

const changed = ({ position }: { readonly position: number | null }): Answer => withPosition(noContent, position);

/** Null: not one of ours. */
export const cors = (call: Call): Promise<Answer> | Answer | null => {
  if (call.path !== 'sys/config/cors') return null;
  const { context, operations, fields } = call;
  switch (call.verb) {
    case 'read':
      return answered(call, operations.cors.read(context, {}), found => okTwice(context.requestId, data(found)));
    case 'write': {
      const given = {
        origins: stringsField(fields, 'allowed_origins') ?? [],
        headers: stringsField(fields, 'allowed_headers') ?? [],
      };
      return answered(call, operations.cors.write(context, given), changed);
    }
    case 'delete':
      return answered(call, operations.cors.write(context, null), changed);
    default:
      return oneError(405, 'unsupported operation');
  }
};
