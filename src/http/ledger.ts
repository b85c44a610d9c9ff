/** `sys/ledger/`: what only this server has — head, audit trail, restore, projections. */

import type { AuditRecord, EventsQuery } from '../operations/ledger/contract.js';
import type { Moment } from '../operations/request.js';
import { CAPABILITIES, isCapability } from '../policies/policy.js';
import { table } from '../table.js';
import { type Answer, errors, ok, oneError, withPosition } from './answer.js';
import { answered, type Call, momentOf, positionOf } from './call.js';
import { FieldError, intField, stringField } from './fields.js';
import { parseTime } from './times.js';

type Route = (call: Call) => Promise<Answer> | Answer;

const head: Route = call =>
  answered(call, call.operations.ledger.head(call.context, {}), value => ok(call.context.requestId, value));

const OUTCOMES = ['ok', 'denied', 'failed', 'error'] as const;
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

const momentParameter = (text: string | null, name: string): Moment | null => {
  if (text === null || text === '') return null;
  // Small whole numbers are positions; unix seconds of any date that matters are larger than any position so far.
  if (/^\d{1,9}$/.test(text)) return { position: positionOf(text) };
  const time = parseTime(text);
  if (time === null) throw new FieldError(`${name} must be a position or an RFC 3339 time`);
  return { at: time };
};

const eventsQuery = (query: URLSearchParams): EventsQuery => {
  const after = /^(\d{1,15})(?:\.(\d{1,6}))?$/.exec(query.get('after') ?? '0');
  if (after === null) throw new FieldError('after must be what `next` of the page before was');
  const limit = Number(query.get('limit') ?? LIMIT_DEFAULT);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX)
    throw new FieldError(`limit must be between 1 and ${LIMIT_MAX}`);
  const asked = query.get('outcome');
  const outcome = OUTCOMES.find(known => known === asked) ?? null;
  if (asked !== null && outcome === null) throw new FieldError(`outcome must be one of ${OUTCOMES.join(', ')}`);
  return {
    after: { position: Number(after[1]), index: Number(after[2] ?? 999_999) },
    limit,
    pathPrefix: query.get('path'),
    actor: query.get('actor'),
    type: query.get('type'),
    outcome,
    from: momentParameter(query.get('from'), 'from'),
    to: momentParameter(query.get('to'), 'to'),
  };
};

const nextOf = (next: { readonly position: number; readonly index: number } | null): string | null =>
  next === null ? null : `${next.position}.${next.index}`;

const ndjson = (records: readonly AuditRecord[]): string =>
  records.map(record => `${JSON.stringify(record)}\n`).join('');

const events: Route = call => {
  const query = eventsQuery(call.query);
  const lines = call.query.get('format') === 'ndjson' || call.accept.includes('application/x-ndjson');
  return answered(call, call.operations.ledger.events(call.context, query), ({ events: found, next }) => {
    const token = nextOf(next);
    if (!lines) return ok(call.context.requestId, { events: found, next: token });
    const headers = {
      'content-type': 'application/x-ndjson',
      ...(token === null ? {} : { 'x-tallystick-next': token }),
    };
    return { status: 200, body: ndjson(found), headers };
  });
};

const plan: Route = call => {
  const { fields, context, operations } = call;
  const [mount, path] = [stringField(fields, 'mount') ?? 'secret', stringField(fields, 'path')];
  const [at, position] = [stringField(fields, 'at'), intField(fields, 'position')];
  if (path === undefined) return errors(400, 'give path: a secret, or a folder with a slash at its end');
  if ((at === undefined) === (position === undefined)) return errors(400, 'give either at or position');
  const time = at === undefined ? null : parseTime(at);
  if (at !== undefined && time === null) return errors(400, 'at must be an RFC 3339 time or unix seconds');
  const moment: Moment = time === null ? { position: position ?? 0 } : { at: time };
  const input = { mount: mount.replace(/^\/+|\/+$/g, ''), path, moment };
  return answered(call, operations.ledger.planRestore(context, input), value => ok(context.requestId, value));
};

const apply: Route = call => {
  const planId = stringField(call.fields, 'plan_id');
  if (planId === undefined) return errors(400, 'give plan_id: the one that the plan answered');
  return answered(call, call.operations.ledger.applyRestore(call.context, { planId }), value =>
    withPosition(ok(call.context.requestId, value), value.position),
  );
};

const pathParameter = (call: Call): string => {
  const path = (call.query.get('path') ?? '').replace(/^\/+/, '');
  if (path === '') throw new FieldError('give path: the path of the API, such as secret/data/team/db');
  return path;
};

const can: Route = call => {
  const { query, context } = call;
  const [actor, asked] = [query.get('actor') ?? '', query.get('capability') ?? ''];
  if (actor === '') return errors(400, 'give actor: a name, an id, or the accessor of a token');
  if (!isCapability(asked)) return errors(400, `capability must be one of ${CAPABILITIES.join(', ')}`);
  const input = { actor, capability: asked, path: pathParameter(call), moment: momentOf(query) };
  return answered(call, call.operations.ledger.can(context, input), value => ok(context.requestId, value));
};

const access: Route = call =>
  answered(
    call,
    call.operations.ledger.access(call.context, { path: pathParameter(call), moment: momentOf(call.query) }),
    value => ok(call.context.requestId, value),
  );

const projections: Route = call =>
  answered(call, call.operations.projections.status(call.context, {}), value =>
    ok(call.context.requestId, { projections: value }),
  );

const verify: Route = call => {
  const name = stringField(call.fields, 'name') ?? null;
  return answered(call, call.operations.projections.verify(call.context, { name }), value =>
    ok(call.context.requestId, {
      projections: value,
      differences: value.reduce((sum, each) => sum + each.differences, 0),
    }),
  );
};

const rebuild = (call: Call, name: string): Promise<Answer> =>
  answered(call, call.operations.projections.rebuild(call.context, { name }), value =>
    ok(call.context.requestId, value),
  );

const ROUTES = table<Partial<Record<Call['verb'], Route>>>({
  'sys/ledger/head': { read: head },
  'sys/ledger/events': { read: events },
  'sys/ledger/can': { read: can },
  'sys/ledger/access': { read: access },
  'sys/ledger/restore/plan': { write: plan },
  'sys/ledger/restore/apply': { write: apply },
  'sys/ledger/projections': { read: projections },
  'sys/ledger/projections/verify': { write: verify },
});

const REBUILD = /^sys\/ledger\/projections\/([a-z][a-z-]{0,62})\/rebuild$/;

/** Null: not one of ours. */
export const ledger = (call: Call): Promise<Answer> | Answer | null => {
  const name = REBUILD.exec(call.path)?.[1];
  if (name !== undefined) return call.verb === 'write' ? rebuild(call, name) : oneError(405, 'unsupported operation');
  const route = ROUTES[call.path];
  if (route === undefined) return null;
  return route[call.verb]?.(call) ?? oneError(405, 'unsupported operation');
};
