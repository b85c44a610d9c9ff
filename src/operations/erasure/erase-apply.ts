/**
 * Applying an erasure: for each secret a destroy of everything that it ever held and the removal of its name, then one event
 * of lane 1 that says who asked, on which ground and how much went; adjacent positions, one commit. The erasure list is on
 * disk before anybody is answered.
 */
import type { Mount } from '../../authority/mounts.js';
import type { Uuid } from '../../crypto/bytes.js';
import { randomUuid7 } from '../../crypto/random.js';
import type { SecretCommand } from '../../domain/secret/commands.js';
import { decide } from '../../domain/secret/decide.js';
import { evolve, exists, type SecretState } from '../../domain/secret/state.js';
import type { Failure } from '../../failure.js';
import { sealEvent } from '../../keys/event-sealer.js';
import type { Command, Decision } from '../../ledger/command.js';
import { type SealedEvent, weightOf } from '../../ledger/sealed-event.js';
import type { Session } from '../../nexus/session.js';
import type { App } from '../app.js';
import { type Asked, type Caller, headerOf, stillAllowed } from '../authorise.js';
import type { Scope } from '../ledger/restore-compare.js';
import { orRefuse } from '../operation.js';
import type { RequestContext } from '../request.js';
import type { Plan } from './erase.js';
import { whyKept } from './kept.js';
import { type Surveyed, youngestOf } from './survey.js';

export interface Erasing {
  readonly session: Session;
  readonly context: RequestContext;
  readonly caller: Caller;
  readonly asked: Asked;
  readonly plan: Plan;
  readonly mount: Mount;
  readonly scope: Scope;
  /** How many secrets of the scope stay. */
  readonly kept: number;
}

/** One commit takes at most this many events; a secret gives two, the erasure one. */
const SECRETS_MAX = 4_999;

/** What is to be done, in parts that are each one commit. */
export const stepsOf = (surveyed: readonly Surveyed[]): readonly (readonly Surveyed[])[] => {
  const doomed = surveyed.filter(({ outcome }) => outcome === 'erase');
  return Array.from({ length: Math.ceil(doomed.length / SECRETS_MAX) }, (_, i) =>
    doomed.slice(i * SECRETS_MAX, (i + 1) * SECRETS_MAX),
  );
};

/** Where each step's erasure is recorded. */
export const applyErasure = async (
  app: App,
  erasing: Erasing,
  steps: readonly (readonly Surveyed[])[],
): Promise<readonly number[]> => {
  const positions: number[] = [];
  for (const [index, part] of steps.entries()) positions.push(await applyPart(app, erasing, part, index === 0));
  return positions;
};

interface Done {
  readonly position: number;
  readonly erased: readonly { readonly position: number; readonly keyId: Uuid }[];
}

const OUTDATED: Failure = {
  kind: 'plan-outdated',
  message:
    'something in the scope of the plan, a hold or a retention rule has changed since it was made: make a new one',
};

