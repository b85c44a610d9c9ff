/**
 * Taking an answer out of its wrapping: the use of the token, the end of the answer's key and the end of its place, which go
 * into one commit. Of many who come at once, on any node, the first at the head of the ledger has it.
 */
import type { Token } from '../../authority/tokens.js';
import { type Uuid, wipe } from '../../crypto/bytes.js';
import { randomUuid7 } from '../../crypto/random.js';
import { erasing } from '../../domain/secret/sequence.js';
import type { SecretState } from '../../domain/secret/state.js';
import type { Failure } from '../../failure.js';
import { sealEvent } from '../../keys/event-sealer.js';
import type { Command, HeadView } from '../../ledger/command.js';
import { weightOf } from '../../ledger/sealed-event.js';
import { type App, refuse } from '../app.js';
import { type Caller, headerOf, stillAllowed } from '../authorise.js';
import { locateIn, subjectIn } from '../cubbyhole/place.js';
import { erasedAt, prepareSteps, readStored } from '../cubbyhole/steps.js';
import { openValue } from '../kv/values.js';
import { orRefuse } from '../operation.js';
import type { RequestContext } from '../request.js';
import type { Companion } from '../tokens/create-token.js';
import { stillLives } from '../tokens/find.js';
import { lane1Command } from '../tokens/lane1.js';
import { NOT_VALID, RESPONSE } from './token.js';
import { companions } from './wrap.js';

export interface Taking {
  readonly token: Token;
  /** What is in the store, opened: for the caller only once the commit is certain. */
  readonly plaintext: Buffer;
  readonly events: readonly Companion[];
  readonly destroys: readonly Uuid[];
  readonly check: (view: HeadView<SecretState>) => Failure | null;
}

/** `caller` may be the wrapping token itself. Refuses a token whose answer is gone. */
export const prepareTaking = async (
  app: App,
  context: RequestContext,
  caller: Caller,
  token: Token,
  op: string,
): Promise<Taking> => {
  const { session } = caller;
  const { node } = locateIn(session, token.id, RESPONSE).path;
  const stored = await readStored(session, node);
  const { state, written, keys } = stored;
  const steps = erasing(state);
  if (written === null || steps.length === 0) return refuse(NOT_VALID);
  const plaintext = openValue(session, written, { keys });
  const actor = caller.token.entity;
  const ended = prepareSteps(session, {
    ...{ node, stored, steps, actor },
    header: headerOf(app, caller, context, { op, subject: subjectIn(token.id, RESPONSE) }, {}),
  });
  const spent = sealEvent(session.custody, {
    ...{ eventId: randomUuid7(app.nowMs()), streamId: token.id, type: 'token.spent', lane: 1, actor },
    header: headerOf(app, caller, context, { op }, { accessor: token.accessor }),
  });
  const isOwn = caller.token.id === token.id;
  return {
    ...{ token, plaintext, destroys: ended.destroys },
    events: [{ sealed: spent, facts: {} }, ...companions(ended)],
    check: view => {
      if (!isOwn && !stillAllowed(caller, context, 'update', view.recordedAt)) return { kind: 'unauthenticated' };
      return stillLives(session, token, view.recordedAt) === null || ended.facts(view) === null ? NOT_VALID : null;
    },
  };
};

/** Commits it. The key is on the erasure list before anything is answered. */
export const take = async (context: RequestContext, { session }: Caller, taking: Taking): Promise<number> => {
  const { token, events, destroys, check } = taking;
  const weight = events.reduce((sum, { sealed }) => sum + weightOf(sealed), 0);
  const command: Command<SecretState, number> = {
    ...lane1Command(context, token.id, weight),
    streams: [...new Set(events.map(({ sealed }) => sealed.streamId))],
    eventsMax: events.length,
    decide: view => {
      const failure = check(view);
      if (failure !== null) return { kind: 'reject', failure };
      return {
        kind: 'append',
        events: events.map(({ sealed, facts }) => ({
          sealed,
          facts: typeof facts === 'function' ? facts(view) : facts,
        })),
        deleteKeys: destroys,
        result: placed => placed.at(-1)?.position ?? 0,
      };
    },
  };
  const answer = await session.appender.submit(command);
  if (answer._tag === 'Left') wipe(taking.plaintext);
  const position = orRefuse(answer);
  await session.listErased(erasedAt(position, destroys));
  return position;
};
