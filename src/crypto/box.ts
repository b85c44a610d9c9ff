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
import { label, passing } from './bytes.js';
import { sha256 } from './prf.js';
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

/**
 * A key together with the one thing it may seal: a header key cannot seal a body. `seal` and `open` take L from the label
 * alone (`NoInfer`); inferred from both it would be their union, and every key would fit.
 */
export type BoxKey<L extends BoxLabel> = Buffer & { readonly [brand]: L };

/** Brands 32 bytes; the bytes are not copied. RangeError for any other length. */
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
const SALT_AT = 1;
const COMMITMENT_AT = 25;
const CIPHERTEXT_AT = 57;
const TAG_BYTES = 16;
/** Right because each derived key is used once. */
const NONCE = Buffer.alloc(12);

const cipherOf = (suite: Suite, key: Buffer) =>
  suite === 1
    ? createCipheriv('chacha20-poly1305', key, NONCE, { authTagLength: TAG_BYTES })
    : createCipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG_BYTES });

const decipherOf = (suite: Suite, key: Buffer) =>
  suite === 1
    ? createDecipheriv('chacha20-poly1305', key, NONCE, { authTagLength: TAG_BYTES })
    : createDecipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG_BYTES });

const nobleOf = (suite: Suite, key: Buffer) => (suite === 1 ? chacha20poly1305(key, NONCE) : gcm(key, NONCE));

/** A Node without the suite's cipher (one built for FIPS has no ChaCha20) falls back on noble. */
const fastest = (suite: Suite): Provider => {
  try {
    cipherOf(suite, Buffer.alloc(32));
    return 'native';
  } catch {
    return 'noble';
  }
};
const FASTEST: Readonly<Record<Suite, Provider>> = { 1: fastest(1), 2: fastest(2) };

/** M, 64 bytes, from the first 25 bytes of the box. Every part but the last has a fixed or stated length. */
const derive = (of: BoxLabel, key: Buffer, ledger: Buffer, context: Buffer, box: Buffer): Buffer => {
  if (ledger.length !== 16) throw new RangeError('a ledger id has 16 bytes');
  // Salt, ids and counts: nothing secret.
  const message = passing(box.subarray(0, COMMITMENT_AT), label(of), ledger, context);
  return createHmac('sha512', key).update(message).digest();
};

/**
 * A box of `plaintext` that only the same label, key, ledger id (16 bytes) and context open. The caller pads before, where
 * the table of formats.md §1 says so. RangeError for a ledger id or salt of another length.
 */
export const seal = <L extends BoxLabel>(
  of: L,
  key: BoxKey<NoInfer<L>>,
  ledger: Buffer,
  context: Buffer,
  plaintext: Buffer,
  options: BoxOptions = {},
): Buffer => {
  const { suite = 1, provider = FASTEST[suite], salt = randomBytes(24) } = options;
  if (salt.length !== 24) throw new RangeError('a salt has 24 bytes');
  // Every byte is written below.
  const box = Buffer.allocUnsafe(plaintext.length + BOX_OVERHEAD);
  box[0] = suite;
  salt.copy(box, SALT_AT);
  const m = derive(of, key, ledger, context, box);
  try {
    m.copy(box, COMMITMENT_AT, 32, 64);
    encrypt(suite, provider, m.subarray(0, 32), plaintext, box);
    return box;
  } finally {
    m.fill(0);
  }
};

const encrypt = (suite: Suite, provider: Provider, key: Buffer, plaintext: Buffer, box: Buffer): void => {
  if (provider === 'noble') {
    box.set(nobleOf(suite, key).encrypt(plaintext), CIPHERTEXT_AT);
    return;
  }
  const cipher = cipherOf(suite, key);
  cipher.update(plaintext).copy(box, CIPHERTEXT_AT);
  cipher.final();
  cipher.getAuthTag().copy(box, box.length - TAG_BYTES);
};

/**
 * The plaintext (an allocation of its own, the caller's to wipe), or null: cannot open, for every cause alike. The
 * commitment is compared first and in constant time, so a wrong key never gets as far as the cipher. Throws only for a
 * ledger id that has not 16 bytes, which is a mistake of the caller.
 */
