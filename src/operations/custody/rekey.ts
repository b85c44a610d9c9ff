/**
 * Rekey: enough of today's shares agree on new ones (vault-wire.md §7.5). The old ones open until the new are in place; with
 * verification, until enough of the new were given back, so that a share that never reached its holder costs nothing.
 */
import { type Uuid, wipe } from '../../crypto/bytes.js';
import { pad } from '../../crypto/padding.js';
import { randomUuid4 } from '../../crypto/random.js';
import type { Recipient } from '../../crypto/recipients.js';
import { decodeSlotRecord } from '../../crypto/slot-record.js';
import { KeyKind } from '../../keys/key-kinds.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse } from '../app.js';
import { operation } from '../operation.js';
import { Attempt, admission } from './attempt.js';
import type { CustodyOperations, Delivered, RekeyRequest, RekeyStatus, VerifyStatus } from './contract.js';
import { recipientsOf } from './delivery.js';
import { changeKeystore, type KeystoreActor } from './keystore-change.js';
import { type MadeSlot, shareSlot } from './new-slots.js';
import { Quorum, requireRoot, shareSlotOf } from './quorum.js';
import { ownerOf } from './slots.js';

type RekeyOperations = Pick<
  CustodyOperations,
  'rekeyStatus' | 'rekeyStart' | 'rekeyCancel' | 'rekeyUpdate' | 'verifyStatus' | 'verifyUpdate' | 'verifyRestart'
>;

/** New shares that are handed out and open nothing yet. */
interface Pending {
  readonly made: MadeSlot;
  /** The slot that today's shares opened. */
  readonly replaces: Uuid;
  readonly nonce: Uuid;
  readonly quorum: Quorum;
}

class Rekey {
  readonly nonce = randomUuid4();
  readonly quorum = new Quorum('generation');
  pending: Pending | null = null;

  constructor(
    readonly request: RekeyRequest,
    readonly recipients: readonly Recipient[],
  ) {}

  get fingerprints(): readonly string[] | null {
    const known = this.recipients.flatMap(({ fingerprint }) => fingerprint ?? []);
    return known.length === 0 ? null : known;
  }

  end(): void {
    this.quorum.forget();
    this.pending?.quorum.forget();
  }
}

const OP = 'operator.rekey';

export const rekeyOperations = (app: App, openRekey: boolean): RekeyOperations => {
  const attempt = new Attempt<Rekey>();
  const admit = admission(app, openRekey, attempt, OP);

  return {
    rekeyStatus: operation('asking for the rekey', context =>
      admit(context, session => statusOf(session, attempt.of(session))),
    ),

    rekeyStart: operation('starting a rekey', (context, request) =>
      admit(context, async session => {
        if (attempt.of(session) !== null) invalid('rekey already in progress');
        await shareSlotOf(session);
        const rekey = new Rekey(request, await recipientsOf(request.recipients));
        attempt.begin(session, rekey);
        return statusOf(session, rekey);
      }),
    ),

    rekeyCancel: operation('cancelling a rekey', context =>
      admit(context, async () => {
        attempt.end();
        return null;
      }),
    ),

    rekeyUpdate: operation('rekeying', (context, { key, nonce }) =>
      admit(context, async (session, actor) => {
        const rekey = attempt.of(session) ?? invalid('no barrier rekey in progress');
        if (rekey.pending !== null)
          invalid(
            `rekey operation already finished; verification must be performed; nonce for the verification operation is "${rekey.pending.nonce}"`,
          );
        requireNonce(nonce, rekey.nonce, 'rekey');
        const today = await shareSlotOf(session);
        const opened = await rekey.quorum.give(session.custody.ledger, today, key);
        if (opened === null) return { complete: false, status: await statusOf(session, rekey) };
        requireRoot(session, opened);
        const { shares, ...made } = await shareSlot(session, rekey.request.split, rekey.recipients);
        wipe(...shares);
        if (rekey.request.requireVerification)
          rekey.pending = {
            // Shares in the clear leave with this answer; only encrypted ones are kept, for a backup.
            made: rekey.recipients.length === 0 ? { ...made, keys: [] } : made,
            ...{ replaces: today.row.slotId, nonce: randomUuid4(), quorum: new Quorum('verify') },
          };
        else {
          await install(session, actor, rekey, { made, replaces: today.row.slotId });
          attempt.end();
        }
        return { complete: true, status: await statusOf(session, rekey), keys: made.keys };
      }),
    ),

    verifyStatus: operation('asking for the verification', context =>
      admit(context, async session => verifyStatusOf(...pendingOf(attempt.of(session)))),
    ),

    verifyRestart: operation('restarting the verification', context =>
      admit(context, async session => {
        const [rekey, pending] = pendingOf(attempt.of(session));
        return verifyStatusOf(rekey, renonced(rekey, pending));
      }),
    ),

    verifyUpdate: operation('verifying new shares', (context, { key, nonce }) =>
      admit(context, async (session, actor) => {
        const [rekey, pending] = pendingOf(attempt.of(session));
        requireNonce(nonce, pending.nonce, 'verify');
        const { made, quorum } = pending;
        const { split } = rekey.request;
        const before = quorum.progress;
        try {
          const opened = await quorum.give(session.custody.ledger, { row: made.slot, split }, key);
          if (opened === null) return { complete: false, status: verifyStatusOf(rekey, pending) };
          requireRoot(session, opened);
        } catch (error) {
          // Enough were given, and they open nothing: those who have seen the nonce begin with another.
          if (before + 1 >= split.threshold && quorum.progress === 0) renonced(rekey, pending);
          throw error;
        }
        await install(session, actor, rekey, pending);
        attempt.end();
        return { complete: true, nonce: pending.nonce };
      }),
    ),
  };
};

