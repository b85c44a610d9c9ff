/**
 * An event that changes authority, from a caller who is allowed to: sealed with who, from where and by which rule, decided
 * at the head, where the caller is asked for again and `unless` may still refuse.
 */
import type { Mount } from '../authority/mounts.js';
import type { Capability } from '../authority/permission.js';
import type { Uuid } from '../crypto/bytes.js';
import { randomUuid7 } from '../crypto/random.js';
import type { Facts } from '../domain/facts.js';
import type { SecretState } from '../domain/secret/state.js';
import type { Failure } from '../failure.js';
import { sealEvent } from '../keys/event-sealer.js';
import type { Command } from '../ledger/command.js';
import type { KeyRow, SealedEvent } from '../ledger/sealed-event.js';
import type { App } from './app.js';
import { type Caller, headerOf, stillAllowed } from './authorise.js';
import { orRefuse } from './operation.js';
import type { RequestContext } from './request.js';

export interface AuthorityChange {
  readonly op: string;
  readonly capability: Capability;
  readonly type: string;
  readonly streamId: Uuid;
  /** The type's own header fields: never a credential. */
  readonly own: object;
  readonly facts?: (recordedAt: number) => Facts;
  /** What it is about: must be there still, at the path that the caller has the capability for. */
  readonly mount?: Mount;
  /** Asked at the head, with everything before folded: 'nothing' = it is so already. */
  readonly unless?: (atUs: number) => Failure | 'nothing' | null;
  /** Appended before it, as far as there is still need for them. */
  readonly before?: readonly Preceding[];
  /** Key rows of credentials that come, and, by the state at the head, of those that go. */
  readonly insertKeys?: readonly KeyRow[];
  readonly deleteKeys?: () => readonly Uuid[];
}

export interface Preceding {
  readonly type: string;
  readonly streamId: Uuid;
  readonly own: object;
  readonly needed: () => boolean;
}

/** `position: null` = nothing had to change. */
export const changeAuthority = async (
  app: App,
  caller: Caller,
  context: RequestContext,
  change: AuthorityChange,
): Promise<{ readonly position: number | null }> => {
  const { session } = caller;
  const { op, capability, streamId } = change;
  const seal = ({ type, streamId, own }: Pick<Preceding, 'type' | 'streamId' | 'own'>): SealedEvent =>
    sealEvent(session.custody, {
      ...{ eventId: randomUuid7(app.nowMs()), streamId, type, lane: 1, actor: caller.token.entity },
      header: headerOf(app, caller, context, { op }, own),
    });
  const before = (change.before ?? []).map(each => ({ ...each, sealed: seal(each) }));
  const sealed = seal(change);
  const command: Command<SecretState, { readonly position: number | null }> = {
    streams: [...before.map(each => each.streamId), streamId],
    repeatOf: null,
    alone: true,
    weight: [sealed, ...before.map(each => each.sealed)].reduce((sum, { header }) => sum + header.length, 0),
    eventsMax: 1 + before.length,
    deadlineMs: context.deadlineMs,
    gone: context.gone,
    decide: view => {
      if (!stillAllowed(caller, context, capability, view.recordedAt))
        return { kind: 'reject', failure: { kind: 'unauthenticated' } };
      if (change.mount !== undefined && session.authority.mounts.still(change.mount) === null)
        return { kind: 'reject', failure: { kind: 'no-mount', path: change.mount.path.slice(0, -1) } };
      const refusal = change.unless?.(view.recordedAt) ?? null;
      if (refusal === 'nothing') return { kind: 'nothing', result: { position: null } };
      if (refusal !== null) return { kind: 'reject', failure: refusal };
      const needed = before.filter(each => each.needed()).map(each => ({ sealed: each.sealed, facts: {} }));
      return {
        kind: 'append',
        events: [...needed, { sealed, facts: change.facts?.(view.recordedAt) ?? {} }],
        insertKeys: change.insertKeys ?? [],
        deleteKeys: change.deleteKeys?.() ?? [],
        result: placed => ({ position: placed.at(-1)?.position ?? 0 }),
      };
    },
  };
  return orRefuse(await session.appender.submit(command));
};
