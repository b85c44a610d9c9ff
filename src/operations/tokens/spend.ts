/**
 * Tokens with a count of uses: each request that is authenticated by one costs one use, whatever becomes of it, and the
 * use is recorded and committed before the request is handled (vault-wire.md §10.1). The last use still works.
 */
import type { Token } from '../../authority/tokens.js';
import { randomUuid7 } from '../../crypto/random.js';
import type { Header } from '../../domain/header.js';
import type { SecretState } from '../../domain/secret/state.js';
import { sealEvent } from '../../keys/event-sealer.js';
import type { Command } from '../../ledger/command.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';
import type { RequestContext } from '../request.js';
import { lane1Command } from './lane1.js';

/** The token that paid for this request, which may be its last; null: none did yet. */
export const paidBy = ({ once: { paid }, token }: RequestContext): Token | null =>
  paid !== undefined && paid.text === token ? paid.token : null;

/** Appends `token.spent` under that header. Refuses when the token ended meanwhile. */
export const spendUse = async (
  session: Session,
  context: RequestContext,
  token: Token,
  header: Header,
): Promise<void> => {
  const { tokens } = session.authority;
  const sealed = sealEvent(session.custody, {
    eventId: randomUuid7(session.ports.nowMs()),
    streamId: token.id,
    type: 'token.spent',
    lane: 1,
    actor: token.entity,
    header,
  });
  const command: Command<SecretState, Token> = {
    ...lane1Command(context, token.id, sealed.header.length),
    decide: view => {
      const now = tokens.byId(token.id, view.recordedAt);
      if (now === null || now.usesLeft === 0) return { kind: 'reject', failure: { kind: 'unauthenticated' } };
      const left = now.usesLeft - 1;
      const facts = left === 0 ? {} : { uses: left };
      return { kind: 'append', events: [{ sealed, facts }], result: () => ({ ...now, usesLeft: left }) };
    },
  };
  const answer = await session.appender.submit(command);
  if (answer._tag === 'Left') refuse(answer.left);
  else context.once.paid = { text: context.token ?? '', token: answer.right };
};
