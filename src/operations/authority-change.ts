/**
 * One event that changes authority, from a caller who is allowed to: sealed with who, from where and by which rule, decided
 * at the head, where the caller is asked for again and `unless` may still refuse.
 */
import type { Capability } from '../authority/permission.js';
import type { Uuid } from '../crypto/bytes.js';
import { randomUuid7 } from '../crypto/random.js';
import type { Facts } from '../domain/facts.js';
import type { SecretState } from '../domain/secret/state.js';
import type { Failure } from '../failure.js';
import { sealEvent } from '../keys/event-sealer.js';
import type { Command } from '../ledger/command.js';
import type { App } from './app.js';
import { type Caller, headerOf, stillAllowed } from './authorise.js';
import type { RequestContext } from './contract.js';
import { orRefuse } from './operation.js';

export interface AuthorityChange {
  readonly op: string;
  readonly capability: Capability;
  readonly type: string;
  readonly streamId: Uuid;
  /** The type's own header fields: never a credential. */
  readonly own: object;
  readonly facts?: (recordedAt: number) => Facts;
  /** Asked at the head, with everything before folded: 'nothing' = it is so already. */
  readonly unless?: () => Failure | 'nothing' | null;
}

/** `position: null` = nothing had to change. */
export const changeAuthority = async (
  app: App,
  caller: Caller,
  context: RequestContext,
  change: AuthorityChange,
): Promise<{ readonly position: number | null }> => {
  const { session } = caller;
  const { op, capability, type, streamId, own } = change;
  const sealed = sealEvent(session.custody, {
    ...{ eventId: randomUuid7(app.nowMs()), streamId, type, lane: 1, actor: caller.token.entity },
    header: headerOf(app, caller, context, { op }, own),
  });
  const command: Command<SecretState, { readonly position: number | null }> = {
    streams: [streamId],
    repeatOf: null,
    alone: true,
    weight: sealed.header.length,
    eventsMax: 1,
    deadlineMs: context.deadlineMs,
    gone: context.gone,
    decide: view => {
      if (!stillAllowed(caller, context, capability, view.recordedAt))
        return { kind: 'reject', failure: { kind: 'unauthenticated' } };
      const refusal = change.unless?.() ?? null;
      if (refusal === 'nothing') return { kind: 'nothing', result: { position: null } };
      if (refusal !== null) return { kind: 'reject', failure: refusal };
      return {
        kind: 'append',
        events: [{ sealed, facts: change.facts?.(view.recordedAt) ?? {} }],
        result: placed => ({ position: placed[0]?.position ?? 0 }),
      };
    },
  };
  return orRefuse(await session.appender.submit(command));
};
