/**
 * What unseal believes, step by step (formats.md §3, §9): root key → keyring → head → authority → the key store that the
 * ledger recorded last → this node's anchor. Any mismatch leaves the server sealed and is named.
 */
import { Authority, HeaderGone, type KeystoreSeal } from '../authority/authority.js';
import { constantTimeEqual, keyCopy, type Uuid, wipe } from '../crypto/bytes.js';
import { decodeSlotRecord } from '../crypto/slot-record.js';
import { erasureCheck } from '../crypto/term.js';
import type { SecretState } from '../domain/secret/state.js';
import { Custody } from '../keys/custody.js';
import { type Keyring, openKeyring } from '../keys/keyring.js';
import { type RootKey, slotsDigest } from '../keys/slots.js';
import { keyringRow, type SlotRow, slotRows } from '../keys/store.js';
import { KmsError } from '../kms/kms.js';
import { headOfSize, newestHead } from '../ledger/head.js';
import { Known } from '../ledger/known.js';
import type { Runner } from '../sql.js';
import { type Anchor, readAnchor } from './anchor.js';
import { ErasureList } from './erasure-list.js';
import { pinLedger } from './ledger-row.js';
import type { NexusPorts } from './ports.js';
import type { Lost, StatedKeystore } from './recovered.js';
import { secretFold } from './secret-streams.js';
import { newestSnapshot, type Restored } from './snapshots.js';
import { readStated } from './stated-keystore.js';

/** The stored ledger is not one that this node may serve; the message is for operators. */
export class LedgerRefused extends Error {
  override readonly name = 'LedgerRefused';
}

/** A key was not found: it is lost, or came about while this process looked. */
class KeyMissing extends LedgerRefused {}

export interface Believed {
  readonly custody: Custody;
  readonly authority: Authority;
  readonly known: Known<SecretState>;
  readonly erasureList: ErasureList;
  /** How many events of lane 1 came out of a snapshot. */
  readonly snapshotCount: number;
  /** What this node saw and the database does not have, when a person accepts that; else null. */
  readonly lost: Lost | null;
  /** What the key store must look like, where `operator recover` put a newer one in than the ledger knows; else null. */
  readonly stated: StatedKeystore | null;
}

/** What opens the ledger: the root key, and the slot that it came from; null: a process that has unsealed told it. */
export interface Opener {
  readonly root: RootKey;
  readonly slotId: Uuid | null;
}

/** Of looking, while the ledger goes on. */
const TRIES = 3;

/**
 * Throws `LedgerRefused` or `IntegrityError`; then every key that was opened on the way is wiped. Other processes go on
 * meanwhile, and what they began may need keys that were not looked for: where the ledger went on, all is looked at again.
 */
export const believeLedger = async (
  ports: NexusPorts,
  ledger: Buffer,
  { root, slotId }: Opener,
  slots: readonly SlotRow[],
  acceptRollback: boolean,
): Promise<Believed> => {
  const size = async (): Promise<number | undefined> => (await ports.database.writer.run(newestHead))[0]?.size;
  try {
    for (let tries = 1; ; tries += 1) {
      const before = await size();
      const opener = { slotId, root: { ...root, key: keyCopy(root.key) } };
      try {
        return await believeOnce(ports, ledger, opener, slots, acceptRollback);
      } catch (error) {
        const missing = error instanceof KeyMissing || error instanceof HeaderGone;
        if (!missing || tries === TRIES || (await size()) === before) throw error;
      }
    }
  } finally {
    wipe(root.key);
  }
};

