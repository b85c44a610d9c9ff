/** Applying a plan: every step of every secret becomes an event with sealed parts of its own, adjacent, in one commit. */
import type { Mount } from '../../authority/mounts.js';
import type { Uuid } from '../../crypto/bytes.js';
import { idempotentEventId } from '../../crypto/ids.js';
import { randomUuid7 } from '../../crypto/random.js';
import type { SecretCommand } from '../../domain/secret/commands.js';
import { decide } from '../../domain/secret/decide.js';
import type { RestoreStep } from '../../domain/secret/restore.js';
import { evolve, type SecretState } from '../../domain/secret/state.js';
import { type EventDraft, sealEvent } from '../../keys/event-sealer.js';
import { KeyKind } from '../../keys/key-kinds.js';
import type { Command, Decision } from '../../ledger/command.js';
import { IntegrityError } from '../../ledger/integrity.js';
import { type SealedEvent, weightOf } from '../../ledger/sealed-event.js';
import { readBodies } from '../../ledger/stream-reads.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse } from '../app.js';
import { type Asked, type Caller, headerOf, stillAllowed } from '../authorise.js';
import { mountSettings } from '../kv/mount-settings.js';
import { openValue } from '../kv/values.js';
import { orRefuse } from '../operation.js';
import type { RequestContext } from '../request.js';
import type { Plan } from './restore.js';
import type { Changed, Scope } from './restore-compare.js';

export interface Restoring {
  readonly session: Session;
  readonly context: RequestContext;
  readonly caller: Caller;
  readonly asked: Asked;
  readonly plan: Plan;
  readonly mount: Mount;
  readonly scope: Scope;
}

/** One commit takes at most this many events. */
const EVENTS_MAX = 10_000;
const BYTES_MAX = 64 * 1024 * 1024;

/** What is to be done, in parts that are each one commit. */
export const stepsOf = (compared: readonly Changed[]): readonly (readonly Changed[])[] => {
  const parts: Changed[][] = [];
  let [part, events]: [Changed[], number] = [[], 1];
  for (const changed of compared) {
    if (changed.restore.steps.length === 0) continue;
    if (events + changed.restore.steps.length > EVENTS_MAX) {
      parts.push(part);
      [part, events] = [[], 1];
    }
    part.push(changed);
    events += changed.restore.steps.length;
  }
  return part.length === 0 ? parts : [...parts, part];
};

/** The position of the last event; that of the head when there was nothing to do. */
export const applySteps = async (
  app: App,
  restoring: Restoring,
  parts: readonly (readonly Changed[])[],
): Promise<number> => {
  let position = restoring.session.known.head.size;
  for (const [index, part] of parts.entries()) position = await applyPart(app, restoring, part, index);
  return position;
};

interface SealedStep {
  readonly node: Uuid;
  readonly command: SecretCommand;
  readonly sealed: SealedEvent;
}

const applyPart = async (app: App, restoring: Restoring, part: readonly Changed[], index: number): Promise<number> => {
  const { session, context, caller, asked, plan, scope } = restoring;
  const steps: SealedStep[] = [];
  for (const changed of part) steps.push(...(await sealSteps(app, restoring, changed)));
  const weight = steps.reduce((sum, { sealed }) => sum + weightOf(sealed), 0);
  if (weight > BYTES_MAX)
    refuse({ kind: 'too-large', message: 'the restore is larger than 64 MiB: restore its folders one by one' });
  const batch = batchEvent(app, restoring, steps.length, index);
  const nodes = new Set([...scope.secrets.map(({ node }) => node)]);
  const outdated = {
    kind: 'plan-outdated',
    message: 'something in the scope of the plan has changed since it was made: make a new one',
  } as const;
  const command: Command<SecretState, number> = {
    streams: [plan.batch, ...new Set(part.map(({ node }) => node))],
    repeatOf: context.idempotencyKey === null ? null : batch.eventId,
    repeated: position => position,
    alone: true,
    weight: weight + weightOf(batch),
    eventsMax: steps.length + 1,
    deadlineMs: context.deadlineMs,
    gone: context.gone,
    decide: (view): Decision<number> => {
      if (!stillAllowed(caller, context, asked.capability, view.recordedAt))
        return { kind: 'reject', failure: { kind: 'unauthenticated' } };
      const moved = index === 0 ? nodes : new Set(part.map(({ node }) => node));
      if (view.movedSince(plan.madeAt, moved, scope.folders)) return { kind: 'reject', failure: outdated };
      const mount = session.authority.mounts.still(restoring.mount);
      if (mount === null) return { kind: 'reject', failure: outdated };
      const states = new Map<Uuid, SecretState>();
      const events: { sealed: SealedEvent; facts: SealedFacts }[] = [];
      for (const { node, command: step, sealed } of steps) {
        const state = states.get(node) ?? view.state(node);
        const decided = decide(step, state, mountSettings(mount), view.recordedAt);
        if (decided._tag === 'Left' || decided.right.length > 1) return { kind: 'reject', failure: outdated };
        const [event] = decided.right;
        if (event === undefined) continue;
        const facts = { ...event.facts, batch: plan.batch };
        states.set(
          node,
          evolve(state, {
            type: event.type,
            streamVersion: state.streamVersion + 1,
            recordedAt: view.recordedAt,
            facts,
          }),
        );
        events.push({ sealed, facts });
      }
      const applied = { sealed: batch, facts: { batch: plan.batch, count: events.length } };
      return { kind: 'append', events: [...events, applied], result: placed => placed.at(-1)?.position ?? 0 };
    },
  };
  return orRefuse(await session.appender.submit(command));
};

