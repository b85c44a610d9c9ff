/**
 * Shares of a slot's key (Shamir over GF(2^8), by an audited library): 33 bytes each, 32 of y and one of x. What is split is
 * the slot's ikm, never the root key. The library gives wrong bytes silently when shares do not belong together: whether they
 * do is told by the slot's commitment alone.
 */
import { combine, split } from 'shamir-secret-sharing';
import { keyCopy } from '../crypto/bytes.js';

export interface Split {
  readonly shares: number;
  readonly threshold: number;
}

/** Bytes of a share; the share of one of one is the key itself. */
export const SHARE_BYTES = 33;
export const KEY_BYTES = 32;

/** The library wants plain arrays of their own memory. */
const plain = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);

export const splitKey = async (key: Buffer, { shares, threshold }: Split): Promise<readonly Buffer[]> => {
  if (shares === 1) return [keyCopy(key)];
  const secret = plain(key);
  try {
    return (await split(secret, shares, threshold)).map(share =>
      Buffer.from(share.buffer, share.byteOffset, share.length),
    );
  } finally {
    secret.fill(0);
  }
};

/** 32 bytes, right or wrong. The shares have different x. */
export const combineShares = async (shares: readonly Buffer[]): Promise<Buffer> => {
  const parts = shares.map(plain);
  try {
    const key = await combine(parts);
    return Buffer.from(key.buffer, key.byteOffset, key.length);
  } finally {
    for (const part of parts) part.fill(0);
  }
};