const applyPart = async (app: App, erasing: Erasing, part: readonly Surveyed[], isFirst: boolean): Promise<number> => {
  const { session, context, caller, asked, plan, mount, scope } = erasing;
  const doomed = part.map(secret => ({ secret, events: sealFor(app, erasing, secret) }));
  const keys = part.reduce((sum, secret) => sum + secret.keys.length, 0);
  const request = sealRequest(app, erasing, part.length);
  const sealed = [...doomed.flatMap(({ events }) => events.map(event => event.sealed)), request];
  const { holds, retention } = session.authority;
  const moved = new Set((isFirst ? scope.secrets : part).map(({ node }) => node));
  const command: Command<SecretState, Done> = {
    streams: [plan.batch, ...part.map(({ node }) => node)],
    repeatOf: null,
    alone: true,
    weight: sealed.reduce((sum, event) => sum + weightOf(event), 0),
    eventsMax: sealed.length,
    deadlineMs: context.deadlineMs,
    gone: context.gone,
    decide: (view): Decision<Done> => {
      if (!stillAllowed(caller, context, asked.capability, view.recordedAt))
        return { kind: 'reject', failure: { kind: 'unauthenticated' } };
      // Lane 1 is folded up to the head here: a hold that was placed a moment ago on another node is known.
      if (Math.max(holds.changedAt, retention.changedAt) > plan.madeAt) return { kind: 'reject', failure: OUTDATED };
      if (session.authority.mounts.still(mount) === null) return { kind: 'reject', failure: OUTDATED };
      if (view.movedSince(plan.madeAt, moved, scope.folders)) return { kind: 'reject', failure: OUTDATED };
      const events: Extract<Decision<Done>, { kind: 'append' }>['events'][number][] = [];
      const destroyedAt: { readonly index: number; readonly keyIds: readonly Uuid[] }[] = [];
      for (const { secret, events: steps } of doomed) {
        const kept = whyKept(session.authority, secret.covering, youngestOf(secret.keys), view.recordedAt);
        if (kept !== null) return { kind: 'reject', failure: { kind: 'held', message: kept.why } };
        let state = view.state(secret.node);
        if (state.streamVersion !== secret.state.streamVersion) return { kind: 'reject', failure: OUTDATED };
        destroyedAt.push({ index: events.length, keyIds: secret.keys.map(({ keyId }) => keyId) });
        for (const step of steps) {
          const decided = decide(step.command, state, NO_SETTINGS, view.recordedAt);
          const event = decided._tag === 'Left' ? undefined : decided.right[0];
          if (event === undefined) return { kind: 'reject', failure: OUTDATED };
          const facts = { ...event.facts, batch: plan.batch };
          const streamVersion = state.streamVersion + 1;
          state = evolve(state, { type: event.type, streamVersion, recordedAt: view.recordedAt, facts });
          events.push({ sealed: step.sealed, facts });
        }
      }
      const term = session.authority.keystore?.term ?? session.custody.term;
      const facts = { count: events.length, keys, term };
      return {
        kind: 'append',
        events: [...events, { sealed: request, facts }],
        deleteKeys: destroyedAt.flatMap(({ keyIds }) => keyIds),
        result: placed => ({
          position: placed.at(-1)?.position ?? 0,
          erased: destroyedAt.flatMap(({ index, keyIds }) =>
            keyIds.map(keyId => ({ position: placed[index]?.position ?? 0, keyId })),
          ),
        }),
      };
    },
  };
  const done = orRefuse(await session.appender.submit(command));
  await session.listErased(done.erased);
  return done.position;
};

/** Neither destroying nor removing asks for a mount's settings. */
const NO_SETTINGS = { maxVersions: 0, casRequired: false, metadataCasRequired: false, deleteVersionAfter: 0 };

interface Step {
  readonly command: SecretCommand;
  readonly sealed: SealedEvent;
}

const sealFor = (app: App, { session, context, caller, plan }: Erasing, secret: Surveyed): readonly Step[] => {
  const subject = `${plan.mount}/${secret.path}`;
  const make = (type: string, own: object): SealedEvent =>
    sealEvent(session.custody, {
      ...{ eventId: randomUuid7(app.nowMs()), streamId: secret.node, type, lane: 0, actor: caller.token.entity },
      header: headerOf(app, caller, context, { op: 'erase.apply', subject }, own),
    });
  const through = secret.keys.map(({ streamVersion }) => streamVersion);
  const destroy: readonly Step[] =
    secret.keys.length === 0
      ? []
      : [
          {
            command: { kind: 'destroy-through', keys: through },
            sealed: make('secret.destroyed', { basis: plan.basis }),
          },
        ];
  const remove: readonly Step[] = exists(secret.state)
    ? [{ command: { kind: 'remove' }, sealed: make('secret.removed', {}) }]
    : [];
  return [...destroy, ...remove];
};

const sealRequest = (
  app: App,
  { session, context, caller, asked, plan, kept }: Erasing,
  secrets: number,
): SealedEvent =>
  sealEvent(session.custody, {
    ...{ eventId: randomUuid7(app.nowMs()), streamId: plan.batch, type: 'erasure.requested', lane: 1 },
    actor: caller.token.entity,
    header: headerOf(app, caller, context, asked, { scope: asked.subject ?? '', basis: plan.basis, secrets, kept }),
  });
