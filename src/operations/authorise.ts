/**
 * Who asks, and may they? A token is found by its keyed hash in authority; its permission is asked for a capability on the
 * request's path. A refusal is given only after lane 1 was folded as of now, and is recorded.
 */
import type { Capability, Permission, Rule } from '../authority/permission.js';
import type { Token } from '../authority/tokens.js';
import type { Header } from '../domain/header.js';
import type { RecordedRequest } from '../nexus/recorder.js';
import type { Session } from '../nexus/session.js';
import { type App, refuse } from './app.js';
import { First } from './first.js';
import type { RequestContext } from './request.js';
import { addressAllowed } from './tokens/cidrs.js';
import { findToken, stillLives } from './tokens/find.js';
import { paidBy, spendUse } from './tokens/spend.js';

export interface Caller {
  readonly session: Session;
  readonly token: Token;
  readonly rule: Rule;
}

/** What the request was called in the API's words, for headers and records: `kv.write`, `token.create`, … */
export type OpName = string;

export interface Asked {
  readonly op: OpName;
  readonly capability: Capability;
  /** What it is about, mount and path in full; absent: the request's own path. */
  readonly subject?: string;
}

/** Who this request was allowed to; null: nobody was asked for, as at a login. */
export const callerOf = ({ once }: RequestContext): Caller | null => once.caller ?? null;

type Denial = 'no-token' | 'bad-token' | 'bound-cidr' | 'permission';

/** Those that never expire are the way back in: they are not bound to an address. */
const addressFits = (token: Token, address: string): boolean =>
  (token.expiresAt === 0 && token.policies.includes('root')) || addressAllowed(token.boundCidrs, address);

/** Templates are filled once and kept: who it is has to be known by then. */
const permissionOf = (session: Session, token: Token): Permission => {
  const { entityNames } = session;
  if (!entityNames.knows(token.entity))
    throw new First('an identity is to be opened', () => entityNames.know(token.entity));
  return session.authority.permissionOf(token);
};

const lookUp = (app: App, session: Session, context: RequestContext, asked: Asked): Caller | Denial => {
  if (context.token === null || context.token === '') return 'no-token';
  const paid = paidBy(context);
  const token = paid ?? findToken(session, context.token, session.now());
  if (token === null) return 'bad-token';
  if (!addressFits(token, context.from.address)) return 'bound-cidr';
  context.once.denied = () => recordDenial(app, session, context, asked, lateDenial(session, context, token), token);
  if (token.uses > 0 && paid === null)
    throw new First('a use of the token is to be recorded', () =>
      spendUse(session, context, token, spentHeader(app, session, context, token, asked.op)),
    );
  const rule = permissionOf(session, token).allows(asked.capability, context.path, context.asking);
  if (rule === null) return 'permission';
  const caller = { session, token, rule };
  context.once.caller = caller;
  return caller;
};

/** The caller as far as this process knows; use where a read of this very request has just folded lane 1. */
export const authoriseFolded = (app: App, session: Session, context: RequestContext, asked: Asked): Caller => {
  const caller = lookUp(app, session, context, asked);
  if (typeof caller !== 'string') return caller;
  recordDenial(app, session, context, asked, caller);
  return refuse({ kind: caller === 'permission' ? 'forbidden' : 'unauthenticated' });
};

/** The same after folding lane 1 as of now. */
export const authorise = async (app: App, session: Session, context: RequestContext, asked: Asked): Promise<Caller> => {
  await session.reader.refresh();
  return authoriseFolded(app, session, context, asked);
};

/**
 * For the few routes that ask who somebody is and not what they may: a token that lives is enough, and pays nothing. Their
 * answers show only what is the token's own.
 */
export const authenticate = async (app: App, session: Session, context: RequestContext, op: OpName): Promise<Token> => {
  await session.reader.refresh();
  const token = context.token === null ? null : findToken(session, context.token, session.now());
  if (token !== null && addressFits(token, context.from.address)) {
    await session.entityNames.know(token.entity);
    return token;
  }
  const why = context.token === null ? 'no-token' : token === null ? 'bad-token' : 'bound-cidr';
  recordDenial(app, session, context, { op, capability: 'read' }, why);
  return refuse({ kind: 'unauthenticated' });
};

/**
 * For commands: allowed by what is known here, because it is asked again at the head of the ledger (`stillAllowed`);
 * refused only after lane 1 was folded as of now.
 */
export const authoriseCommand = async (
  app: App,
  session: Session,
  context: RequestContext,
  asked: Asked,
): Promise<Caller> => {
  const caller = lookUp(app, session, context, asked);
  return typeof caller === 'string' ? authorise(app, session, context, asked) : caller;
};

