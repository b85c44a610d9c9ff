/** New slots of every kind under the root key as it is now. Each is proved to open before anything is recorded of it. */

import { wipe } from '../../crypto/bytes.js';
import { randomBytes } from '../../crypto/random.js';
import type { Recipient } from '../../crypto/recipients.js';
import { passwordComplaint } from '../../keys/common-passwords.js';
import { kmsParamsOf, newKmsSlot } from '../../keys/kms-slots.js';
import { newPasswordSlot } from '../../keys/password-slots.js';
import { KEY_BYTES, type Split } from '../../keys/shares.js';
import { type NewSlot, newKeyFileSlot, newShareSlot, openSlotRow, type RootKey } from '../../keys/slots.js';
import { type Kms, KmsError } from '../../kms/kms.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse } from '../app.js';
import type { Delivered } from './contract.js';
import { delivered } from './delivery.js';

export interface MadeSlot {
  readonly slot: NewSlot;
  readonly keys: readonly Delivered[];
  readonly keyFile: Buffer | null;
}

const nothingToHandOver = { keys: [], keyFile: null };

export const rootOf = ({ custody }: Session): RootKey => ({
  key: custody.rootKey,
  generation: custody.keyring.rootGeneration,
});

/** `root`, here and below: the root key that the slot is to open. */
export const passwordSlot = async (
  app: App,
  session: Session,
  password: string,
  root = rootOf(session),
): Promise<MadeSlot> => {
  const complaint = passwordComplaint(password);
  if (complaint !== null) refuse({ kind: 'invalid', message: complaint });
  const { slotCost, peppers } = app.nexus.ports;
  const { ledger } = session.custody;
  const slot = await newPasswordSlot(ledger, root, password, slotCost, peppers[0] ?? null);
  return { slot, ...nothingToHandOver };
};

/** `shares`: as they are, the caller's to wipe. */
export const shareSlot = async (
  session: Session,
  split: Split,
  recipients: readonly Recipient[],
  root = rootOf(session),
): Promise<MadeSlot & { readonly shares: readonly Buffer[] }> => {
  const { shares, ...slot } = await newShareSlot(session.custody.ledger, root, split);
  return { slot, shares, keys: await delivered(shares, recipients), keyFile: null };
};

export const keyFileSlot = (session: Session): MadeSlot => {
  const keyFile = randomBytes(KEY_BYTES);
  return { slot: newKeyFileSlot(session.custody.ledger, rootOf(session), keyFile), keys: [], keyFile };
};

export const kmsSlot = async (app: App, session: Session, uri: string, root = rootOf(session)): Promise<MadeSlot> => {
  const kms = app.nexus.ports.kms.find(each => each.uri === uri) ?? refuse(notNamed(app.nexus.ports.kms));
  const { ledger } = session.custody;
  const slot = await newKmsSlot(ledger, root, kms);
  const params = kmsParamsOf(slot);
  const ikm = params === null ? Buffer.alloc(KEY_BYTES) : await kms.unwrap(params.ciphertext);
  const opened = openSlotRow(ledger, slot, ikm);
  wipe(ikm);
  if (opened === null) throw new KmsError('refused', `${kms.uri}: what it unwraps is not what it wrapped`);
  wipe(opened.root.key);
  return { slot, ...nothingToHandOver };
};

const notNamed = (known: readonly Kms[]) => {
  const named = known.length === 0 ? 'names none' : `names ${known.map(({ uri }) => uri).join(' and ')}`;
  return {
    kind: 'invalid' as const,
    message: `TALLYSTICK_KMS does not name that key on this node (it ${named}): add it there, on every node, and start again`,
  };
};
