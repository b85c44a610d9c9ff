/** `auth/token` and `auth/userpass` as far as they exist (vault-wire.md §10, §12.1), and the slots behind administrators. */
import type { LoginResult, TokenInfo } from '../operations/contract.js';
import { type Answer, envelope, errors, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { durationField, stringField, stringsField } from './fields.js';
import { printTime } from './times.js';

const remaining = (info: TokenInfo): number =>
  info.expiresAt === 0 ? 0 : Math.max(0, Math.ceil((info.expiresAt / 1000 - Date.now()) / 1000));

const tokenData = (info: TokenInfo) => ({
  accessor: info.accessor,
  creation_time: Math.floor(info.createdAt / 1_000_000),
  creation_ttl: info.creationTtlSeconds,
  display_name: info.displayName,
  entity_id: info.entityId,
  expire_time: info.expiresAt === 0 ? null : printTime(info.expiresAt),
  explicit_max_ttl: info.explicitMaxTtlSeconds,
  id: info.id,
  ...(info.root ? {} : { issue_time: printTime(info.createdAt) }),
  meta: info.meta,
  num_uses: info.usesLeft,
  orphan: info.orphan,
  path: info.path,
  policies: info.policies,
  renewable: info.renewable,
  ttl: remaining(info),
  type: info.type,
});

const authBlock = ({ token, info }: LoginResult) => ({
  client_token: token,
  accessor: info.accessor,
  policies: info.policies,
  token_policies: info.policies,
  metadata: info.meta,
  lease_duration: remaining(info),
  renewable: info.renewable,
  entity_id: info.entityId,
  token_type: info.type,
  orphan: info.orphan,
  mfa_requirement: null,
  num_uses: info.usesLeft,
});

const loggedIn =
  (call: Call) =>
  (result: LoginResult): Answer =>
    withPosition(
      { status: 200, body: envelope(call.context.requestId, { auth: authBlock(result), warnings: result.warnings }) },
      result.position,
    );

const lookupSelf = (call: Call): Promise<Answer> =>
  answered(call, call.operations.auth.lookupSelf(call.context, {}), info =>
    ok(call.context.requestId, tokenData(info)),
  );

const createToken = (call: Call): Promise<Answer> => {
  const ttlMs = durationField(call.fields, 'ttl') ?? 0;
  const given = stringField(call.fields, 'display_name') ?? '';
  const displayName = given === '' ? 'token' : `token-${given.replace(/[^\w.-]/g, '-').slice(0, 128)}`;
  const policies = stringsField(call.fields, 'policies') ?? [];
  const input = { policies, displayName, ttlSeconds: Math.floor(ttlMs / 1000) };
  return answered(call, call.operations.auth.createToken(call.context, input), loggedIn(call));
};

const revokeSelf = (call: Call): Promise<Answer> =>
  answered(call, call.operations.auth.revokeSelf(call.context, {}), ({ position }) =>
    withPosition(noContent, position),
  );

const LOGIN = /^auth\/userpass\/login\/([^/]+)$/;
const PASSWORD = /^auth\/userpass\/users\/([^/]+)\/password$/;
const USER = /^auth\/userpass\/users\/([^/]+)$/;

/** No token is asked of these: a bad one sent along is ignored. */
export const login = (call: Call): Promise<Answer> | Answer | null => {
  const name = LOGIN.exec(call.path)?.[1];
  const changing = PASSWORD.exec(call.path)?.[1];
  if (name === undefined && changing === undefined) return null;
  if (call.verb !== 'write') return oneError(405, 'unsupported operation');
  const { fields, operations, context } = call;
  if (name !== undefined) {
    const password = stringField(fields, 'password');
    if (password === undefined || password === '') return errors(400, 'missing password');
    return answered(call, operations.auth.login(context, { name, password }), loggedIn(call));
  }
  const [oldPassword, newPassword] = [stringField(fields, 'old_password'), stringField(fields, 'password')];
  if (changing === undefined || oldPassword === undefined || newPassword === undefined)
    return errors(400, 'give old_password and password');
  const input = { name: changing, oldPassword, newPassword };
  return answered(call, operations.sys.changePassword(context, input), ({ position }) =>
    withPosition(noContent, position),
  );
};

/** Null: not one of ours. */
export const auth = (call: Call): Promise<Answer> | Answer | null => {
  const user = USER.exec(call.path)?.[1];
  if (user !== undefined) return administrator(call, user);
  const routes = ROUTES[call.path];
  if (routes === undefined) return null;
  return routes[call.verb]?.(call) ?? oneError(405, 'unsupported operation');
};

const ROUTES: Readonly<Record<string, Partial<Record<Call['verb'], (call: Call) => Promise<Answer>>> | undefined>> = {
  'auth/token/lookup-self': { read: lookupSelf },
  'auth/token/create': { write: createToken },
  'auth/token/revoke-self': { write: revokeSelf },
};

/** A further administrator: a slot of the root key under a password of their own. */
const administrator = (call: Call, name: string): Promise<Answer> | Answer => {
  const { fields, operations, context } = call;
  if (call.verb === 'delete')
    return answered(call, operations.sys.removeSlot(context, { name }), ({ position }) =>
      withPosition(noContent, position),
    );
  if (call.verb !== 'write') return oneError(405, 'unsupported operation');
  const password = stringField(fields, 'password');
  if (password === undefined) return errors(400, 'missing password');
  return answered(call, operations.sys.addSlot(context, { name, password }), ({ position }) =>
    withPosition(noContent, position),
  );
};