/** At the head: is the token still there, and does the same permission still allow this? */
export const stillAllowed = (
  caller: Caller,
  context: RequestContext,
  capability: Capability,
  atUs: number,
): boolean => {
  // A token that gave its last use for this request is gone by now, and the request is what it gave it for.
  const token = paidBy(context)?.usesLeft === 0 ? caller.token : stillLives(caller.session, caller.token, atUs);
  return (
    token !== null &&
    caller.session.authority.permissionOf(token).allows(capability, context.path, context.asking) !== null
  );
};

/** Of the two capabilities that a write may need, one that the caller has, if any: for what nobody can say exists or not. */
export const eitherWrite = (session: Session, context: RequestContext): 'create' | 'update' => {
  const token = context.token === null ? null : findToken(session, context.token, session.now());
  if (token === null) return 'update';
  const creates = permissionOf(session, token).allows('create', context.path, context.asking) !== null;
  return creates ? 'create' : 'update';
};

/** Does this caller have `sudo` on the request's own path? */
export const hasSudo = (caller: Caller, context: RequestContext): boolean =>
  caller.session.authority.permissionOf(caller.token).allows('sudo', context.path, context.asking) !== null;

/** No rule allowed it: a use is spent before anything is asked. */
const spentHeader = (app: App, session: Session, context: RequestContext, token: Token, op: OpName): Header => ({
  ...{ v: 1, at: app.nowMs() * 1000, op, path: context.path },
  ...who(session, token),
  ...circumstances(app, context),
});

const who = (session: Session, token: Token) => ({
  actor: { id: token.entity, kind: session.authority.entities.get(token.entity)?.kind ?? 'unknown' },
  // A batch token has no accessor: its own id tells it apart.
  via: { method: token.method, accessor: token.accessor === '' ? token.id : token.accessor },
});

/** The header of an event that this caller brings about (events.md §5), with the type's own fields. */
export const headerOf = (
  app: App,
  caller: Caller,
  context: RequestContext,
  { op, subject }: Pick<Asked, 'op' | 'subject'>,
  own: object,
): Header => {
  const { token, session } = caller;
  return {
    v: 1,
    at: app.nowMs() * 1000,
    op,
    path: subject ?? context.path,
    ...who(session, token),
    ...circumstances(app, context),
    rule: caller.rule,
    ...own,
  };
};

/** From where, with which request, and why, as far as the caller said. */
export const circumstances = (app: App, context: RequestContext) => {
  const { from, reason, ticket, trace } = context;
  return {
    from: {
      address: from.address,
      port: from.port,
      ...(from.forwarded === null ? {} : { forwarded: from.forwarded }),
      ...(from.agent === null ? {} : { agent: from.agent.slice(0, 256) }),
      ...(from.tls ? { tls: true } : {}),
    },
    node: app.nodeId,
    request: {
      id: context.requestId,
      ...(trace === null ? {} : { trace }),
      ...(context.idempotencyKey === null ? {} : { idempotency: true }),
    },
    ...(reason === null ? {} : { reason }),
    ...(ticket === null ? {} : { ticket }),
  };
};

/** Why the head of the ledger did not let through what was allowed before. */
const lateDenial = (session: Session, context: RequestContext, token: Token): Denial =>
  paidBy(context)?.usesLeft !== 0 && stillLives(session, token, session.now()) === null ? 'bad-token' : 'permission';

const tokenIn = (session: Session, { token }: RequestContext): Token | null =>
  token === null || token === '' ? null : findToken(session, token, session.now());

/** Once for a request, however often it is refused on its way out. */
const recordDenial = (
  app: App,
  session: Session,
  context: RequestContext,
  asked: Asked,
  why: Denial,
  token = tokenIn(session, context),
): void => {
  delete context.once.denied;
  session.recorder.record({
    ...requestRecord(app, context, asked.op, token, session),
    path: asked.subject ?? context.path,
    outcome: 'denied',
    reason_code: why,
    status: 403,
    capability: asked.capability,
  });
};

/** The common fields of a recorded request; the caller adds outcome, reason and status. */
export const requestRecord = (
  app: App,
  context: RequestContext,
  op: OpName,
  token: Token | null,
  session: Session | null,
): Omit<RecordedRequest, 'outcome'> & { readonly v: 1; readonly at: number } => ({
  v: 1,
  at: app.nowMs() * 1000,
  op,
  path: context.path,
  ...(token === null || session === null ? {} : who(session, token)),
  ...circumstances(app, context),
});