const believeOnce = async (
  ports: NexusPorts,
  ledger: Buffer,
  { root, slotId }: Opener,
  slots: readonly SlotRow[],
  acceptRollback: boolean,
): Promise<Believed> => {
  const { writer } = ports.database;
  const keyring = await openedKeyring(writer, ledger, root, slots);
  const erasureKeys = await ports.erasureKeys.read(ledger, keyring.livingTerms).catch((error: unknown) => {
    wipe(root.key);
    keyring.wipe();
    throw error instanceof KmsError ? new LedgerRefused(error.message) : error;
  });
  const custody = new Custody(ledger, root.key, keyring, erasureKeys);
  try {
    requireErasureKeys(custody, ports);
    await custody.loadEpochs(writer);
    const snapshot = await newestSnapshot(writer, custody, position =>
      ports.notice('snapshot', new Error(`the snapshot at position ${position} is not usable`)),
    );
    const authority = snapshot?.authority ?? new Authority(custody);
    custody.followTerm(() => authority.keystore?.term ?? 1);
    custody.followRoots(() => authority.rotations);
    custody.followEpochs(epoch => authority.epochs.isRetired(epoch));
    const known = await Known.load(writer, custody, authority, secretFold, snapshot?.head).catch((error: unknown) => {
      throw error instanceof HeaderGone ? new KeyMissing(beginningComplaint(error.epoch, snapshot)) : error;
    });
    requireEpochs(custody, authority);
    const lost = await compareAnchor(ports, custody, known, acceptRollback);
    const { generation } = recordedKeystore(authority, known);
    const stated = lost === null ? null : await readStated(ports.files.recovered, custody, generation);
    await requireKeystore(writer, custody, authority, known, stated, erasureKeys);
    // A term may have become active that was not looked for.
    requireErasureKeys(custody, ports);
    if (stated === null && slotId !== null && !authority.slots.has(slotId)) throw new LedgerRefused(SLOTS_COMPLAINT);
    await pinLedger(ports.files.ledgerId, ledger);
    const erasureList = await ErasureList.apply(ports.files.erasureList, custody, writer);
    return { custody, authority, known, erasureList, lost, stated, snapshotCount: snapshot?.head.authorityCount ?? 0 };
  } catch (error) {
    custody.wipe();
    throw error;
  } finally {
    wipe(...erasureKeys.values());
  }
};

const beginningComplaint = (epoch: number, snapshot: Restored | null): string =>
  `the header key of epoch ${epoch} is gone (retired, or lost), so that authority can only begin with a snapshot that stands for it, and ${
    snapshot === null ? 'none in the database opens' : `the one at position ${snapshot.head.size} is older`
  }: put the table snapshots back from a backup of the database, or recover with a key export (tally operator recover)`;

/** One that is lost is not to be found out years later, when somebody asks for a header. */
const requireEpochs = (custody: Custody, { epochs }: Authority): void => {
  const missing = epochs.all.filter(({ epoch, retired }) => retired === null && !custody.holdsEpoch(epoch));
  if (missing.length > 0)
    throw new KeyMissing(
      `the key row of header epoch ${missing.map(({ epoch }) => epoch).join(', ')} is missing, and the ledger does not say that it was retired`,
    );
  custody.dropRetired();
};

const keyringComplaint = ({ generation }: RootKey, slots: readonly SlotRow[]): string => {
  const newest = Math.max(...slots.map(({ record }) => decodeSlotRecord(record)?.rootGeneration ?? 0));
  return newest > generation
    ? `the slot that was opened is of root key ${generation}, others are of root key ${newest}: an old slot was put back`
    : 'the keyring in the database does not open with the root key';
};

const openedKeyring = async (
  writer: Runner,
  ledger: Buffer,
  root: RootKey,
  slots: readonly SlotRow[],
): Promise<Keyring> => {
  try {
    const [stored] = await writer.run(keyringRow);
    if (stored === undefined) throw new LedgerRefused('the keyring is missing from the database');
    const keyring = openKeyring(root.key, ledger, stored.generation, root.generation, stored.box);
    if (keyring === null) throw new LedgerRefused(keyringComplaint(root, slots));
    return keyring;
  } catch (error) {
    wipe(root.key);
    throw error;
  }
};

