/**
 * Restore: plan, then apply. The plan compares then with now; applying it appends new events that bring it about, in one
 * commit, and is refused when anything in its scope has moved since. The mistake and its repair are both on record.
 */
import * as t from 'io-ts';
import { randomUuid4 } from '../../crypto/random.js';
import type { RestoreChange as Change } from '../../domain/secret/restore.js';
import { readNewestUpTo } from '../../ledger/stream-reads.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { resolveMoment } from '../kv/as-of.js';
import { kvMount } from '../kv/place.js';
import { operation } from '../operation.js';
import type { ProjectionReads } from '../projection-reads.js';
import type { LedgerOperations, RestorePlan } from './contract.js';
import { rfc3339 } from './head.js';
import { mountOfPlan, openPlan, PLAN_TTL_US, requireOwnPlan, sealPlan } from './plan-box.js';
import { applySteps, stepsOf } from './restore-apply.js';
import { type Changed, compareAll, scopeOf } from './restore-compare.js';

const Plan = t.type({
  actor: t.string,
  mount: t.string,
  /** Of that mount: another one may be at its path by then. */
  number: t.number,
  path: t.string,
  /** The position that is restored. */
  target: t.number,
  /** µs: what "now" was then. */
  targetUs: t.number,
  madeAt: t.number,
  /** µs */
  expiresAt: t.number,
  /** The stream of the batch that applying it makes. */
  batch: t.string,
  /** In how many commits. */
  steps: t.number,
});
export type Plan = Readonly<t.TypeOf<typeof Plan>>;

const CHANGES: readonly Change[] = [
  'create',
  'update',
  'delete',
  'undelete',
  'remove',
  'metadata',
  'unchanged',
  'unrecoverable',
];

export const restoreOperations = (
  app: App,
  projections: ProjectionReads,
): Pick<LedgerOperations, 'planRestore' | 'applyRestore'> => ({
  planRestore: operation('planning a restore', async (context, input): Promise<RestorePlan> => {
    const session = sessionOf(app);
    const subject = `${input.mount}/${input.path}`;
    const caller = await authorise(app, session, context, { op: 'restore.plan', capability: 'update', subject });
    const mount = kvMount(session, input.mount);
    const then = await resolveMoment(session, input.moment);
    await session.catchUp();
    const madeAt = session.known.head.size;
    const scope = await scopeOf(session, projections, mount, input.path, madeAt);
    const compared = await compareAll(session, scope, then, app.nowMs());
    const expiresAt = app.nowMs() * 1000 + PLAN_TTL_US;
    const steps = stepsOf(compared).length;
    const plan: Plan = {
      ...{ actor: caller.token.entity, mount: input.mount, number: mount.number, path: input.path },
      ...{ target: then.position, targetUs: then.nowUs, madeAt, expiresAt, batch: randomUuid4(), steps },
    };
    return {
      plan_id: sealPlan(session.custody, plan),
      position: then.position,
      made_at: madeAt,
      expires_at: rfc3339(expiresAt),
      counts: countsOf(compared),
      changes: compared
        .filter(({ restore }) => restore.change !== 'unchanged')
        .map(({ path, restore }) => ({ path, change: restore.change, detail: restore.detail })),
      steps,
    };
  }),

  applyRestore: operation('restoring', async (context, { planId }) => {
    const session = sessionOf(app);
    const plan =
      openPlan(session.custody, planId, Plan) ??
      refuse({ kind: 'invalid', message: 'plan_id is not a plan of this ledger' });
    const subject = `${plan.mount}/${plan.path}`;
    const asked = { op: 'restore.apply', capability: 'update', subject } as const;
    const caller = await authoriseCommand(app, session, context, asked);
    requireOwnPlan(plan, caller.token.entity, app.nowMs());
    await session.catchUp();
    const mount = mountOfPlan(session, plan);
    if (context.idempotencyKey !== null) await refuseHalfDone(session, plan);
    const scope = await scopeOf(session, projections, mount, plan.path, plan.madeAt);
    const then = { position: plan.target, nowUs: plan.targetUs };
    const compared = await compareAll(session, scope, then, app.nowMs());
    const position = await applySteps(app, { session, context, caller, asked, plan, mount, scope }, stepsOf(compared));
    return { position, counts: countsOf(compared) };
  }),
});

/** What is left is divided anew, so that a step of it could pass for a repeat of one that was done. */
const refuseHalfDone = async (session: Session, { batch, steps }: Plan): Promise<void> => {
  const done = await readNewestUpTo(session.ports.runner, session.custody, batch, session.known.head.size);
  if (done !== null && done.streamVersion < steps)
    refuse({ kind: 'plan-outdated', message: 'the plan was applied in part: make a new one for what is left' });
};

const countsOf = (compared: readonly Changed[]): Record<Change, number> => {
  const counts = Object.fromEntries(CHANGES.map(change => [change, 0])) as Record<Change, number>;
  for (const { restore } of compared) counts[restore.change] += 1;
  return counts;
};
