/** `age` files (age-encryption.org/v1), armored: for people who keep a copy of something elsewhere. */
import { armor, Encrypter } from 'age-encryption';

export class BadRecipient extends Error {
  override readonly name = 'BadRecipient';
}

/** Armored text that any of the recipients (`age1…`) opens. Throws `BadRecipient`, without quoting what was sent. */
export const encryptToRecipients = async (recipients: readonly string[], plaintext: Uint8Array): Promise<string> => {
  const encrypter = new Encrypter();
  for (const recipient of recipients)
    try {
      encrypter.addRecipient(recipient);
    } catch {
      throw new BadRecipient('not an age recipient');
    }
  return armor.encode(await encrypter.encrypt(plaintext));
};