const requireErasureKeys = ({ keyring, terms }: Custody, ports: NexusPorts): void => {
  // Nothing lies under a term that is only prepared: this node may get its key later.
  const missing = keyring.livingTerms.filter(term => !terms.has(term));
  if (missing.length === 0) return;
  throw new KeyMissing(
    `the erasure key of term ${missing.join(', ')} is not in ${ports.erasureKeys.name}: put it back from another node or its escrow`,
  );
};

const recordedKeystore = ({ keystore }: Authority, { head }: Known<SecretState>): KeystoreSeal => {
  if (keystore === null) throw new LedgerRefused('the ledger does not say what its key store must look like');
  if (head.keyringGeneration !== keystore.generation)
    throw new LedgerRefused(
      `the head of the ledger is of keyring generation ${head.keyringGeneration}, the ledger recorded ${keystore.generation}`,
    );
  return keystore;
};

/** Another process may change it while this one looks: then what it recorded is folded, and looked at again. */
const requireKeystore = async (
  writer: Runner,
  custody: Custody,
  authority: Authority,
  known: Known<SecretState>,
  stated: StatedKeystore | null,
  erasureKeys: ReadonlyMap<number, Buffer>,
): Promise<void> => {
  for (;;) {
    const recorded = recordedKeystore(authority, known);
    const complaint = keystoreComplaint(custody, stated ?? recorded, await writer.run(slotRows), erasureKeys);
    if (complaint === null) return;
    await known.catchUp(writer);
    if (authority.keystore?.position === recorded.position) throw new LedgerRefused(complaint);
  }
};

const SLOTS_COMPLAINT =
  'the slots in the database are not those that the ledger recorded last: an old slot was put back, or one is missing';

const keystoreComplaint = (
  custody: Custody,
  recorded: StatedKeystore,
  slots: readonly SlotRow[],
  erasureKeys: ReadonlyMap<number, Buffer>,
): string | null => {
  const { generation } = custody.keyring;
  if (generation !== recorded.generation)
    return `the keyring in the database is generation ${generation}, the ledger recorded ${recorded.generation}: an old keyring was put back`;
  if (slotsDigest(slots).toString('hex') !== recorded.slotsDigest) return SLOTS_COMPLAINT;
  for (const [term, check] of recorded.checks) {
    const key = erasureKeys.get(term);
    if (key !== undefined && erasureCheck(key, custody.ledger, term).toString('hex') !== check)
      return `the erasure key of term ${term} on this node is not the one of this ledger`;
  }
  return null;
};

const compareAnchor = async (
  ports: NexusPorts,
  custody: Custody,
  known: Known<SecretState>,
  acceptRollback: boolean,
): Promise<Lost | null> => {
  // Of several processes of a node one keeps the anchor, and compared it before it told the others the root key.
  if (ports.files.anchor === null) return null;
  const anchor = await readAnchor(ports.files.anchor);
  if (anchor === null || anchor.ledger !== custody.ledgerId) return null;
  const complaint = await anchorComplaint(ports, known, anchor);
  if (complaint === null) return null;
  if (acceptRollback) return { size: anchor.size, root: anchor.root };
  throw new LedgerRefused(
    `${complaint}. To go on from what is there, on record: tally operator unseal --accept-rollback`,
  );
};

const anchorComplaint = async (
  ports: NexusPorts,
  known: Known<SecretState>,
  anchor: Anchor,
): Promise<string | null> => {
  if (anchor.size > known.head.size)
    return `the database is behind what this node saw (${known.head.size} events, this node saw ${anchor.size}): it was rolled back or restored from a backup`;
  const [then] = await ports.database.writer.run(headOfSize, [anchor.size]);
  return then === undefined || !constantTimeEqual(then.root, Buffer.from(anchor.root, 'hex'))
    ? `the ledger in the database has another history than this node saw up to event ${anchor.size}`
    : null;
};
