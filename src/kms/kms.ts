/**
 * A key that somebody else keeps: it wraps 32 bytes and unwraps them, and never leaves its place. One small port; behind it
 * a Vault or OpenBao transit key, an operator's program, or a cloud's service.
 */
import { wipe } from '../crypto/bytes.js';

export interface Kms {
  /** Names the key, never a credential: it is written into slots. */
  readonly uri: string;
  /** 1 to `CIPHERTEXT_BYTES_MAX` bytes. Rejects with `KmsError`. */
  readonly wrap: (key: Buffer) => Promise<Buffer>;
  /** The 32 bytes, the caller's to wipe. Rejects with `KmsError`. */
  readonly unwrap: (ciphertext: Buffer) => Promise<Buffer>;
}

export const KEY_BYTES = 32;
export const CIPHERTEXT_BYTES_MAX = 16_384;

/**
 * `away`: it did not answer, or not in time, or said to come back later: trying again is worth while. `denied`: our
 * credential is missing, expired or not allowed. `refused`: it answered, and what it said is no use: another key, a
 * deleted one, a damaged ciphertext, a program that failed.
 */
export type KmsTrouble = 'away' | 'denied' | 'refused';

/** The message names the key and the remedy, in operator's words; never what was sent or received. */
export class KmsError extends Error {
  override readonly name = 'KmsError';

  constructor(
    readonly trouble: KmsTrouble,
    message: string,
  ) {
    super(message);
  }
}

/** What every kind answers is looked at here before it is believed. */
export const checkedKms = ({ uri, wrap, unwrap }: Kms): Kms => ({
  uri,
  wrap: async key => {
    const ciphertext = await wrap(key);
    if (ciphertext.length === 0 || ciphertext.length > CIPHERTEXT_BYTES_MAX)
      throw new KmsError('refused', `${uri}: a wrapped key has 1 to ${CIPHERTEXT_BYTES_MAX} bytes`);
    return ciphertext;
  },
  unwrap: async ciphertext => {
    const key = await unwrap(ciphertext);
    if (key.length === KEY_BYTES) return key;
    wipe(key);
    throw new KmsError('refused', `${uri}: what it unwrapped is not a key of ${KEY_BYTES} bytes`);
  },
});
