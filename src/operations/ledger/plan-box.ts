/** The plan id: a sealed description of the plan, so that any node can apply it and nobody can make one up. */
import type * as t from 'io-ts';
import type { Mount } from '../../authority/mounts.js';
import { boxKey, open, seal } from '../../crypto/box.js';
import { concat, label } from '../../crypto/bytes.js';
import { pad, unpad } from '../../crypto/padding.js';
import { prf } from '../../crypto/prf.js';
import type { Custody } from '../../keys/custody.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';

/** How long a plan can be applied: µs */
export const PLAN_TTL_US = 3_600_000_000;

const keyOf = ({ keyring, ledger }: Custody) => boxKey('plan', prf(keyring.tokenKey, concat(label('plan'), ledger)));

const NO_CONTEXT = Buffer.alloc(0);

export const sealPlan = (custody: Custody, plan: object): string =>
  seal('plan', keyOf(custody), custody.ledger, NO_CONTEXT, pad(Buffer.from(JSON.stringify(plan)))).toString(
    'base64url',
  );

/** Null: not a plan of this ledger, or one of another kind. */
export const openPlan = <Plan>(custody: Custody, planId: string, codec: t.Type<Plan, unknown>): Plan | null => {
  if (planId.length > 16_384 || !/^[\w-]+$/.test(planId)) return null;
  const padded = open('plan', keyOf(custody), custody.ledger, NO_CONTEXT, Buffer.from(planId, 'base64url'));
  const text = padded === null ? null : unpad(padded);
  const parsed: unknown = text === null ? null : JSON.parse(text.toString('utf8'));
  return codec.is(parsed) ? parsed : null;
};

/** A plan is applied by whoever made it, while it lasts. */
export const requireOwnPlan = (
  plan: { readonly actor: string; readonly expiresAt: number },
  entity: string,
  nowMs: number,
): void => {
  if (entity !== plan.actor)
    refuse({ kind: 'invalid', message: 'the plan was made by somebody else: make one of your own' });
  if (plan.expiresAt < nowMs * 1000) refuse({ kind: 'plan-outdated', message: 'the plan has expired: make a new one' });
};

/** The very mount that a plan was made of, at the path that it names: another one there may hold secrets of the same names. */
export const mountOfPlan = (
  { authority }: Session,
  plan: { readonly mount: string; readonly number: number },
): Mount => {
  const mount = authority.mounts.at(plan.mount);
  return mount?.number === plan.number
    ? mount
    : refuse({ kind: 'plan-outdated', message: 'the mount of the plan has moved or is gone: make a new plan' });
};
