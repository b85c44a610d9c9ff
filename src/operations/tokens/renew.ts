/** Renewal: a new end of life, decided at the head of the ledger from the time of the event (vault-wire.md §10.4). */
import type { Mount } from '../../authority/mounts.js';
import type { Token } from '../../authority/tokens.js';
import { randomUuid7 } from '../../crypto/random.js';
import type { SecretState } from '../../domain/secret/state.js';
import type { Failure } from '../../failure.js';
import { E, type Either } from '../../fp.js';
import { sealEvent } from '../../keys/event-sealer.js';
import type { Command } from '../../ledger/command.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, type Caller, headerOf, stillAllowed } from '../authorise.js';
import { askMethod } from '../logins/renewal.js';
import { operation, orRefuse } from '../operation.js';
import type { RequestContext } from '../request.js';
import type { LoginResult, TokenOperations } from './contract.js';
import { findToken, stillLives } from './find.js';
import { lane1Command } from './lane1.js';
import { byAccessor } from './lookup.js';
import { tokenRole } from './roles.js';
import { grantTtl, type Lifetime, limitsOf } from './ttl.js';
import { tokenInfo } from './view.js';

const SECOND_US = 1_000_000;

const invalid = (message: string): Failure => ({ kind: 'invalid', message });

type Renewals = Pick<TokenOperations, 'renewSelf' | 'renew' | 'renewAccessor'>;

export const renewOperations = (app: App): Renewals => ({
  renewSelf: operation('renewing a token', async (context, { incrementSeconds }) => {
    const session = sessionOf(app);
    const caller = await authorise(app, session, context, { op: 'token.renew-self', capability: 'update' });
    return renew(app, caller, context, 'token.renew-self', caller.token, context.token ?? '', incrementSeconds);
  }),

  renew: operation('renewing a token', async (context, { token: text, incrementSeconds }) => {
    const session = sessionOf(app);
    const caller = await authorise(app, session, context, { op: 'token.renew', capability: 'update' });
    if (text === '') refuse(invalid('missing token ID'));
    const token = findToken(session, text, session.now()) ?? refuse(invalid('token not found'));
    return renew(app, caller, context, 'token.renew', token, text, incrementSeconds);
  }),

  renewAccessor: operation('renewing a token', async (context, { accessor, incrementSeconds }) => {
    const session = sessionOf(app);
    const caller = await authorise(app, session, context, { op: 'token.renew-accessor', capability: 'update' });
    const token = byAccessor(session, accessor);
    return renew(app, caller, context, 'token.renew-accessor', token, '', incrementSeconds);
  }),
});

const renew = async (
  app: App,
  caller: Caller,
  context: RequestContext,
  op: string,
  token: Token,
  text: string,
  increment: number,
): Promise<LoginResult> => {
  const { session } = caller;
  if (token.type === 'batch') refuse(invalid('batch tokens cannot be renewed'));
  if (increment < 0) refuse(invalid('increment must be positive'));
  const sealed = sealEvent(session.custody, {
    eventId: randomUuid7(app.nowMs()),
    streamId: token.id,
    type: 'token.renewed',
    lane: 1,
    actor: caller.token.entity,
    header: headerOf(app, caller, context, { op }, { accessor: token.accessor }),
  });
  const command: Command<SecretState, Omit<LoginResult, 'token'>> = {
    ...lane1Command(context, token.id, sealed.header.length),
    decide: view => {
      const { recordedAt } = view;
      if (!stillAllowed(caller, context, 'update', recordedAt))
        return { kind: 'reject', failure: { kind: 'unauthenticated' } };
      const now = stillLives(session, token, recordedAt);
      if (now === null) return { kind: 'reject', failure: invalid('token not found') };
      const standing = renewable(session, context, now);
      if (standing._tag === 'Left') return { kind: 'reject', failure: standing.left };
      const { mount, life } = standing.right;
      const wanted = { ...life, ttlSeconds: increment > 0 ? increment : life.ttlSeconds };
      const granted = grantTtl(wanted, limitsOf(mount), Math.floor((recordedAt - now.createdAt) / SECOND_US));
      if (granted === null) return { kind: 'reject', failure: invalid('past the max TTL, cannot renew') };
      const { ttlSeconds, endSeconds } = granted;
      // What is left was counted in whole seconds: the end itself is exact.
      const end = endSeconds === 0 ? Number.POSITIVE_INFINITY : now.createdAt + endSeconds * SECOND_US;
      const expiresAt = Math.min(recordedAt + ttlSeconds * SECOND_US, end);
      const info = tokenInfo(session.authority, { ...now, expiresAt, renewedAt: recordedAt }, text);
      return {
        kind: 'append',
        events: [{ sealed, facts: { expires_at: expiresAt } }],
        result: placed => ({ position: placed[0]?.position ?? null, info, warnings: granted.warnings }),
      };
    },
  };
  return { ...orRefuse(await session.appender.submit(command)), token: text };
};

interface Standing {
  /** Whose tuned limits bound it. */
  readonly mount: Mount | null;
  readonly life: Lifetime;
}

/** What a token was given under must still be there: its role, or the name that logged in. */
const renewable = (session: Session, context: RequestContext, token: Token): Either<Failure, Standing> => {
  if (!token.renewable || token.expiresAt === 0) return E.left(invalid('lease is not renewable'));
  const { mounts } = session.authority;
  const given: Lifetime = {
    ...{ ttlSeconds: token.ttl, periodSeconds: token.period },
    ...{ maxTtlSeconds: token.maxTtl, explicitMaxTtlSeconds: token.explicitMaxTtl },
  };
  if (token.mount === null) {
    if (token.role !== null && tokenRole(session, token.role) === null)
      return E.left(invalid(`original token role ${JSON.stringify(token.role)} could not be found, not renewing`));
    return E.right({ mount: mounts.at('auth/token'), life: given });
  }
  const mount = mounts.byId(token.mount);
  if (mount === null) return E.left(invalid('lease is not renewable'));
  const asked = askMethod({ session, context, mount, token });
  if (asked._tag === 'Left') return asked;
  // The explicit maximum was promised when the token was made: no later setting moves it.
  return E.right({ mount, life: { ...asked.right, explicitMaxTtlSeconds: token.explicitMaxTtl } });
};
