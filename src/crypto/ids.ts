/** Ids that are made: event ids that an Idempotency-Key names, tokens, accessors (formats.md §7). */
import { concat, label, str, type Uuid, u16, u32, uuidBytes, uuidText } from './bytes.js';
import { prf } from './prf.js';
import { randomBase62 } from './random.js';

export interface IdempotentRequest {
  readonly actor: Uuid;
  readonly method: string;
  /** The command's main stream. */
  readonly node: Uuid;
  /** The Idempotency-Key as the caller sent it. */
  readonly key: string;
  /** Which event of the command; 0 decides that it is a repeat. */
  readonly index: number;
}

/**
 * Marked version 8, variant 10 (RFC 9562 §5.8). Nobody can claim another's: caller, method and path are in it, under a key
 * that never leaves the server. RangeError for a key of more than 65,535 bytes.
 */
export const idempotentEventId = (eventIdKey: Buffer, ledger: Buffer, request: IdempotentRequest): Uuid => {
  const key = Buffer.from(request.key, 'utf8');
  const { actor, method, node, index } = request;
  const message = concat(
    label('event-id'),
    ledger,
    uuidBytes(actor),
    str(method),
    uuidBytes(node),
    u16(key.length),
    key,
    u32(index),
  );
  const bytes = prf(eventIdKey, message).subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(bytes);
};

/** "hvs." ‖ 24 base62 characters: 142 bits. */
export const newToken = (): string => `hvs.${randomBase62(24)}`;

/**
 * What is stored of a token: 32 bytes, of use to nobody without the token key. A token longer than the format's 255 bytes
 * gives 32 zero bytes, which no stored token has: it is unknown, as any other wrong one, and no error.
 */
export const tokenHash = (tokenKey: Buffer, ledger: Buffer, token: string): Buffer =>
  Buffer.byteLength(token, 'utf8') > 255 ? Buffer.alloc(32) : prf(tokenKey, concat(label('token'), ledger, str(token)));

/**
 * What is stored, sealed, of a role's secret id: as of a token, and bound to the stream of its role. One that is longer
 * than 255 bytes is unknown likewise.
 */
export const secretIdHash = (tokenKey: Buffer, ledger: Buffer, role: Uuid, secretId: string): Buffer =>
  Buffer.byteLength(secretId, 'utf8') > 255
    ? Buffer.alloc(32)
    : prf(tokenKey, concat(label('secret-id'), ledger, uuidBytes(role), str(secretId)));

/** Unrelated to the token. */
export const newAccessor = (): string => randomBase62(24);
