/** `sys/decode-token` (vault-wire.md §7.6): takes the one-time pad off a root token. A computation: nothing here knows either. */
import { type Answer, errors, ok, oneError } from './answer.js';
import type { Call } from './call.js';
import { stringField } from './fields.js';

/** Longer than any token and any pad. */
const LENGTH_MAX = 1024;

/** Null: they do not belong together. */
const decoded = (encoded: string, otp: string): string | null => {
  if (encoded.length > LENGTH_MAX || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null;
  const [bytes, pad] = [Buffer.from(encoded, 'base64'), Buffer.from(otp, 'utf8')];
  if (bytes.length !== pad.length) return null;
  const token = Buffer.from(bytes.map((byte, i) => byte ^ (pad[i] ?? 0))).toString('utf8');
  return /^[\x21-\x7e]+$/.test(token) ? token : null;
};

/** Null: not one of ours. */
export const decodeToken = (call: Call): Answer | null => {
  if (call.path !== 'sys/decode-token') return null;
  if (call.verb !== 'write') return oneError(405, 'unsupported operation');
  const [encoded, otp] = [stringField(call.fields, 'encoded_token') ?? '', stringField(call.fields, 'otp') ?? ''];
  if (encoded === '') return errors(400, 'missing encoded_token');
  if (otp === '') return errors(400, 'missing otp');
  const token = decoded(encoded, otp);
  return token === null
    ? errors(400, 'encoded_token and otp do not belong together')
    : ok(call.context.requestId, { token });
};