export const open = <L extends BoxLabel>(
  of: L,
  key: BoxKey<NoInfer<L>>,
  ledger: Buffer,
  context: Buffer,
  box: Buffer,
  options: Pick<BoxOptions, 'provider'> = {},
): Buffer | null => {
  const opening = openingKey(of, key, ledger, context, box);
  if (opening === null) return null;
  try {
    return openWith(opening, box, options);
  } finally {
    opening.fill(0);
  }
};

/**
 * The derived key of this one box, 32 bytes, for who opens it again and again; null as `open`. It opens nothing else, and is
 * the caller's to wipe.
 */
export const openingKey = <L extends BoxLabel>(
  of: L,
  key: BoxKey<NoInfer<L>>,
  ledger: Buffer,
  context: Buffer,
  box: Buffer,
): Buffer | null => {
  if (box.length < BOX_OVERHEAD || suiteOf(box) === null) return null;
  const m = derive(of, key, ledger, context, box);
  const opening = m.subarray(0, 32);
  if (timingSafeEqual(m.subarray(32, 64), box.subarray(COMMITMENT_AT, CIPHERTEXT_AT))) return opening;
  m.fill(0);
  return null;
};

/** What `open` gives, for a box with its `openingKey`: the tag is compared each time. */
export const openWith = (opening: Buffer, box: Buffer, options: Pick<BoxOptions, 'provider'> = {}): Buffer | null => {
  const suite = suiteOf(box);
  if (box.length < BOX_OVERHEAD || suite === null) return null;
  return decrypt(suite, options.provider ?? FASTEST[suite], opening, box);
};

const suiteOf = ([suite]: Buffer): Suite | null => (suite === 1 || suite === 2 ? suite : null);

const decrypt = (suite: Suite, provider: Provider, key: Buffer, box: Buffer): Buffer | null => {
  if (provider === 'noble') {
    try {
      const plain = nobleOf(suite, key).decrypt(box.subarray(CIPHERTEXT_AT));
      return Buffer.from(plain.buffer, plain.byteOffset, plain.length);
    } catch {
      return null;
    }
  }
  const decipher = decipherOf(suite, key);
  decipher.setAuthTag(box.subarray(box.length - TAG_BYTES));
  const plain = decipher.update(box.subarray(CIPHERTEXT_AT, box.length - TAG_BYTES));
  try {
    decipher.final();
    return plain;
  } catch {
    // OpenSSL hands out the plaintext before it has seen the tag: what did not authenticate must not stay in memory.
    plain.fill(0);
    return null;
  }
};

/**
 * Seals a fixed input with each provider and suite, compares the boxes with each other and with a stored hash, opens them
 * with each provider, and sees a damaged tag refused. Throws when anything differs: a program whose cipher is wrong must
 * not run. Called at every start; well under a millisecond once compiled.
 */
export const knownAnswerTest = (): void => {
  const bytes = (start: number, n: number): Buffer => Buffer.from(Array.from({ length: n }, (_, i) => start + i));
  const key = boxKey('header', bytes(0, 32));
  const [ledger, context, plaintext, salt] = [bytes(32, 16), bytes(48, 8), bytes(56, 40), bytes(96, 24)];
  for (const suite of [1, 2] as const) {
    const providers = new Set([FASTEST[suite], 'noble' as const]);
    for (const provider of providers) {
      const box = seal('header', key, ledger, context, plaintext, { suite, salt, provider });
      let right = sha256(box).toString('hex') === KNOWN_ANSWERS[suite];
      for (const other of providers)
        right &&= open('header', key, ledger, context, box, { provider: other })?.equals(plaintext) === true;
      box[box.length - 1] = (box[box.length - 1] ?? 0) ^ 1;
      right &&= open('header', key, ledger, context, box, { provider }) === null;
      if (!right) throw new Error(`the known-answer test of suite ${suite} (${provider}) failed: this must not run`);
    }
  }
};

/** SHA-256 of the box. */
const KNOWN_ANSWERS: Readonly<Record<Suite, string>> = {
  1: '3c2c2ebae79580cab0410de5077ac90a8eba783e6b32a4eef0c26933759a95f4',
  2: '6ba5a8429656dec12c97b5640b6fede9c66848010267f183a519c1121ed3b2d5',
};
