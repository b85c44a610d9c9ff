/**
 * Encrypting what is handed over once (a share, a root token) to people's own keys, by maintained libraries: OpenPGP keys as
 * Vault's clients send them, or age recipients. Loaded when somebody asks for it.
 */
import type { Key } from 'openpgp';

export interface Recipient {
  /** OpenPGP: hex, lower-case. Null: age, whose recipients have none. */
  readonly fingerprint: string | null;
  /** Binary: an OpenPGP message, or an age file. */
  readonly encrypt: (text: string) => Promise<Buffer>;
}

/** What is wrong with a recipient, without quoting it. */
export class RecipientRefused extends Error {
  override readonly name = 'RecipientRefused';
}

const KEY_CHARACTERS_MAX = 65_536;

/** `text`: base64 of a binary public key, as the dialect says, or an armored one. Rejects with `RecipientRefused`. */
export const pgpRecipient = async (text: string): Promise<Recipient> => {
  const openpgp = await import('openpgp');
  const refused = new RecipientRefused('a PGP key is the base64 of one public key that can encrypt');
  if (text.length > KEY_CHARACTERS_MAX) throw refused;
  let key: Key;
  try {
    key = text.startsWith('-----BEGIN')
      ? await openpgp.readKey({ armoredKey: text })
      : await openpgp.readKey({ binaryKey: Uint8Array.from(Buffer.from(text, 'base64')) });
    if (key.isPrivate()) throw refused;
    await key.getEncryptionKey();
  } catch {
    throw refused;
  }
  return {
    fingerprint: key.getFingerprint().toLowerCase(),
    encrypt: async secret => {
      const message = await openpgp.createMessage({ text: secret });
      return Buffer.from(await openpgp.encrypt({ message, encryptionKeys: key, format: 'binary' }));
    },
  };
};

/** `text`: `age1…`. Rejects with `RecipientRefused`. */
export const ageRecipient = async (text: string): Promise<Recipient> => {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  try {
    encrypter.addRecipient(text);
  } catch {
    throw new RecipientRefused('an age recipient begins with age1 and has one line');
  }
  return { fingerprint: null, encrypt: async secret => Buffer.from(await encrypter.encrypt(secret)) };
};
