/** Signs notes in the ledger's name, with the newest checkpoint key of the keyring. */
import { checkpointKeyOf } from '../crypto/checkpoint-key.js';
import { checkpointText, type NoteKey, originOf, signNote } from '../crypto/signed-note.js';
import type { Custody } from '../keys/custody.js';
import { KeyringKind } from '../keys/key-kinds.js';
import type { Head } from '../ledger/head.js';

export interface NoteSigner {
  readonly publicKey: string;
  readonly sign: (text: string) => string;
  /** The head, signed: only ever one that is committed. */
  readonly checkpoint: (head: Head) => string;
}

export const noteSigner = (custody: Custody): NoteSigner => {
  const seed = custody.keyring.entries.findLast(({ kind }) => kind === KeyringKind.checkpointSeed)?.bytes;
  if (seed === undefined) throw new Error('the keyring has no checkpoint seed');
  const publicKey = checkpointKeyOf(seed);
  const origin = originOf(custody.ledgerId);
  const key: NoteKey = { name: origin, publicKey: Buffer.from(publicKey, 'hex') };
  const sign = (text: string): string => signNote(text, key, seed);
  return { publicKey, sign, checkpoint: ({ size, root }) => sign(checkpointText({ origin, size, root })) };
};
