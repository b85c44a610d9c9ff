/** The plan id: a sealed description of the plan, so that any node can apply it and nobody can make one up. */
import * as t from 'io-ts';
import { boxKey, open, seal } from '../../crypto/box.js';
import { concat, label } from '../../crypto/bytes.js';
import { pad, unpad } from '../../crypto/padding.js';
import { prf } from '../../crypto/prf.js';
import type { Custody } from '../../keys/custody.js';

const Plan = t.type({
  actor: t.string,
  mount: t.string,
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
});
export type Plan = Readonly<t.TypeOf<typeof Plan>>;

const keyOf = ({ keyring, ledger }: Custody) => boxKey('plan', prf(keyring.tokenKey, concat(label('plan'), ledger)));

const NO_CONTEXT = Buffer.alloc(0);

export const sealPlan = (custody: Custody, plan: Plan): string =>
  seal('plan', keyOf(custody), custody.ledger, NO_CONTEXT, pad(Buffer.from(JSON.stringify(plan)))).toString(
    'base64url',
  );

/** Null: not a plan of this ledger. */
export const openPlan = (custody: Custody, planId: string): Plan | null => {
  if (planId.length > 16_384 || !/^[\w-]+$/.test(planId)) return null;
  const padded = open('plan', keyOf(custody), custody.ledger, NO_CONTEXT, Buffer.from(planId, 'base64url'));
  const text = padded === null ? null : unpad(padded);
  const parsed: unknown = text === null ? null : JSON.parse(text.toString('utf8'));
  return Plan.is(parsed) ? parsed : null;
};
