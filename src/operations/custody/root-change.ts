/**
 * The one transaction in which a new root key takes over: every slot, the keyring with new row, token, checkpoint, event-id
 * and snapshot keys, and a new header epoch. Authority is written down under the new snapshot key before, so that a start
 * never depends on a snapshot that somebody with the old root key could have made. A new term follows by itself (keeper.ts).
 */
import type { Slot } from '../../authority/authority.js';
import { boxKey } from '../../crypto/box.js';
import { constantTimeEqual, keyCopy, wipe } from '../../crypto/bytes.js';
import { checkpointKeyOf } from '../../crypto/checkpoint-key.js';
import { stream } from '../../crypto/names.js';
import { randomUuid7 } from '../../crypto/random.js';
import { sealEvent } from '../../keys/event-sealer.js';
import { KeyringKind, KeyringState } from '../../keys/key-kinds.js';
import { type Succession, succession } from '../../keys/keyring.js';
import type { RootKey } from '../../keys/slots.js';
import { draftEpoch } from '../../nexus/epochs.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';
import { snapshotNow } from '../snapshot-now.js';
import { changeKeystore, type Drafted, type KeystoreActor } from './keystore-change.js';
import type { MadeSlot } from './new-slots.js';
import type { RootPlan } from './root-plan.js';
import { ownerOf } from './slots.js';

export interface RemadeSlot extends MadeSlot {
  readonly replaces: Slot;
}

export interface RootChange {
  readonly root: RootKey;
  readonly plan: RootPlan;
  readonly slots: readonly RemadeSlot[];
}

/** Throws `Refused`; then nothing has changed, and it may be tried again with the same slots. */
export const commitRoot = async (
  session: Session,
  actor: KeystoreActor,
  { root, plan, slots }: RootChange,
): Promise<{ readonly position: number }> => {
  const { authority, custody, ports } = session;
  await session.catchUp();
  const refusal = () => {
    if (authority.keystore?.slotsDigest !== plan.slotsDigest)
      return invalid('the slots were changed meanwhile: cancel this rotation, and begin again');
    // Its share lies in a keyring that the old root key opens, and it is not in use yet.
    if (authority.terms.prepared !== null)
      return invalid('keys are being rotated: wait until the new term is in use (tally keys status), and try again');
    return null;
  };
  const refused = refusal();
  if (refused !== null) refuse(refused);
  const epoch = draftEpoch(session, ports.nowMs());
  const keyring = succession(custody.keyring, epoch.epoch, ports.nowMs() * 1000);
  try {
    const snapshot = await snapshotAhead(session, actor, keyring);
    const outdated = authority.sharesBackup?.key;
    return await changeKeystore(session, actor, {
      change: 'root-rotated',
      slots: {
        add: slots.map(({ slot, replaces }) => ({ slot: kept(slot), owner: ownerOf(replaces) })),
        remove: [...plan.remade, ...plan.dropped].map(({ id }) => id),
      },
      keyring,
      keys: { insert: [epoch.key], remove: outdated === undefined ? [] : [outdated] },
      // Copies: what was not recorded is overwritten, and the caller may try again.
      root: { root: { ...root, key: keyCopy(root.key) }, epoch: epoch.epoch, headerKey: epoch.headerKey, snapshot },
      own: outdated === undefined ? {} : { backup: null },
      before: [checkpointKey(session, actor, keyring), epoch],
      // An epoch that was retired meanwhile begins with a snapshot that only the old root key opens.
      unless: () =>
        refusal() ??
        (authority.epoch < epoch.epoch && (authority.base ?? 0) < snapshot
          ? null
          : { kind: 'busy', retryAfterSeconds: 1 }),
    });
  } catch (error) {
    // An answer that says that nobody knows may have been overtaken by the event itself: then these are in use.
    if (!constantTimeEqual(custody.rootKey, root.key))
      wipe(epoch.headerKey, ...keyring.add.filter(({ state }) => state === KeyringState.active).map(e => e.bytes));
    throw error;
  }
};

const invalid = (message: string) => ({ kind: 'invalid', message }) as const;

/** `changeKeystore` wipes the verifiers that it stored. */
const kept = (slot: MadeSlot['slot']): MadeSlot['slot'] => ({
  ...slot,
  verifier: slot.verifier === null ? null : keyCopy(slot.verifier),
});

const checkpointKey = ({ custody, ports }: Session, actor: KeystoreActor, { add }: Succession): Drafted => {
  const seed = add.findLast(({ kind }) => kind === KeyringKind.checkpointSeed);
  if (seed === undefined) throw new Error('a succession has a checkpoint seed');
  return {
    facts: { checkpoint_key: checkpointKeyOf(seed.bytes) },
    sealed: sealEvent(custody, {
      ...{ eventId: randomUuid7(ports.nowMs()), type: 'checkpoint.key', lane: 1, actor: actor.entity },
      streamId: stream(custody.keyring.indexKey, custody.ledger, 'keystore', ''),
      header: actor.header,
    }),
  };
};

const snapshotAhead = async (session: Session, { header }: KeystoreActor, { add }: Succession): Promise<number> => {
  const key = add.findLast(({ kind }) => kind === KeyringKind.snapshot);
  if (key === undefined) throw new Error('a succession has a snapshot key');
  const ahead = boxKey('snapshot', keyCopy(key.bytes));
  try {
    return await snapshotNow(session, header, ahead);
  } finally {
    wipe(ahead);
  }
};
