/**
 * The sealed box: the only encryption there is (formats.md §1). It commits to key, salt, suite and context at once, by
 * deriving the encryption key and the commitment from them; every derived key is used for one box.
 *
 *   box = suite(1) ‖ salt(24) ‖ commitment(32) ‖ ciphertext(n) ‖ tag(16)
 *   M   = HMAC-SHA512(key, suite ‖ salt ‖ context)    encryption key = M[0..32)    commitment = M[32..64)
 */
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { label } from './bytes.js';
import { randomBytes } from './random.js';

export type BoxLabel =
  | 'header'
  | 'body'
  | 'block'
  | 'name'
  | 'key'
  | 'slot'
  | 'keyring'
  | 'snapshot'
  | 'plan'
  | 'batch-token';

declare const brand: unique symbol;

/** A key together with the one thing it may seal: a header key cannot seal a body. */
export type BoxKey<L extends BoxLabel> = Buffer & { readonly [brand]: L };

/** Brands 32 bytes; the bytes are not copied. */
export const boxKey = <L extends BoxLabel>(_label: L, bytes: Buffer): BoxKey<L> => {
  if (bytes.length !== 32) throw new RangeError('a key has 32 bytes');
  return bytes as BoxKey<L>;
};

/** 1: ChaCha20-Poly1305 (RFC 8439). 2: AES-256-GCM (SP 800-38D), every part an approved algorithm. */
export type Suite = 1 | 2;
/** Two providers of the same bytes: node's is fast, noble's is the reference. */
export type Provider = 'native' | 'noble';

export interface BoxOptions {
  readonly suite?: Suite;
  readonly provider?: Provider;
  /** For vectors only: a salt is random and never used twice. */
  readonly salt?: Buffer;
}

/** Bytes that a box is longer than its plaintext. */
export const BOX_OVERHEAD = 73;
const HEAD = 57;
const TAG = 16;
/** Right because each derived key is used once. */
const NONCE = Buffer.alloc(12);

const derive = (key: Buffer, box: Buffer, context: readonly Buffer[]): Buffer => {
  const hmac = createHmac('sha512', key).update(box.subarray(0, 25));
  for (const part of context) hmac.update(part);
  return hmac.digest();
};

export const seal = <L extends BoxLabel>(
  of: L,
  key: BoxKey<L>,
  ledger: Buffer,
  context: Buffer,
  plaintext: Buffer,
  options: BoxOptions = {},
): Buffer => {
  const box = Buffer.alloc(plaintext.length + BOX_OVERHEAD);
  box[0] = options.suite ?? 1;
  (options.salt ?? randomBytes(24)).copy(box, 1);
  const m = derive(key, box, [label(of), ledger, context]);
  m.copy(box, 25, 32, 64);
  encrypt(options.suite ?? 1, options.provider ?? 'native', m.subarray(0, 32), plaintext, box);
  m.fill(0);
  return box;
};

const encrypt = (suite: Suite, provider: Provider, key: Buffer, plaintext: Buffer, box: Buffer): void => {
  if (provider === 'noble') {
    const cipher = suite === 1 ? chacha20poly1305(key, NONCE) : gcm(key, NONCE);
    box.set(cipher.encrypt(plaintext), HEAD);
    return;
  }
  const cipher =
    suite === 1
      ? createCipheriv('chacha20-poly1305', key, NONCE, { authTagLength: TAG })
      : createCipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG });
  cipher.update(plaintext).copy(box, HEAD);
  cipher.final();
  cipher.getAuthTag().copy(box, box.length - TAG);
};

/** The plaintext, or null: cannot open, for every cause alike. The commitment is compared first, in constant time. */
export const open = <L extends BoxLabel>(
  of: L,
  key: BoxKey<L>,
  ledger: Buffer,
  context: Buffer,
  box: Buffer,
  options: Pick<BoxOptions, 'provider'> = {},
): Buffer | null => {
  const suite = box[0];
  if (box.length < BOX_OVERHEAD || (suite !== 1 && suite !== 2)) return null;
  const m = derive(key, box, [label(of), ledger, context]);
  const committed = timingSafeEqual(m.subarray(32, 64), box.subarray(25, HEAD));
  const plaintext = committed ? decrypt(suite, options.provider ?? 'native', m.subarray(0, 32), box) : null;
  m.fill(0);
  return plaintext;
};

const decrypt = (suite: Suite, provider: Provider, key: Buffer, box: Buffer): Buffer | null => {
  try {
    if (provider === 'noble') {
      const cipher = suite === 1 ? chacha20poly1305(key, NONCE) : gcm(key, NONCE);
      const plain = cipher.decrypt(box.subarray(HEAD));
      return Buffer.from(plain.buffer, plain.byteOffset, plain.length);
    }
    const decipher =
      suite === 1
        ? createDecipheriv('chacha20-poly1305', key, NONCE, { authTagLength: TAG })
        : createDecipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG });
    decipher.setAuthTag(box.subarray(box.length - TAG));
    const plain = decipher.update(box.subarray(HEAD, box.length - TAG));
    decipher.final();
    return plain;
  } catch {
    return null;
  }
};

/**
 * Compares both providers with a stored answer for both suites. Throws when anything differs: a program whose cipher is
 * wrong must not run.
 */
export const knownAnswerTest = (): void => {
  const bytes = (start: number, n: number): Buffer =>
    Buffer.from(Array.from({ length: n }, (_, i) => (start + i) & 0xff));
  const key = boxKey('header', bytes(0, 32));
  const [ledger, context, plaintext, salt] = [bytes(32, 16), bytes(48, 8), bytes(56, 40), bytes(96, 24)];
  for (const suite of [1, 2] as const) {
    const native = seal('header', key, ledger, context, plaintext, { suite, salt, provider: 'native' });
    const noble = seal('header', key, ledger, context, plaintext, { suite, salt, provider: 'noble' });
    const same =
      native.equals(noble) &&
      native.subarray(HEAD).toString('hex') === KNOWN_ANSWERS[suite] &&
      open('header', key, ledger, context, noble, { provider: 'native' })?.equals(plaintext) &&
      open('header', key, ledger, context, native, { provider: 'noble' })?.equals(plaintext);
    if (!same) throw new Error(`the known-answer test of suite ${suite} failed: this build must not run`);
  }
};

const KNOWN_ANSWERS: Readonly<Record<Suite, string>> = {
  1: 'cacf49b069eee91ae226fd38ea8d9812ee1f314add2bf2f44ad5e7fd0f2671d55d0f4cebc6836d43ee940a968a9785e7cddcb14761038b84',
  2: '8cf444342c679ce8b778713fc2fc505e429080ee79738e6c9828e942cca300782d7aa3b91e9354e7bff5fa96f1eb879ba30dc0386e21ada6',
};
