/** `auth/token` (vault-wire.md §10): from fields to operations, and back. */
import { parseDuration } from '../domain/duration.js';
import type { TokenRequest } from '../operations/tokens/contract.js';
import { table } from '../table.js';
import { type Answer, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { boolField, FieldError, intField, mapField, stringField, textsField, unknownFields } from './fields.js';
import { loggedIn, tokenData } from './token-answers.js';
import { tokenRoles } from './token-roles.js';

type Route = (call: Call) => Promise<Answer>;
type Routes = Readonly<Partial<Record<Call['verb'], Route>>>;

const done = ({ position }: { position: number | null }): Answer => withPosition(noContent, position);

/** The Go words alone, without the name of the field. */
const seconds = (call: Call, name: string): number | undefined => {
  const text = stringField(call.fields, name);
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  if (duration._tag === 'Left') throw new FieldError(duration.left);
  return duration.right / 1000;
};

const CREATE_FIELDS = [
  ...['policies', 'no_default_policy', 'ttl', 'lease', 'explicit_max_ttl', 'period', 'renewable', 'num_uses', 'meta'],
  ...['display_name', 'no_parent', 'id', 'type', 'entity_alias'],
];

const given = <K extends string, V>(name: K, value: V | undefined): { readonly [N in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [N in K]: V });

const create =
  (role: string | null, orphan: boolean): Route =>
  call => {
    const { fields, operations, context } = call;
    const id = stringField(fields, 'id');
    const request: TokenRequest = {
      ...{ role, orphan },
      ...given('policies', textsField(fields, 'policies')),
      ...given('noDefaultPolicy', boolField(fields, 'no_default_policy')),
      ...given('ttlSeconds', seconds(call, 'ttl') || seconds(call, 'lease')),
      ...given('explicitMaxTtlSeconds', seconds(call, 'explicit_max_ttl')),
      ...given('periodSeconds', seconds(call, 'period')),
      ...given('renewable', boolField(fields, 'renewable')),
      ...given('uses', intField(fields, 'num_uses')),
      ...given('meta', mapField(fields, 'meta')),
      ...given('displayName', stringField(fields, 'display_name')),
      ...given('noParent', boolField(fields, 'no_parent')),
      ...(id === undefined || id === '' ? {} : { id }),
      ...given('type', stringField(fields, 'type')),
      ...given('entityAlias', stringField(fields, 'entity_alias')),
    };
    const known = role === null ? CREATE_FIELDS : [...CREATE_FIELDS, 'role_name'];
    return answered(call, operations.tokens.create(context, request), loggedIn(call, unknownFields(fields, known)));
  };

const lookupSelf: Route = call =>
  answered(call, call.operations.auth.lookupSelf(call.context, {}), info =>
    ok(call.context.requestId, tokenData(info)),
  );

const lookup: Route = call => {
  const sent = call.verb === 'read' ? call.query.get('token') : stringField(call.fields, 'token');
  const token = sent === undefined || sent === '' ? null : sent;
  return answered(call, call.operations.tokens.lookup(call.context, { token }), info =>
    ok(call.context.requestId, tokenData(info), unknownFields(call.fields, ['token'])),
  );
};

const accessorOf = (call: Call): string =>
  (call.verb === 'read' ? call.query.get('accessor') : stringField(call.fields, 'accessor')) ?? '';

const lookupAccessor: Route = call =>
  answered(call, call.operations.tokens.lookupAccessor(call.context, { accessor: accessorOf(call) }), info =>
    ok(call.context.requestId, tokenData(info), unknownFields(call.fields, ['accessor'])),
  );

const accessors: Route = call =>
  answered(call, call.operations.tokens.accessors(call.context, {}), keys => ok(call.context.requestId, { keys }));

const increment = (call: Call): number => seconds(call, 'increment') ?? 0;
const tokenOf = (call: Call): string => stringField(call.fields, 'token') ?? '';

const renewSelf: Route = call =>
  answered(
    call,
    call.operations.tokens.renewSelf(call.context, { incrementSeconds: increment(call) }),
    // `token` is what older clients send along.
    loggedIn(call, unknownFields(call.fields, ['increment', 'token'])),
  );

const renew: Route = call =>
  answered(
    call,
    call.operations.tokens.renew(call.context, { token: tokenOf(call), incrementSeconds: increment(call) }),
    loggedIn(call, unknownFields(call.fields, ['increment', 'token'])),
  );

const renewAccessor: Route = call => {
  const input = { accessor: accessorOf(call), incrementSeconds: increment(call) };
  const answer = loggedIn(call, unknownFields(call.fields, ['increment', 'accessor']));
  return answered(call, call.operations.tokens.renewAccessor(call.context, input), answer);
};

const ROUTES = table<Routes>({
  create: { write: create(null, false) },
  'create-orphan': { write: create(null, true) },
  lookup: { read: lookup, write: lookup },
  'lookup-self': { read: lookupSelf, write: lookupSelf },
  'lookup-accessor': { read: lookupAccessor, write: lookupAccessor },
  accessors: { list: accessors },
  'accessors/': { list: accessors },
  renew: { write: renew },
  'renew-self': { write: renewSelf },
  'renew-accessor': { write: renewAccessor },
  revoke: {
    write: call => answered(call, call.operations.tokens.revoke(call.context, { token: tokenOf(call) }), done),
  },
  'revoke-self': { write: call => answered(call, call.operations.tokens.revokeSelf(call.context, {}), done) },
  'revoke-orphan': {
    write: call => answered(call, call.operations.tokens.revokeOrphan(call.context, { token: tokenOf(call) }), done),
  },
  'revoke-accessor': {
    write: call =>
      answered(call, call.operations.tokens.revokeAccessor(call.context, { accessor: accessorOf(call) }), done),
  },
});

const PREFIX = 'auth/token/';

/** Null: not one of ours. */
export const tokens = (call: Call): Promise<Answer> | Answer | null => {
  if (!call.path.startsWith(PREFIX)) return null;
  const path = call.path.slice(PREFIX.length);
  const role = /^create\/([^/]+)$/.exec(path)?.[1];
  const routes = role === undefined ? (ROUTES[path] ?? tokenRoles(path)) : { write: create(role, false) };
  if (routes === null) return null;
  return routes[call.verb]?.(call) ?? oneError(405, 'unsupported operation');
};