const invalid = (message: string): never => refuse({ kind: 'invalid', message });

const requireNonce = (given: string, right: Uuid, what: 'rekey' | 'verify'): void => {
  if (given !== right) invalid(`incorrect nonce supplied; nonce for this ${what} operation is "${right}"`);
};

const pendingOf = (rekey: Rekey | null): readonly [Rekey, Pending] => {
  const running = rekey ?? invalid('no rekey configuration found');
  return [running, running.pending ?? invalid('no rekey verification in progress')];
};

const renonced = (rekey: Rekey, pending: Pending): Pending => {
  pending.quorum.forget();
  const next = { ...pending, nonce: randomUuid4() };
  rekey.pending = next;
  return next;
};

/** The new slot takes the old one's place, and the backup, if one was asked for, that of an older backup. */
const install = async (
  session: Session,
  actor: KeystoreActor,
  rekey: Rekey,
  { made, replaces }: Pick<Pending, 'made' | 'replaces'>,
): Promise<void> => {
  const { custody, authority } = session;
  const old = authority.slots.get(replaces);
  const generation = decodeSlotRecord(made.slot.record)?.rootGeneration;
  if (old === undefined || generation !== custody.keyring.rootGeneration)
    return invalid('the shares were exchanged, or the root key rotated, meanwhile: cancel this rekey, and begin again');
  const outdated = authority.sharesBackup?.key;
  const backup = rekey.request.backup ? backupRow(session, rekey.nonce, made) : null;
  await changeKeystore(session, actor, {
    change: 'rekey',
    slots: { add: [{ slot: made.slot, owner: ownerOf(old) }], remove: [replaces] },
    keys: { insert: backup === null ? [] : [backup], remove: outdated === undefined ? [] : [outdated] },
    own: {
      ...(rekey.fingerprints === null ? {} : { recipients: rekey.fingerprints }),
      backup: backup === null ? null : { key: backup.keyId, nonce: rekey.nonce },
    },
  });
};

/** A credential of the slot: what is in it is encrypted to the shares' holders, and goes with the row. */
const backupRow = (session: Session, nonce: Uuid, { slot, keys }: MadeSlot) => {
  const plaintext = Buffer.from(JSON.stringify({ nonce, keys: byFingerprint(keys) }));
  return session.custody.wrap(randomUuid4(), KeyKind.credential, slot.slotId, pad(plaintext));
};

const byFingerprint = (keys: readonly Delivered[]): Readonly<Record<string, readonly string[]>> => {
  const found: Record<string, string[]> = {};
  for (const { bytes, fingerprint } of keys) {
    if (fingerprint === null) continue;
    found[fingerprint] = [...(found[fingerprint] ?? []), bytes.toString('hex')];
  }
  return found;
};

const statusOf = async (session: Session, rekey: Rekey | null): Promise<RekeyStatus> => {
  const { split } = await shareSlotOf(session);
  return {
    nonce: rekey?.nonce ?? '',
    split: rekey?.request.split ?? null,
    progress: rekey?.quorum.progress ?? 0,
    required: split.threshold,
    fingerprints: rekey?.fingerprints ?? null,
    backup: rekey?.request.backup ?? false,
    verificationRequired: rekey?.request.requireVerification ?? false,
    verificationNonce: rekey?.pending?.nonce ?? null,
  };
};

const verifyStatusOf = (rekey: Rekey, { nonce, quorum }: Pending): VerifyStatus => ({
  nonce,
  split: rekey.request.split,
  progress: quorum.progress,
});
