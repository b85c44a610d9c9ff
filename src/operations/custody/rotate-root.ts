/**
 * Rotating the root key, step by step: what opens the ledger today is given, every slot is made again or dropped by name, new
 * shares are given back, and only then everything changes at once. Until that moment the old ones open, and afterwards only
 * the new ones: a share that never reached its holder costs nothing.
 */
import { wipe } from '../../crypto/bytes.js';
import { randomBytes, randomUuid4 } from '../../crypto/random.js';
import type { Recipient } from '../../crypto/recipients.js';
import type { RootKey } from '../../keys/slots.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import { operation } from '../operation.js';
import type { RequestContext } from '../request.js';
import { keystoreActor } from './actors.js';
import { Attempt } from './attempt.js';
import type { CustodyOperations, RootRotationProgress, RootRotationRequest, RootRotationStatus } from './contract.js';
import { recipientsOf } from './delivery.js';
import { requireRootCaller } from './grantable.js';
import type { KeystoreActor } from './keystore-change.js';
import { type MadeSlot, shareSlot } from './new-slots.js';
import { Quorum, requireRoot, shareSlotOf } from './quorum.js';
import { commitRoot, type RemadeSlot } from './root-change.js';
import { planRoot, type RootPlan } from './root-plan.js';

type Operations = Pick<CustodyOperations, 'rotationStatus' | 'rotationStart' | 'rotationCancel' | 'rotationUpdate'>;

const OP = 'operator.rotate-root';

class Rotation {
  readonly nonce = randomUuid4();
  readonly today = new Quorum('generation');
  readonly verify = new Quorum('verify');
  /** Shares that are handed out and open nothing yet. */
  pending: MadeSlot | null = null;

  constructor(
    readonly root: RootKey,
    readonly plan: RootPlan,
    readonly remade: readonly RemadeSlot[],
    readonly recipients: readonly Recipient[],
  ) {}

  end(): void {
    this.today.forget();
    this.verify.forget();
    wipe(this.root.key);
    for (const { slot } of this.remade) if (slot.verifier !== null) wipe(slot.verifier);
  }
}

export const rootRotationOperations = (app: App): Operations => {
  const attempt = new Attempt<Rotation>();
  const admit = <T>(
    context: RequestContext,
    work: (session: Session, actor: KeystoreActor) => Promise<T>,
  ): Promise<T> =>
    app.nexus.exclusive(async () => {
      const session = sessionOf(app);
      // Most steps are appended nowhere, so that nobody asks again at the head.
      const caller = await authorise(app, session, context, { op: OP, capability: 'sudo' });
      requireRootCaller(caller, 'rotates the root key');
      return work(session, keystoreActor(app, caller, context, OP));
    });

  const finish = async (session: Session, actor: KeystoreActor, rotation: Rotation): Promise<RootRotationProgress> => {
    const { plan, root, pending } = rotation;
    const shares = plan.shares === null || pending === null ? [] : [{ ...pending, replaces: plan.shares.slot }];
    const { position } = await commitRoot(session, actor, { root, plan, slots: [...rotation.remade, ...shares] });
    attempt.end();
    return { complete: true, position, rootGeneration: root.generation, ...names(plan) };
  };

  return {
    rotationStatus: operation('asking for the rotation of the root key', context =>
      admit(context, async session => statusOf(attempt.of(session))),
    ),

    rotationCancel: operation('cancelling the rotation of the root key', context =>
      admit(context, async () => {
        attempt.end();
        return null;
      }),
    ),

    rotationStart: operation('rotating the root key', (context, request) =>
      admit(context, async (session, actor) => {
        if (attempt.of(session) !== null)
          invalid('a rotation of the root key is under way: finish it, or cancel it first');
        const rotation = await begun(app, session, request);
        attempt.begin(session, rotation);
        if (rotation.plan.shares !== null) return unfinished(rotation);
        // There is nothing to wait for: it comes about now, or not at all.
        return finish(session, actor, rotation).finally(() => attempt.end());
      }),
    ),

    rotationUpdate: operation('giving a share for the rotation of the root key', (context, { key, nonce }) =>
      admit(context, async (session, actor) => {
        const rotation = attempt.of(session) ?? invalid('no rotation of the root key is under way');
        if (nonce !== rotation.nonce)
          invalid(`incorrect nonce supplied; nonce for this rotation of the root key is "${rotation.nonce}"`);
        return rotation.pending === null
          ? giveToday(session, rotation, key)
          : giveBack(session, rotation, rotation.pending, key, () => finish(session, actor, rotation));
      }),
    ),
  };
};

const invalid = (message: string): never => refuse({ kind: 'invalid', message });

const begun = async (app: App, session: Session, request: RootRotationRequest): Promise<Rotation> => {
  const root: RootKey = { key: randomBytes(32), generation: session.custody.keyring.rootGeneration + 1 };
  try {
    const recipients = await recipientsOf(request.recipients);
    const { plan, remade } = await planRoot(app, session, root, request);
    return new Rotation(root, plan, remade, recipients);
  } catch (error) {
    wipe(root.key);
    throw error;
  }
};

const giveToday = async (session: Session, rotation: Rotation, key: Buffer): Promise<RootRotationProgress> => {
  const { plan, root, recipients } = rotation;
  const today = await shareSlotOf(session);
  const opened = await rotation.today.give(session.custody.ledger, today, key);
  if (opened === null || plan.shares === null) return unfinished(rotation);
  requireRoot(session, opened);
  const { shares, ...made } = await shareSlot(session, plan.shares.split, recipients, root);
  wipe(...shares);
  rotation.pending = made;
  return { complete: false, status: statusOf(rotation), keys: made.keys };
};

/** New shares prove that they arrived, and open what they should, before the old ones end. */
const giveBack = async (
  session: Session,
  rotation: Rotation,
  { slot }: MadeSlot,
  key: Buffer,
  finish: () => Promise<RootRotationProgress>,
): Promise<RootRotationProgress> => {
  const split = rotation.plan.shares?.split;
  if (split === undefined) return unfinished(rotation);
  const opened = await rotation.verify.give(session.custody.ledger, { row: slot, split }, key);
  if (opened === null) return unfinished(rotation);
  wipe(opened.root.key);
  return finish();
};

const names = ({ remade, dropped }: RootPlan) => ({
  remade: remade.map(({ name, id }) => name ?? id),
  dropped: dropped.map(({ name, id }) => name ?? id),
});

const unfinished = (rotation: Rotation): RootRotationProgress => ({
  ...{ complete: false, status: statusOf(rotation), keys: [] },
});

const statusOf = (rotation: Rotation | null): RootRotationStatus => {
  if (rotation === null) return { stage: 'none', nonce: '', progress: 0, required: 0, remade: [], dropped: [] };
  const { plan, pending, nonce, today, verify } = rotation;
  const [quorum, split] = pending === null ? [today, plan.shares?.today] : [verify, plan.shares?.split];
  return {
    stage: pending === null ? 'shares' : 'verify',
    ...{ nonce, progress: quorum.progress, required: split?.threshold ?? 0, ...names(plan) },
  };
};
