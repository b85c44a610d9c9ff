/** Token roles: written, read, listed, removed. Their stream is named by the role, beside those of auth methods. */
import type { Role } from '../../authority/logins.js';
import { NO_MOUNT } from '../../authority/mounts.js';
import type { Uuid } from '../../crypto/bytes.js';
import { randomUuid7 } from '../../crypto/random.js';
import type { SecretState } from '../../domain/secret/state.js';
import { sealEvent } from '../../keys/event-sealer.js';
import type { Command } from '../../ledger/command.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand, headerOf, stillAllowed } from '../authorise.js';
import { authStream } from '../logins/streams.js';
import { operation, orRefuse } from '../operation.js';
import type { TokenOperations } from './contract.js';
import { lane1Command } from './lane1.js';
import { changedRole, NEW_ROLE, roleSettings } from './role-settings.js';

/** stream("role", mount ‖ name), of the token store's own. */
export const roleStream = (session: Session, name: string): Uuid => authStream(session, 'role', NO_MOUNT, name);

export const tokenRole = (session: Session, name: string): Role | null =>
  session.authority.roles.get(roleStream(session, name));

const ROLES_MAX = 10_000;

type Roles = Pick<TokenOperations, 'readRole' | 'writeRole' | 'removeRole' | 'listRoles'>;

export const roleOperations = (app: App): Roles => ({
  readRole: operation('reading a token role', async (context, { name }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'token.role-read', capability: 'read' });
    return roleSettings(tokenRole(session, name) ?? refuse({ kind: 'absent' }));
  }),

  listRoles: operation('listing token roles', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'token.role-list', capability: 'list' });
    const names = [...session.authority.roles.of(NO_MOUNT)].map(role => role.name).sort();
    return names.length === 0 ? refuse({ kind: 'absent' }) : names;
  }),

  writeRole: operation('writing a token role', async (context, { name, change }) => {
    const session = sessionOf(app);
    await session.reader.refresh();
    const before = tokenRole(session, name);
    const [op, capability] = ['token.role-write', before === null ? 'create' : 'update'] as const;
    const caller = await authoriseCommand(app, session, context, { op, capability });
    if (!/^[\w](?:[\w.@-]{0,126}\w)?$/.test(name))
      refuse({ kind: 'invalid', message: 'a role name has 1 to 128 letters, digits, dots, dashes, underscores or @' });
    if (before === null && [...session.authority.roles.of(NO_MOUNT)].length >= ROLES_MAX)
      refuse({ kind: 'invalid', message: 'there are 10,000 token roles already: remove some first' });
    const settings = changedRole(before === null ? NEW_ROLE : roleSettings(before), change);
    const streamId = roleStream(session, name);
    const own = { auth_mount: NO_MOUNT, name, settings };
    const sealed = sealEvent(session.custody, {
      eventId: randomUuid7(app.nowMs()),
      streamId,
      type: 'role.written',
      lane: 1,
      actor: caller.token.entity,
      header: headerOf(app, caller, context, { op }, own),
    });
    const command: Command<SecretState, { position: number | null }> = {
      ...lane1Command(context, streamId, sealed.header.length),
      decide: view => {
        if (!stillAllowed(caller, context, capability, view.recordedAt))
          return { kind: 'reject', failure: { kind: 'unauthenticated' } };
        // Somebody else wrote it meanwhile: what was merged is not what is there.
        if (tokenRole(session, name) !== before)
          return { kind: 'reject', failure: { kind: 'busy', retryAfterSeconds: 1 } };
        return {
          kind: 'append',
          events: [{ sealed, facts: {} }],
          result: placed => ({ position: placed[0]?.position ?? null }),
        };
      },
    };
    return orRefuse(await session.appender.submit(command));
  }),

  removeRole: operation('removing a token role', async (context, { name }) => {
    const session = sessionOf(app);
    const [op, capability] = ['token.role-remove', 'delete'] as const;
    const caller = await authoriseCommand(app, session, context, { op, capability });
    const streamId = roleStream(session, name);
    const sealed = sealEvent(session.custody, {
      eventId: randomUuid7(app.nowMs()),
      streamId,
      type: 'role.removed',
      lane: 1,
      actor: caller.token.entity,
      header: headerOf(app, caller, context, { op }, { auth_mount: NO_MOUNT, name }),
    });
    const command: Command<SecretState, { position: number | null }> = {
      ...lane1Command(context, streamId, sealed.header.length),
      decide: view => {
        if (!stillAllowed(caller, context, capability, view.recordedAt))
          return { kind: 'reject', failure: { kind: 'unauthenticated' } };
        if (tokenRole(session, name) === null) return { kind: 'nothing', result: { position: null } };
        return {
          kind: 'append',
          events: [{ sealed, facts: {} }],
          result: placed => ({ position: placed[0]?.position ?? null }),
        };
      },
    };
    return orRefuse(await session.appender.submit(command));
  }),
});
