/**
 * Response wrapping (vault-wire.md §13): any answer that is an envelope can be kept for whoever brings the token that is
 * given out instead. Errors, misses and answers without content stay as they are.
 */
import * as t from 'io-ts';
import type { WrappedResponse, Wrapping } from '../operations/wrapping/contract.js';
import { table } from '../table.js';
import { type Answer, envelope, errors, ok, oneError, withPosition } from './answer.js';
import { answered, type Call, judged } from './call.js';
import { stringField } from './fields.js';
import { printTime } from './times.js';

/** Not wrapped already. */
const Envelope = t.type({
  request_id: t.string,
  wrap_info: t.null,
  auth: t.union([t.null, t.type({ accessor: t.string })]),
});

interface Wrappable {
  readonly response: WrappedResponse;
  /** Who gets a token was asked who they are. */
  readonly isLogin: boolean;
}

/** Null: there is nothing to wrap. */
const wrappable = ({ status, body }: Answer): Wrappable | null => {
  if ((status !== 200 && status !== 404) || body === null || !body.startsWith('{"request_id":')) return null;
  const parsed: unknown = JSON.parse(body);
  if (!Envelope.is(parsed)) return null;
  // A batch token has no accessor.
  return { response: { status, body, accessor: parsed.auth?.accessor || null }, isLogin: parsed.auth !== null };
};

/** The answer, or what is given out instead of it where the request asks for that. */
export const wrapped = (call: Call, answer: Answer): Promise<Answer> | Answer => {
  const ttlSeconds = (call.context.asking.wrapTtlMs ?? 0) / 1000;
  const found = ttlSeconds === 0 ? null : wrappable(answer);
  if (found === null) return answer;
  return answered(call, call.operations.wrapping.wrap(call.context, { ...found, ttlSeconds }), wrapInfo);
};

const wrapInfo = (wrapping: Wrapping): Answer => {
  const info = {
    token: wrapping.token,
    accessor: wrapping.accessor,
    ttl: wrapping.ttlSeconds,
    creation_time: printTime(wrapping.createdAt),
    creation_path: wrapping.creationPath,
    ...(wrapping.wrappedAccessor === null ? {} : { wrapped_accessor: wrapping.wrappedAccessor }),
  };
  return withPosition({ status: 200, body: envelope('', { wrapInfo: info }) }, wrapping.position);
};

type Route = (call: Call) => Promise<Answer> | Answer;

const named = (call: Call): string | null => stringField(call.fields, 'token') || null;

const wrap: Route = call =>
  judged(call, () => {
    if ((call.context.asking.wrapTtlMs ?? 0) === 0)
      return errors(400, 'endpoint requires response wrapping to be used');
    const data = `{${[...call.fields].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
    return { status: 200, body: envelope(call.context.requestId, { data }) };
  });

const unwrap: Route = call =>
  answered(call, call.operations.wrapping.unwrap(call.context, { token: named(call) }), ({ position, value }) =>
    withPosition({ status: value.status, body: value.body }, position),
  );

const rewrap: Route = call =>
  answered(call, call.operations.wrapping.rewrap(call.context, { token: named(call) }), wrapInfo);

const lookup: Route = call => {
  const token = (call.verb === 'read' ? call.query.get('token') : named(call)) || call.context.token;
  if (token === null || token === '') return errors(403, 'error validating wrapping token: token is empty');
  return answered(call, call.operations.wrapping.lookup(call.context, { token }), found =>
    ok(call.context.requestId, {
      creation_path: found.creationPath,
      creation_time: printTime(found.createdAt),
      creation_ttl: found.creationTtlSeconds,
    }),
  );
};

const ROUTES = table<Partial<Record<Call['verb'], Route>>>({
  'sys/wrapping/wrap': { write: wrap },
  'sys/wrapping/unwrap': { write: unwrap },
  'sys/wrapping/rewrap': { write: rewrap },
  'sys/wrapping/lookup': { read: lookup, write: lookup },
});

/** Null: not one of ours. */
export const wrapping = (call: Call): Promise<Answer> | Answer | null => {
  const routes = ROUTES[call.path];
  return routes === undefined ? null : (routes[call.verb]?.(call) ?? oneError(405, 'unsupported operation'));
};
