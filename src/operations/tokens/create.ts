/** `auth/token/create`, `create-orphan`, `create/ROLE`: what the caller asked for becomes a token, if all of it is allowed. */
import type { Role } from '../../authority/logins.js';
import type { Failure } from '../../failure.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authoriseCommand, type Caller, hasSudo, headerOf, stillAllowed } from '../authorise.js';
import { operation, orRefuse } from '../operation.js';
import type { RequestContext } from '../request.js';
import type { TokenOperations } from './contract.js';
import { displayNameOf, lifetimeOf, refuseCaller, refuseRequest, smaller, typeOf } from './create-rules.js';
import { createToken } from './create-token.js';
import type { NewToken } from './new-token.js';
import { grantPolicies } from './policies.js';
import { roleSettings } from './role-settings.js';
import { tokenRole } from './roles.js';
import { limitsOf } from './ttl.js';

export const createOperation = (app: App): Pick<TokenOperations, 'create'> => ({
  create: operation('creating a token', async (context, request) => {
    const session = sessionOf(app);
    const op = request.role === null ? (request.orphan ? 'token.create-orphan' : 'token.create') : 'token.create-role';
    const caller = await authoriseCommand(app, session, context, { op, capability: 'update' });
    const sudo = hasSudo(caller, context);
    const { token: parent } = caller;
    const stored = await roleNamed(session, request.role);
    const role = stored === null ? null : roleSettings(stored);
    refuseCaller(parent);
    const type = typeOf(request, role);
    const uses = smaller(request.uses ?? 0, role?.tokenNumUses ?? 0);
    refuseRequest({ ...request, uses }, { sudo, hasRole: role !== null, type });
    const policies = orRefuse(
      grantPolicies({
        asked: request.policies ?? [],
        noDefault: request.noDefaultPolicy ?? false,
        ...{ parent: parent.policies, sudo, role, type },
      }),
    );
    const limits = limitsOf(session.authority.mounts.at('auth/token'));
    const { life, warnings } = lifetimeOf(request, role, limits, policies.includes('root'));
    const forEver = policies.includes('root') && life.ttlSeconds === 0 && life.periodSeconds === 0;
    if (forEver && parent.expiresAt !== 0)
      refuse({ kind: 'invalid', message: 'expiring root tokens cannot create non-expiring root tokens' });
    const orphan = request.orphan || (role === null ? request.noParent === true : role.orphan);
    const wanted: NewToken = {
      ...life,
      entity: parent.entity,
      policies,
      noDefaultPolicy: true,
      displayName: displayNameOf(request.displayName ?? ''),
      creationPath: role === null || role.pathSuffix === '' ? context.path : `${context.path}/${role.pathSuffix}`,
      method: 'token',
      meta: request.meta ?? null,
      forEver,
      uses,
      renewable: (request.renewable ?? true) && (role?.renewable ?? true) && type === 'service',
      boundCidrs: forEver
        ? []
        : role !== null && role.tokenBoundCidrs.length > 0
          ? role.tokenBoundCidrs
          : parent.boundCidrs,
      type,
      parent: orphan ? null : parent.id,
      mount: null,
      role: request.role,
    };
    const result = await createToken(wanted, {
      session,
      context,
      header: headerOf(app, caller, context, { op }, {}),
      check: view => atHead(caller, context, sudo, stored, view.recordedAt),
      ...(request.id === undefined ? {} : { id: request.id }),
    });
    const chosen = request.id === undefined ? [] : [CHOSEN];
    return { ...result, warnings: [...unknownPolicies(session, policies), ...warnings, ...chosen, ...result.warnings] };
  }),
});

const CHOSEN = 'A token id that was chosen is only as hard to guess as the choice: let the server make it.';

const roleNamed = async (session: Session, name: string | null): Promise<Role | null> => {
  if (name === null) return null;
  await session.reader.refresh();
  return tokenRole(session, name) ?? refuse({ kind: 'invalid', message: `unknown role ${name}` });
};

/** What it was allowed under holds still: permission, sudo, the role as it was read. */
const atHead = (
  caller: Caller,
  context: RequestContext,
  sudo: boolean,
  role: Role | null,
  atUs: number,
): Failure | null => {
  if (!stillAllowed(caller, context, 'update', atUs)) return { kind: 'unauthenticated' };
  if (sudo && !hasSudo(caller, context)) return { kind: 'forbidden' };
  const moved = role !== null && caller.session.authority.roles.get(role.id) !== role;
  return moved ? { kind: 'busy', retryAfterSeconds: 1 } : null;
};

const BUILT_IN = ['root', 'default', 'auditor'];

const unknownPolicies = (session: Session, policies: readonly string[]): readonly string[] =>
  policies
    .filter(name => !BUILT_IN.includes(name) && session.authority.policies.get(name) === null)
    .map(name => `Policy ${JSON.stringify(name)} does not exist`);
