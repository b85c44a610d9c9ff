/**
 * One command on one secret, from preparation to a recorded event: prepared under what is known, decided at the head,
 * prepared again when the head says that the ground moved — three times at most (events.md §1).
 */

import type { Capability } from '../../authority/permission.js';
import type { Uuid } from '../../crypto/bytes.js';
import { idempotentEventId } from '../../crypto/ids.js';
import { randomUuid7 } from '../../crypto/random.js';
import type { SecretCommand } from '../../domain/secret/commands.js';
import { type Decided, decide, type SecretRejection } from '../../domain/secret/decide.js';
import type { SecretState } from '../../domain/secret/state.js';
import type { Failure } from '../../failure.js';
import { formerEventIds } from '../../keys/event-ids.js';
import type { EventDraft } from '../../keys/event-sealer.js';
import { HeaderTooLarge, sealEvent } from '../../keys/event-sealer.js';
import type { Command, Decision } from '../../ledger/command.js';
import { OUTDATED } from '../../ledger/place-batch.js';
import { weightOf } from '../../ledger/sealed-event.js';
import { readSecret, rememberLive, withLive } from '../../nexus/secret-streams.js';
import type { Session } from '../../nexus/session.js';
import { type App, Refused, refuse, sessionOf } from '../app.js';
import { authoriseCommand, type Caller, headerOf, stillAllowed } from '../authorise.js';
import { nodesOf, whyKept } from '../erasure/kept.js';
import type { Place, RequestContext } from '../request.js';
import { mountSettings } from './mount-settings.js';
import { eitherOf, type Located, locate, mountNow, placed, subjectOf } from './place.js';

/** What an operation makes of the state it is prepared under. */
export interface Prepared {
  readonly command: SecretCommand;
  /** The type's own header fields. */
  readonly own: object;
  readonly body?: EventDraft['body'];
  /** How many events the command may give: each needs sealed parts of its own. */
  readonly events?: number;
  /** Key ids by stream version, for commands that destroy. */
  readonly keysOf?: ReadonlyMap<number, Uuid>;
}

export interface Change {
  readonly op: string;
  readonly capability: (exists: boolean) => Capability;
  readonly type: string;
  /** The command needs to know the state of each version, not only the head. */
  readonly needsLive?: boolean;
  readonly prepare: (session: Session, located: Located, state: SecretState) => Promise<Prepared> | Prepared;
}

export type Committed =
  | {
      readonly kind: 'done';
      readonly position: number;
      readonly decided: readonly Decided[];
      readonly recordedAt: number;
      readonly deletedKeys: readonly Uuid[];
    }
  | { readonly kind: 'nothing' }
  /** An Idempotency-Key was used before, by this caller on this path: the event that it made. */
  | { readonly kind: 'repeat'; readonly position: number };

const ATTEMPTS = 3;
const STALE: Failure = { kind: 'busy', retryAfterSeconds: 1 };
const NEEDS_LIVE: Failure = { kind: 'busy', retryAfterSeconds: 1 };

export interface CommitResult {
  readonly session: Session;
  readonly located: Located;
  readonly caller: Caller;
  readonly prepared: Prepared;
  readonly committed: Committed;
}

export const commitChange = async (
  app: App,
  context: RequestContext,
  place: Place,
  change: Change,
): Promise<CommitResult> => {
  const session = sessionOf(app);
  const either = () => eitherOf(session, context, change, place);
  const located = await placed(app, session, context, either, () => locate(session, place));
  const { node } = located.path;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    let state = session.known.cache.get(node)?.state ?? (await readSecret(session, node)).state;
    const exists = state.head !== null && !state.head.removed;
    const caller = await authoriseCommand(app, session, context, {
      op: change.op,
      capability: change.capability(exists),
    });
    if (change.needsLive && state.live === null) {
      state = await withLive(session, state, node);
      rememberLive(session, node, state);
    }
    const prepared = await change.prepare(session, located, state);
    const command = commandFor(app, context, place, located, caller, change, prepared, state);
    const answer = await session.appender.submit(command);
    if (answer._tag === 'Right') {
      if (answer.right.kind === 'done') session.names.markNamed(located.path);
      return { session, located, caller, prepared, committed: answer.right };
    }
    if (answer.left === NEEDS_LIVE)
      rememberLive(session, node, await withLive(session, (await readSecret(session, node)).state, node));
    else if (answer.left !== STALE && answer.left !== OUTDATED) throw new Refused(answer.left);
    else if (attempt > 1) await readSecret(session, node);
  }
  return refuse(STALE);
};

