/** Another process of this ledger changed the keyring: lane 1 says so, and the new one is read before anything goes on. */
import type { Authority } from '../authority/authority.js';
import type { Custody } from '../keys/custody.js';
import { openKeyring } from '../keys/keyring.js';
import { keyringRow } from '../keys/store.js';
import { IntegrityError } from '../ledger/integrity.js';
import type { Runner } from '../sql.js';

/** Call it after lane 1 was folded. Rejects with `IntegrityError` when the database has an older one than the ledger says. */
export const followKeyring = async (runner: Runner, custody: Custody, authority: Authority): Promise<void> => {
  const recorded = authority.keystore?.generation ?? 0;
  if (recorded <= custody.keyring.generation) return;
  const [stored] = await runner.run(keyringRow);
  const { rootKey, ledger, keyring } = custody;
  const opened =
    stored === undefined ? null : openKeyring(rootKey, ledger, stored.generation, keyring.rootGeneration, stored.box);
  if (opened === null || opened.generation < recorded) throw new IntegrityError('keyring');
  // Reads of several requests may be here at once: the newest stays.
  if (opened.generation > custody.keyring.generation) custody.replaceKeyring(opened);
};
