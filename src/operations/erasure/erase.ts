/**
 * Erasing for good: plan, then apply. A plan says what would go and what a hold or a retention rule keeps; applying it
 * destroys every key of every generation, in one commit, and is refused when anything in its scope has moved since.
 */
import * as t from 'io-ts';
import { randomUuid4 } from '../../crypto/random.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { kvMount } from '../kv/place.js';
import { rfc3339 } from '../ledger/head.js';
import { mountOfPlan, openPlan, PLAN_TTL_US, requireOwnPlan, sealPlan } from '../ledger/plan-box.js';
import { scopeOf } from '../ledger/restore-compare.js';
import { operation } from '../operation.js';
import type { ProjectionReads } from '../projection-reads.js';
import type { Erased, EraseOutcome, ErasePlan, ErasureOperations } from './contract.js';
import { applyErasure, stepsOf } from './erase-apply.js';
import { type Surveyed, surveyAll } from './survey.js';

const BASIS_BYTES_MAX = 1024;

const Plan = t.type({
  kind: t.literal('erase'),
  actor: t.string,
  mount: t.string,
  /** Of that mount: another one may be at its path by then. */
  number: t.number,
  path: t.string,
  basis: t.string,
  madeAt: t.number,
  /** µs */
  expiresAt: t.number,
  /** The stream of the erasure that applying it makes. */
  batch: t.string,
});
export type Plan = Readonly<t.TypeOf<typeof Plan>>;

export const eraseOperations = (
  app: App,
  projections: ProjectionReads,
): Pick<ErasureOperations, 'planErase' | 'applyErase'> => ({
  planErase: operation('planning an erasure', async (context, { mount: at, path, basis }): Promise<ErasePlan> => {
    const session = sessionOf(app);
    const subject = `${at}/${path}`;
    const caller = await authorise(app, session, context, { op: 'erase.plan', capability: 'update', subject });
    const mount = kvMount(session, at);
    if (basis.trim() === '' || Buffer.byteLength(basis) > BASIS_BYTES_MAX)
      refuse({
        kind: 'invalid',
        message: `give basis: on whose request and which ground, in at most ${BASIS_BYTES_MAX} bytes`,
      });
    await session.catchUp();
    const madeAt = session.known.head.size;
    const surveyed = await surveyAll(session, mount, await scopeOf(session, projections, mount, path, madeAt));
    const expiresAt = app.nowMs() * 1000 + PLAN_TTL_US;
    const plan: Plan = {
      ...{ kind: 'erase', actor: caller.token.entity, mount: at, number: mount.number, path, basis, madeAt, expiresAt },
      batch: randomUuid4(),
    };
    return {
      plan_id: sealPlan(session.custody, plan),
      ...{ made_at: madeAt, expires_at: rfc3339(expiresAt) },
      ...{ counts: countsOf(surveyed), keys: keysIn(surveyed) },
      secrets: surveyed
        .filter(({ outcome }) => outcome !== 'nothing')
        .map(secret => ({ path: secret.path, outcome: secret.outcome, detail: secret.detail })),
      steps: stepsOf(surveyed).length,
    };
  }),

  applyErase: operation('erasing', async (context, { planId }): Promise<Erased> => {
    const session = sessionOf(app);
    const plan =
      openPlan(session.custody, planId, Plan) ??
      refuse({ kind: 'invalid', message: 'plan_id is not a plan of an erasure of this ledger' });
    const asked = { op: 'erase.apply', capability: 'update', subject: `${plan.mount}/${plan.path}` } as const;
    const caller = await authoriseCommand(app, session, context, asked);
    requireOwnPlan(plan, caller.token.entity, app.nowMs());
    await session.catchUp();
    const mount = mountOfPlan(session, plan);
    const scope = await scopeOf(session, projections, mount, plan.path, plan.madeAt);
    const surveyed = await surveyAll(session, mount, scope);
    const kept = surveyed.flatMap(({ outcome, path, detail }) =>
      outcome === 'held' || outcome === 'retained' ? [{ path, why: detail ?? outcome }] : [],
    );
    const [first] = kept;
    const steps = stepsOf(surveyed);
    if (steps.length === 0)
      return first === undefined ? refuse({ kind: 'absent' }) : refuse({ kind: 'held', message: first.why });
    const erasing = { session, context, caller, asked, plan, mount, scope, kept: kept.length };
    const positions = await applyErasure(app, erasing, steps);
    const [position = 0] = positions.slice(-1);
    return { position, positions, counts: countsOf(surveyed), keys: keysIn(surveyed), kept };
  }),
});

const keysIn = (surveyed: readonly Surveyed[]): number =>
  surveyed.reduce((sum, { outcome, keys }) => sum + (outcome === 'erase' ? keys.length : 0), 0);

const countsOf = (surveyed: readonly Surveyed[]): Record<EraseOutcome, number> => {
  const counts = { erase: 0, held: 0, retained: 0, nothing: 0 };
  for (const { outcome } of surveyed) counts[outcome] += 1;
  return counts;
};
