/** Another process of this ledger changed the keyring: lane 1 says so, and the new one is read before anything goes on. */
import type { Authority } from '../authority/authority.js';
import { wipe } from '../crypto/bytes.js';
import type { Custody } from '../keys/custody.js';
import { openKeyring } from '../keys/keyring.js';
import type { RootKey } from '../keys/slots.js';
import { keyringRow } from '../keys/store.js';
import { IntegrityError } from '../ledger/integrity.js';
import type { Runner } from '../sql.js';

/** The ledger has another root key than this process: it has to be told the new one, or to be unsealed again. */
export class RootRotated extends Error {
  override readonly name = 'RootRotated';
}

export const isBehindRoot = (custody: Custody, { rootGeneration }: Authority): boolean =>
  rootGeneration > custody.keyring.rootGeneration;

export const requireCurrentRoot = (custody: Custody, authority: Authority): void => {
  if (isBehindRoot(custody, authority)) throw new RootRotated('the root key was rotated');
};

/**
 * Call it after lane 1 was folded. Rejects with `RootRotated` when another root key opens it by now, with `IntegrityError`
 * when the database has an older one than the ledger says.
 */
export const followKeyring = async (runner: Runner, custody: Custody, authority: Authority): Promise<void> => {
  requireCurrentRoot(custody, authority);
  const recorded = authority.keystore?.generation ?? 0;
  await custody.followKeyring(runner, recorded);
  if (custody.keyring.generation < recorded) throw new IntegrityError('keyring');
};

/** The root key of a rotation that another process of this node made, as that process told it. */
export const followRoot = async (runner: Runner, custody: Custody, root: RootKey): Promise<void> => {
  const [stored] = await runner.run(keyringRow);
  const opened =
    stored === undefined ? null : openKeyring(root.key, custody.ledger, stored.generation, root.generation, stored.box);
  if (opened === null) {
    wipe(root.key);
    throw new IntegrityError('keyring');
  }
  custody.replaceRoot(root.key, opened);
  await custody.loadEpochs(runner);
};