type SealedFacts = Parameters<typeof evolve>[1]['facts'];

const batchEvent = (
  app: App,
  { session, context, caller, asked, plan }: Restoring,
  count: number,
  index: number,
): SealedEvent => {
  const { keyring, ledger } = session.custody;
  const key = context.idempotencyKey;
  const eventId =
    key === null
      ? randomUuid7(app.nowMs())
      : idempotentEventId(keyring.eventIdKey, ledger, {
          actor: caller.token.entity,
          method: context.method,
          node: plan.batch,
          key,
          index,
        });
  const own = {
    kind: 'restore',
    scope: asked.subject ?? '',
    restored: { position: plan.target, at: plan.targetUs },
    count,
  };
  return sealEvent(session.custody, {
    ...{ eventId, streamId: plan.batch, type: 'batch.applied', lane: 0, actor: caller.token.entity },
    header: headerOf(app, caller, context, asked, own),
  });
};

const sealSteps = async (app: App, restoring: Restoring, changed: Changed): Promise<readonly SealedStep[]> => {
  const sealed: SealedStep[] = [];
  // After a removal, or in one that was removed, a write creates; later steps find the key there.
  let there = changed.state.head !== null && !changed.state.head.removed;
  for (const step of changed.restore.steps) {
    sealed.push(await sealStep(app, restoring, changed, step, there));
    there = step.kind !== 'remove';
  }
  return sealed;
};

const sealStep = async (
  app: App,
  restoring: Restoring,
  { node, path }: Changed,
  step: RestoreStep,
  there: boolean,
): Promise<SealedStep> => {
  const { session, context, caller, plan } = restoring;
  const asked = { op: 'restore.apply', subject: `${plan.mount}/${path}` };
  const make = (type: string, own: object, body?: EventDraft['body']): SealedEvent =>
    sealEvent(session.custody, {
      ...{ eventId: randomUuid7(app.nowMs()), streamId: node, type, lane: 0, actor: caller.token.entity },
      header: headerOf(app, caller, context, asked, own),
      ...(body === undefined ? {} : { body }),
    });
  switch (step.kind) {
    case 'remove':
      return { node, command: { kind: 'remove' }, sealed: make('secret.removed', {}) };
    case 'delete':
      return { node, command: { kind: 'delete', versions: null }, sealed: make('secret.deleted', {}) };
    case 'undelete':
      return { node, command: { kind: 'undelete', versions: [step.version] }, sealed: make('secret.undeleted', {}) };
    case 'configure':
      return {
        ...{ node, sealed: make('secret.configured', {}) },
        command: { kind: 'configure', settings: step.settings, metadataCas: null, restored: true },
      };
    case 'annotate': {
      const plaintext = step.source === null ? Buffer.from('{}') : await plaintextOf(session, node, step.source);
      const body = { kind: KeyKind.customMetadata, owner: node, plaintext };
      return {
        ...{ node, sealed: make('secret.annotated', {}, body) },
        command: { kind: 'annotate', settings: step.settings, metadataCas: null, restored: true },
      };
    }
    case 'copy': {
      const source = await sourceOf(session, node, step.source);
      const own = {
        operation: there ? 'update' : 'create',
        copied_from: { ledger: session.custody.ledgerId, event: source.eventId },
      };
      const body = { kind: KeyKind.secretVersion, owner: node, plaintext: source.plaintext };
      return {
        ...{ node, sealed: make('secret.written', own, body) },
        command: {
          kind: 'write',
          cas: null,
          prepared: { exists: there },
          copied: step.source,
          restored: { deletionTime: step.deletionTime },
        },
      };
    }
  }
};

const sourceOf = async (session: Session, node: Uuid, streamVersion: number) => {
  const [found] = await readBodies(session.ports.runner, session.custody, node, [streamVersion]);
  if (found === undefined) throw new IntegrityError('event that a head names');
  return {
    eventId: found.event.eventId,
    plaintext: openValue(session, found.event, { keys: found.key === null ? [] : [found.key] }),
  };
};

const plaintextOf = async (session: Session, node: Uuid, streamVersion: number): Promise<Buffer> =>
  (await sourceOf(session, node, streamVersion)).plaintext;
