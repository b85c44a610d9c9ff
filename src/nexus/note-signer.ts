/** Signs notes in the ledger's name, with the newest checkpoint key of the keyring. */
import { checkpointKeyOf } from '../crypto/checkpoint-key.js';
import { addSignature, checkpointText, type NoteKey, originOf, signNote } from '../crypto/signed-note.js';
import type { Custody } from '../keys/custody.js';
import type { Head } from '../ledger/head.js';

export interface NoteSigner {
  readonly publicKey: string;
  readonly sign: (text: string) => string;
  /** Signed by former checkpoint keys, too: an older copy of the ledger knows no other. */
  readonly signForAll: (text: string) => string;
  /** The head, signed: only ever one that is committed. */
  readonly checkpoint: (head: Head) => string;
}

export const noteSigner = (custody: Custody): NoteSigner => {
  const [seed, ...former] = custody.keyring.checkpointSeeds;
  if (seed === undefined) throw new Error('the keyring has no checkpoint seed');
  const publicKey = checkpointKeyOf(seed);
  const origin = originOf(custody.ledgerId);
  const keyOf = (hex: string): NoteKey => ({ name: origin, publicKey: Buffer.from(hex, 'hex') });
  const sign = (text: string): string => signNote(text, keyOf(publicKey), seed);
  const signForAll = (text: string): string =>
    former.reduce((note, old) => addSignature(note, keyOf(checkpointKeyOf(old)), old), sign(text));
  return { publicKey, sign, signForAll, checkpoint: ({ size, root }) => sign(checkpointText({ origin, size, root })) };
};
