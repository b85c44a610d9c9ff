/** Revocation: of the caller's own token, of another, of one without its children. Gone on every node once it is recorded. */
import type { Token } from '../../authority/tokens.js';
import { randomUuid7 } from '../../crypto/random.js';
import type { SecretState } from '../../domain/secret/state.js';
import type { Failure } from '../../failure.js';
import { sealEvent } from '../../keys/event-sealer.js';
import type { Command } from '../../ledger/command.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, type Caller, headerOf, stillAllowed } from '../authorise.js';
import { operation, orRefuse } from '../operation.js';
import type { RequestContext } from '../request.js';
import type { TokenOperations } from './contract.js';
import { findToken, stillLives } from './find.js';
import { lane1Command } from './lane1.js';
import { byAccessor } from './lookup.js';

const invalid = (message: string): Failure => ({ kind: 'invalid', message });
const NOTHING = { position: null };

type Revocations = Pick<TokenOperations, 'revokeSelf' | 'revoke' | 'revokeOrphan' | 'revokeAccessor'>;

export const revokeOperations = (app: App): Revocations => ({
  revokeSelf: operation('revoking a token', async context => {
    const session = sessionOf(app);
    const op = 'token.revoke-self';
    const caller = await authorise(app, session, context, { op, capability: 'update' });
    return revokeTokens(app, caller, context, op, [caller.token], true);
  }),

  revoke: operation('revoking a token', async (context, { token: text }) => {
    const session = sessionOf(app);
    const op = 'token.revoke';
    const caller = await authorise(app, session, context, { op, capability: 'update' });
    if (text === '') refuse(invalid('missing token ID'));
    const token = findToken(session, text, session.now());
    return token === null ? NOTHING : revokeTokens(app, caller, context, op, [token], true);
  }),

  revokeOrphan: operation('revoking a token', async (context, { token: text }) => {
    const session = sessionOf(app);
    const op = 'token.revoke-orphan';
    const caller = await authorise(app, session, context, { op, capability: 'update' });
    if (text === '') refuse(invalid('missing token ID'));
    const token = findToken(session, text, session.now()) ?? refuse(invalid('token to revoke not found'));
    return revokeTokens(app, caller, context, op, [token], false);
  }),

  revokeAccessor: operation('revoking a token', async (context, { accessor }) => {
    const session = sessionOf(app);
    const op = 'token.revoke-accessor';
    const caller = await authorise(app, session, context, { op, capability: 'update' });
    return revokeTokens(app, caller, context, op, [byAccessor(session, accessor)], true);
  }),
});

/** One command, one event for each of them that still lives; `tree`: their children end with them. */
export const revokeTokens = async (
  app: App,
  caller: Caller,
  context: RequestContext,
  op: string,
  tokens: readonly Token[],
  tree: boolean,
): Promise<{ position: number | null }> => {
  const { session } = caller;
  if (tokens.some(token => token.type === 'batch')) refuse(invalid('batch tokens cannot be revoked'));
  const drafts = tokens.map(token => ({
    token,
    sealed: sealEvent(session.custody, {
      eventId: randomUuid7(app.nowMs()),
      streamId: token.id,
      type: 'token.revoked',
      lane: 1,
      actor: caller.token.entity,
      header: headerOf(app, caller, context, { op }, { accessor: token.accessor }),
    }),
  }));
  const [first] = tokens;
  if (first === undefined) return NOTHING;
  const weight = drafts.reduce((sum, { sealed }) => sum + sealed.header.length, 0);
  const command: Command<SecretState, { position: number | null }> = {
    ...lane1Command(context, first.id, weight),
    streams: tokens.map(token => token.id),
    eventsMax: tokens.length,
    decide: view => {
      if (!stillAllowed(caller, context, 'update', view.recordedAt))
        return { kind: 'reject', failure: { kind: 'unauthenticated' } };
      const living = drafts.filter(({ token }) => stillLives(session, token, view.recordedAt) !== null);
      if (living.length === 0) return { kind: 'nothing', result: NOTHING };
      return {
        kind: 'append',
        events: living.map(({ sealed }) => ({ sealed, facts: tree ? { tree: true } : {} })),
        result: placed => ({ position: placed.at(-1)?.position ?? null }),
      };
    },
  };
  return orRefuse(await session.appender.submit(command));
};
