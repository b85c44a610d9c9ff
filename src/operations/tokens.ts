/** Tokens: made for a login or by a caller, looked up, revoked. Only a keyed hash is ever stored (formats.md §7). */

import type { Token } from '../authority/tokens.js';
import type { Uuid } from '../crypto/bytes.js';
import { newAccessor, newToken, tokenHash } from '../crypto/ids.js';
import { randomUuid4, randomUuid7 } from '../crypto/random.js';
import type { Header } from '../domain/header.js';
import type { SecretState } from '../domain/secret/state.js';
import { sealEvent } from '../keys/event-sealer.js';
import type { Command } from '../ledger/command.js';
import type { Session } from '../nexus/session.js';
import { type App, refuse, sessionOf } from './app.js';
import { authorise, authoriseCommand, headerOf, stillAllowed } from './authorise.js';
import type { AuthOperations, LoginResult, RequestContext, TokenInfo } from './contract.js';
import { operation, orRefuse } from './operation.js';

const SECOND_US = 1_000_000;
const GRANTABLE: readonly string[] = ['root', 'auditor', 'default'];

export interface NewToken {
  readonly entity: Uuid;
  readonly policies: readonly string[];
  readonly displayName: string;
  readonly creationPath: string;
  readonly method: string;
  readonly meta: Readonly<Record<string, string>> | null;
  /** 0 = never expires */
  readonly ttlSeconds: number;
  readonly parent: Uuid | null;
}

/** Appends `token.created` and gives the token, which exists in the clear only in this answer. */
export const createToken = async (
  session: Session,
  context: RequestContext,
  wanted: NewToken,
  header: Header,
  allowed: (atUs: number) => boolean,
): Promise<LoginResult> => {
  const { custody } = session;
  const token = newToken();
  const accessor = newAccessor();
  const streamId = randomUuid4();
  const hash = tokenHash(custody.keyring.tokenKey, custody.ledger, token).toString('hex');
  const own = {
    accessor,
    policies: wanted.policies,
    display_name: wanted.displayName,
    creation_path: wanted.creationPath,
    method: wanted.method,
    ...(wanted.meta === null ? {} : { meta: wanted.meta }),
    ...(wanted.ttlSeconds === 0 ? {} : { ttl: wanted.ttlSeconds }),
  };
  const sealed = sealEvent(custody, {
    eventId: randomUuid7(session.ports.nowMs()),
    streamId,
    type: 'token.created',
    lane: 1,
    actor: wanted.entity,
    header: { ...header, ...own },
  });
  const command: Command<SecretState, { position: number; createdAt: number }> = {
    ...lane1Command(context, streamId, sealed.header.length),
    decide: view => {
      if (!allowed(view.recordedAt)) return { kind: 'reject', failure: { kind: 'unauthenticated' } };
      const facts = {
        token_hash: hash,
        ...(wanted.ttlSeconds === 0 ? {} : { expires_at: view.recordedAt + wanted.ttlSeconds * SECOND_US }),
        ...(wanted.parent === null ? {} : { parent: wanted.parent }),
      };
      return {
        kind: 'append',
        events: [{ sealed, facts }],
        result: placed => ({ position: placed[0]?.position ?? 0, createdAt: view.recordedAt }),
      };
    },
  };
  const { position, createdAt } = orRefuse(await session.appender.submit(command));
  const expiresAt = wanted.ttlSeconds === 0 ? 0 : createdAt + wanted.ttlSeconds * SECOND_US;
  const made = { ...wanted, id: streamId, accessor, expiresAt, createdAt };
  return { position, token, info: tokenInfo(made, token) };
};

/** What every command that changes authority has in common: it travels alone, so that later ones see it folded. */
export const lane1Command = (context: RequestContext, streamId: Uuid, weight: number) => ({
  streams: [streamId],
  repeatOf: null,
  alone: true,
  weight,
  eventsMax: 1,
  deadlineMs: context.deadlineMs,
  gone: context.gone,
});

/** `id` is the token itself, which the caller sent. */
export const tokenInfo = (
  token: Pick<
    Token,
    | 'accessor'
    | 'creationPath'
    | 'createdAt'
    | 'displayName'
    | 'entity'
    | 'expiresAt'
    | 'meta'
    | 'method'
    | 'parent'
    | 'policies'
  >,
  id: string,
): TokenInfo => ({
  id,
  accessor: token.accessor,
  path: token.creationPath,
  displayName: token.displayName,
  entityId: token.entity,
  type: 'service',
  policies: token.policies,
  meta: token.meta,
  createdAt: token.createdAt,
  expiresAt: token.expiresAt,
  creationTtlSeconds: token.expiresAt === 0 ? 0 : Math.round((token.expiresAt - token.createdAt) / SECOND_US),
  orphan: token.parent === null,
  root: token.method === 'root',
});

export const tokenOperations = (app: App): Omit<AuthOperations, 'login'> => ({
  lookupSelf: operation('looking up a token', async context => {
    const session = sessionOf(app);
    const caller = await authorise(app, session, context, { op: 'token.lookup-self', capability: 'read' });
    return tokenInfo(caller.token, context.token ?? '');
  }),

  createToken: operation('creating a token', async (context, input) => {
    const session = sessionOf(app);
    const op = 'token.create';
    const caller = await authoriseCommand(app, session, context, { op, capability: 'update' });
    const unknown = input.policies.find(policy => !GRANTABLE.includes(policy));
    if (unknown !== undefined)
      refuse({ kind: 'invalid', message: `unknown policy: this server knows ${GRANTABLE.join(', ')}` });
    if (!Number.isSafeInteger(input.ttlSeconds) || input.ttlSeconds < 0 || input.ttlSeconds > 100 * 366 * 86_400)
      refuse({ kind: 'invalid', message: 'ttl must be between 0 and 100 years' });
    const policies = [...new Set(input.policies.length === 0 ? caller.token.policies : input.policies)].sort();
    const wanted: NewToken = {
      entity: caller.token.entity,
      policies,
      displayName: input.displayName,
      creationPath: context.path,
      method: 'token',
      meta: null,
      ttlSeconds: input.ttlSeconds,
      parent: caller.token.id,
    };
    const allowed = (atUs: number): boolean => stillAllowed(caller, context, 'update', atUs);
    return createToken(session, context, wanted, headerOf(app, caller, context, { op }, {}), allowed);
  }),

  revokeSelf: operation('revoking a token', async context => {
    const session = sessionOf(app);
    const op = 'token.revoke-self';
    const caller = await authoriseCommand(app, session, context, { op, capability: 'update' });
    const streamId = caller.token.id;
    const sealed = sealEvent(session.custody, {
      eventId: randomUuid7(app.nowMs()),
      streamId,
      type: 'token.revoked',
      lane: 1,
      actor: caller.token.entity,
      header: headerOf(app, caller, context, { op }, { accessor: caller.token.accessor }),
    });
    const command: Command<SecretState, { position: number }> = {
      ...lane1Command(context, streamId, sealed.header.length),
      decide: view =>
        stillAllowed(caller, context, 'update', view.recordedAt)
          ? {
              kind: 'append',
              events: [{ sealed, facts: { tree: true } }],
              result: placed => ({ position: placed[0]?.position ?? 0 }),
            }
          : { kind: 'reject', failure: { kind: 'unauthenticated' } },
    };
    return orRefuse(await session.appender.submit(command));
  }),
});
