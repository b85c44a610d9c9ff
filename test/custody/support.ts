/** What tests of custody have in common: a person's PGP key, and what is done with shares. */
import { createMessage, decrypt, generateKey, type PrivateKey, readMessage } from 'openpgp';
import type { Json, TestNode } from '../support/cluster.js';

export interface PgpPerson {
  /** Base64 of the binary public key, as Vault's clients send it. */
  readonly publicKey: string;
  readonly fingerprint: string;
  /** The text of a binary message in hex or base64. */
  readonly decrypt: (message: Buffer) => Promise<string>;
}

export const pgpPerson = async (name: string): Promise<PgpPerson> => {
  const { publicKey, privateKey } = await generateKey({ userIDs: [{ name }], type: 'curve25519', format: 'object' });
  return {
    publicKey: Buffer.from(publicKey.write()).toString('base64'),
    fingerprint: publicKey.getFingerprint().toLowerCase(),
    decrypt: message => opened(privateKey, message),
  };
};

const opened = async (key: PrivateKey, binary: Buffer): Promise<string> => {
  const message = await readMessage({ binaryMessage: Uint8Array.from(binary) });
  return String((await decrypt({ message, decryptionKeys: key })).data);
};

/** Something that is no key at all, in PGP's own form. */
export const pgpMessageText = async (): Promise<string> => {
  const message = await createMessage({ text: 'no key' });
  return Buffer.from(message.write()).toString('base64');
};

/** Seals, and gives these shares; the last answer. */
export const reopen = async (node: TestNode, shares: readonly string[]): Promise<Json> => {
  await node.program.nexus.seal();
  node.program.nexus.attempts.succeeded('unseal address 127.0.0.1');
  let last: Json = null;
  for (const key of shares) last = await node.call('PUT', 'sys/unseal', { key });
  return last;
};

/** Another x, the same y: as a slip of the pen makes it. */
export const damaged = (share: string): string => `${share.startsWith('0') ? '1' : '0'}${share.slice(1)}`;
