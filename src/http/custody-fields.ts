/** Fields that init, rekey and slots have in common (vault-wire.md §7.3, §7.5), and how shares are answered. */

import type { Delivered, Recipients } from '../operations/custody/contract.js';
import type { Split } from '../operations/system/contract.js';
import type { Fields } from './body.js';
import { FieldError, intField, stringField, textsField } from './fields.js';

/** Null: as the reference says what is wrong with it, to be put behind its own beginning. */
export const sealComplaint = (shares: number | undefined, threshold: number | undefined): string | null => {
  if (shares === undefined || shares < 1) return 'shares must be at least one';
  if (threshold === undefined || threshold < 1) return 'threshold must be at least one';
  if (shares > 255) return 'shares must be less than 256';
  if (threshold > 255) return 'threshold must be less than 256';
  if (threshold > shares) return 'threshold cannot be larger than shares';
  if (shares > 1 && threshold === 1) return 'threshold must be greater than one for multiple shares';
  return null;
};

/** Throws `FieldError` with `beginning` before what is wrong. */
export const splitFields = (fields: Fields, beginning: string): Split => {
  const [shares, threshold] = [intField(fields, 'secret_shares'), intField(fields, 'secret_threshold')];
  const complaint = sealComplaint(shares, threshold);
  if (complaint !== null || shares === undefined || threshold === undefined)
    throw new FieldError(`${beginning}: ${complaint}`);
  return { shares, threshold };
};

/** As many keys as shares, or none. Throws `FieldError` with `mismatch`. */
export const recipientFields = (fields: Fields, shares: number, mismatch: string): Recipients => {
  const pgpKeys = textsField(fields, 'pgp_keys') ?? [];
  const age = textsField(fields, 'age_recipients') ?? [];
  if (pgpKeys.length > 0 && age.length > 0) throw new FieldError('give pgp_keys or age_recipients, not both');
  const given = pgpKeys.length + age.length;
  if (given > 0 && given !== shares) throw new FieldError(mismatch);
  return { pgpKeys, age };
};

/** Hex is tried first, as the dialect says. */
export const keyBytes = (text: string): Buffer | null => {
  const hex = /^(?:[0-9a-f]{2})+$/i.test(text);
  if (!hex && !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  // Of its own, and off the heap: neither a slice of a pool nor a copy that the collector left behind.
  const bytes = Buffer.from(new ArrayBuffer(text.length));
  return bytes.subarray(0, bytes.write(text, hex ? 'hex' : 'base64'));
};

/** A share and the attempt that it is given for. Throws `FieldError` in the dialect's words. */
export const keyField = (fields: Fields): { readonly key: Buffer; readonly nonce: string } => {
  const text = stringField(fields, 'key') ?? '';
  if (text === '') throw new FieldError("'key' must be specified in request body as JSON");
  const key = keyBytes(text);
  if (key === null) throw new FieldError("'key' must be a valid hex or base64 string");
  return { key, nonce: stringField(fields, 'nonce') ?? '' };
};

/** The `keys` and `keys_base64` of an answer. */
export const keyFields = (keys: readonly Delivered[]) => ({
  keys: keys.map(({ bytes }) => bytes.toString('hex')),
  keys_base64: keys.map(({ bytes }) => bytes.toString('base64')),
});
