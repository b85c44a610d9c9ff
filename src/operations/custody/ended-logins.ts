/** An administrator's logins end with their slot, and their tokens' children too: who is gone has nothing left. */
import type { Slot } from '../../authority/authority.js';
import type { Token } from '../../authority/tokens.js';
import { randomUuid7 } from '../../crypto/random.js';
import type { Failure } from '../../failure.js';
import { sealEvent } from '../../keys/event-sealer.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse } from '../app.js';
import { type Caller, headerOf } from '../authorise.js';
import type { RequestContext } from '../request.js';
import type { Drafted } from './keystore-change.js';

/** With the change of the key store they are one command. */
const LOGINS_MAX = 5000;

/** None while the same person has another slot. */
const loginsOf = (session: Session, slot: Slot): Token[] => {
  const { authority } = session;
  const others = [...authority.slots.values()].some(({ id, entity }) => id !== slot.id && entity === slot.entity);
  if (slot.entity === null || others) return [];
  return [...authority.tokens.ofEntity(slot.entity, session.now())].filter(
    ({ mount, method }) => mount === null && method === 'userpass',
  );
};

export interface EndedLogins {
  readonly before: readonly Drafted[];
  /** Somebody logged in with the slot after its logins were listed. */
  readonly unless: () => Failure | null;
}

export const endedLogins = (app: App, caller: Caller, context: RequestContext, op: string, slot: Slot): EndedLogins => {
  const { session, token } = caller;
  const ending = loginsOf(session, slot);
  if (ending.length > LOGINS_MAX)
    refuse({ kind: 'invalid', message: 'more than 5,000 of its logins live: revoke them first, by their path' });
  const ids = new Set(ending.map(({ id }) => id));
  return {
    before: ending.map(({ id, accessor }) => ({
      facts: { tree: true },
      sealed: sealEvent(session.custody, {
        ...{ eventId: randomUuid7(app.nowMs()), streamId: id, type: 'token.revoked', lane: 1, actor: token.entity },
        header: headerOf(app, caller, context, { op }, { accessor }),
      }),
    })),
    unless: () =>
      loginsOf(session, slot).every(({ id }) => ids.has(id)) ? null : { kind: 'busy', retryAfterSeconds: 1 },
  };
};