/** What a change on a secret is called and is about, for its header and for denials. */
const asked = ({ op }: Change, place: Place) => ({ op, subject: subjectOf(place) });

const commandFor = (
  app: App,
  context: RequestContext,
  place: Place,
  located: Located,
  caller: Caller,
  change: Change,
  prepared: Prepared,
  state: SecretState,
): Command<SecretState, Committed> => {
  const { session } = caller;
  const { node } = located.path;
  const { keyring, ledger } = session.custody;
  const { idempotencyKey: key, method } = context;
  const request = { actor: caller.token.entity, method, node };
  const idOf = (index: number): Uuid =>
    key === null ? randomUuid7(app.nowMs()) : idempotentEventId(keyring.eventIdKey, ledger, { ...request, key, index });
  const isNew = state.streamVersion === 0;
  const sealed = Array.from({ length: prepared.events ?? 1 }, (_, index) => {
    const names = isNew && index === 0 ? session.names.unnamed(located.mount, located.path) : [];
    const header = headerOf(app, caller, context, asked(change, place), prepared.own);
    const draft = { eventId: idOf(index), streamId: node, type: change.type, lane: 0, actor: caller.token.entity };
    try {
      const body = prepared.body === undefined ? {} : { body: prepared.body };
      return sealEvent(session.custody, { ...draft, header, names, ...body });
    } catch (error) {
      if (error instanceof HeaderTooLarge) return refuse({ kind: 'too-large', message: error.message });
      throw error;
    }
  });
  const capability = change.capability(state.head !== null && !state.head.removed);
  return {
    streams: [node],
    repeatOf: key === null ? null : idOf(0),
    formerly: key === null ? [] : formerEventIds(session.custody, { ...request, key, index: 0 }),
    repeated: position => ({ kind: 'repeat', position }),
    alone: false,
    weight: sealed.reduce((sum, event) => sum + weightOf(event), 0),
    eventsMax: sealed.length,
    deadlineMs: context.deadlineMs,
    gone: context.gone,
    decide: (view): Decision<Committed> => {
      if (!stillAllowed(caller, context, capability, view.recordedAt))
        return { kind: 'reject', failure: { kind: 'unauthenticated' } };
      // As of the head.
      const mount = mountNow(session, located.mount);
      if (mount._tag === 'Left') return { kind: 'reject', failure: mount.left };
      const decision = decide(prepared.command, view.state(node), mountSettings(mount.right), view.recordedAt);
      if (decision._tag === 'Left') return { kind: 'reject', failure: rejected(decision.left) };
      const decided = decision.right;
      if (decided.length === 0) return { kind: 'nothing', result: { kind: 'nothing' } };
      if (decided.length > sealed.length) return { kind: 'reject', failure: STALE };
      const destroys = decided.flatMap(event => event.destroys);
      const kept =
        destroys.length === 0 ? null : keptNow(session, located, view.state(node), destroys, view.recordedAt);
      if (kept !== null) return { kind: 'reject', failure: { kind: 'held', message: kept.why } };
      const deleteKeys: Uuid[] = [];
      for (const streamVersion of destroys) {
        const key = prepared.keysOf?.get(streamVersion);
        if (key === undefined) return { kind: 'reject', failure: STALE };
        deleteKeys.push(key);
      }
      const events = decided.flatMap(({ facts }, i) => {
        const parts = sealed[i];
        return parts === undefined ? [] : [{ sealed: parts, facts }];
      });
      const result: Extract<Decision<Committed>, { kind: 'append' }>['result'] = placed => ({
        kind: 'done',
        position: placed.at(-1)?.position ?? 0,
        recordedAt: view.recordedAt,
        decided,
        deletedKeys: deleteKeys,
      });
      return { kind: 'append', events, deleteKeys, result };
    },
  };
};

/** Lane 1 is folded up to the head here: a hold that was placed a moment ago on another node is known. */
const keptNow = (
  { authority }: Session,
  { mount, path }: Located,
  state: SecretState,
  destroys: readonly number[],
  atUs: number,
) => {
  const doomed = (state.live ?? []).filter(({ streamVersion }) => destroys.includes(streamVersion));
  const youngest = doomed.reduce((newest, { created }) => Math.max(newest, created), 0);
  return whyKept(authority, nodesOf(mount, path), youngest, atUs);
};

const rejected = (
  rejection: SecretRejection | { readonly kind: 'stale' } | { readonly kind: 'needs-live' },
): Failure => {
  switch (rejection.kind) {
    case 'stale':
      return STALE;
    case 'needs-live':
      return NEEDS_LIVE;
    default:
      return rejection;
  }
};
