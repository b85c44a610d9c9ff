/** `sys/ledger/erase`, `holds`, `retention`: destroying for good, and what stands against it. */
import type { Place } from '../operations/request.js';
import { table } from '../table.js';
import { type Answer, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call, positionOf } from './call.js';
import { durationField, FieldError, stringField } from './fields.js';

type Route = (call: Call) => Promise<Answer>;
type NamedRoute = (call: Call, name: string) => Promise<Answer>;

const placeOf = ({ fields }: Call): Place => {
  const path = stringField(fields, 'path');
  if (path === undefined) throw new FieldError('give path: a secret, or a folder with a slash at its end');
  return { mount: (stringField(fields, 'mount') ?? 'secret').replace(/^\/+|\/+$/g, ''), path };
};

const plan: Route = call => {
  const basis = stringField(call.fields, 'basis');
  if (basis === undefined) throw new FieldError('give basis: on whose request and on which ground this is erased');
  return answered(call, call.operations.erasure.planErase(call.context, { ...placeOf(call), basis }), value =>
    ok(call.context.requestId, value),
  );
};

const apply: Route = call => {
  const planId = stringField(call.fields, 'plan_id');
  if (planId === undefined) throw new FieldError('give plan_id: the one that the plan answered');
  return answered(call, call.operations.erasure.applyErase(call.context, { planId }), value =>
    withPosition(ok(call.context.requestId, value), value.position),
  );
};

const LIMIT_DEFAULT = '100';

const list: Route = call => {
  const [after, limit] = [call.query.get('after') ?? '0', call.query.get('limit') ?? LIMIT_DEFAULT];
  if (!/^\d{1,15}$/.test(after)) throw new FieldError('after must be what `next` of the page before was');
  if (!/^\d{1,4}$/.test(limit)) throw new FieldError('limit must be a whole number');
  const input = { after: Number(after), limit: Number(limit) };
  return answered(call, call.operations.erasure.list(call.context, input), value => ok(call.context.requestId, value));
};

const certificate = (call: Call, position: string): Promise<Answer> =>
  answered(call, call.operations.erasure.certificate(call.context, { position: positionOf(position) }), value =>
    ok(call.context.requestId, value),
  );

const recorded = ({ position }: { readonly position: number | null }): Answer => withPosition(noContent, position);

const holds: Route = call =>
  answered(call, call.operations.erasure.holds(call.context, {}), value =>
    ok(call.context.requestId, { holds: value }),
  );

const placeHold: NamedRoute = (call, name) =>
  answered(call, call.operations.erasure.placeHold(call.context, { ...placeOf(call), name }), recorded);

const liftHold: NamedRoute = (call, name) =>
  answered(call, call.operations.erasure.liftHold(call.context, { name }), recorded);

const retention: Route = call =>
  answered(call, call.operations.erasure.retention(call.context, {}), value =>
    ok(call.context.requestId, { rules: value }),
  );

const setRetention: NamedRoute = (call, name) => {
  const ms = durationField(call.fields, 'minimum_age');
  if (ms === undefined) throw new FieldError('give minimum_age: a duration such as 2160h, or seconds');
  const input = { ...placeOf(call), name, minimumAgeSeconds: Math.floor(ms / 1000) };
  return answered(call, call.operations.erasure.setRetention(call.context, input), recorded);
};

const removeRetention: NamedRoute = (call, name) =>
  answered(call, call.operations.erasure.removeRetention(call.context, { name }), recorded);

const ROUTES = table<Partial<Record<Call['verb'], Route>>>({
  'sys/ledger/erase/plan': { write: plan },
  'sys/ledger/erase/apply': { write: apply },
  'sys/ledger/erasures': { read: list },
  'sys/ledger/holds': { read: holds, list: holds },
  'sys/ledger/retention': { read: retention, list: retention },
});

const NAMED: Readonly<Record<string, Partial<Record<Call['verb'], NamedRoute>>>> = {
  erasures: { read: certificate },
  holds: { write: placeHold, delete: liftHold },
  retention: { write: setRetention, delete: removeRetention },
};

const NAME = /^sys\/ledger\/(erasures|holds|retention)\/([^/]+)$/;

const UNSUPPORTED = oneError(405, 'unsupported operation');

/** Null: not one of ours. */
export const erasure = (call: Call): Promise<Answer> | Answer | null => {
  const [, kind = '', name = ''] = NAME.exec(call.path) ?? [];
  const named = NAMED[kind];
  if (named !== undefined) return named[call.verb]?.(call, name) ?? UNSUPPORTED;
  const route = ROUTES[call.path];
  return route === undefined ? null : (route[call.verb]?.(call) ?? UNSUPPORTED);
};
