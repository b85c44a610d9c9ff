/**
 * A batch token carries itself (formats.md §7): "hvb." ‖ base64url(box "batch-token"), whose plaintext is TLV, repeated
 * kind u8 ‖ u16 length ‖ bytes. Nothing is stored; whoever holds the token key can tell a genuine one from any other text.
 */
import { BOX_OVERHEAD, boxKey, open, seal } from './box.js';
import { concat, label, type Uuid, u8, u16, u64, uuidBytes, uuidText } from './bytes.js';
import { prf } from './prf.js';

export interface BatchToken {
  readonly id: Uuid;
  readonly entity: Uuid;
  readonly parent: Uuid | null;
  readonly mount: Uuid | null;
  /** µs */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly policies: readonly string[];
  readonly displayName: string;
  readonly creationPath: string;
  readonly method: string;
  readonly role: string | null;
  readonly meta: Readonly<Record<string, string>> | null;
  readonly boundCidrs: readonly string[];
}

const PREFIX = 'hvb.';
/** Headers that carry tokens have a bound too. */
export const BATCH_TOKEN_CHARACTERS_MAX = 65_536;

const Kind = {
  ...{ id: 1, entity: 2, parent: 3, mount: 4, createdAt: 5, expiresAt: 6, policy: 7, displayName: 8 },
  ...{ creationPath: 9, method: 10, role: 11, metaName: 12, metaValue: 13, boundCidr: 14 },
} as const;

const NO_CONTEXT = Buffer.alloc(0);

const keyOf = (tokenKey: Buffer, ledger: Buffer) =>
  boxKey('batch-token', prf(tokenKey, concat(label('batch'), ledger)));

const field = (kind: number, bytes: Buffer): Buffer => concat(u8(kind), u16(bytes.length), bytes);
const words = (kind: number, text: string): Buffer => field(kind, Buffer.from(text, 'utf8'));

/** RangeError for a field of more than 65,535 bytes. */
export const sealBatchToken = (tokenKey: Buffer, ledger: Buffer, token: BatchToken): string => {
  const plaintext = concat(
    field(Kind.id, uuidBytes(token.id)),
    field(Kind.entity, uuidBytes(token.entity)),
    ...(token.parent === null ? [] : [field(Kind.parent, uuidBytes(token.parent))]),
    ...(token.mount === null ? [] : [field(Kind.mount, uuidBytes(token.mount))]),
    field(Kind.createdAt, u64(token.createdAt)),
    field(Kind.expiresAt, u64(token.expiresAt)),
    ...token.policies.map(name => words(Kind.policy, name)),
    words(Kind.displayName, token.displayName),
    words(Kind.creationPath, token.creationPath),
    words(Kind.method, token.method),
    ...(token.role === null ? [] : [words(Kind.role, token.role)]),
    ...Object.entries(token.meta ?? {}).flatMap(([name, value]) => [
      words(Kind.metaName, name),
      words(Kind.metaValue, value),
    ]),
    ...token.boundCidrs.map(cidr => words(Kind.boundCidr, cidr)),
  );
  const box = seal('batch-token', keyOf(tokenKey, ledger), ledger, NO_CONTEXT, plaintext);
  return `${PREFIX}${box.toString('base64url')}`;
};

/** Null: not a batch token of this ledger. What opens was sealed here, whole, so its shape is only asserted. */
export const openBatchToken = (tokenKey: Buffer, ledger: Buffer, text: string): BatchToken | null => {
  if (!text.startsWith(PREFIX) || text.length > BATCH_TOKEN_CHARACTERS_MAX) return null;
  if (!/^[\w-]+$/.test(text.slice(PREFIX.length))) return null;
  const box = Buffer.from(text.slice(PREFIX.length), 'base64url');
  // The one spelling: another text for the same bytes would be another token to whoever compares texts.
  if (box.length < BOX_OVERHEAD || box.toString('base64url') !== text.slice(PREFIX.length)) return null;
  const plaintext = open('batch-token', keyOf(tokenKey, ledger), ledger, NO_CONTEXT, box);
  return plaintext === null ? null : decode(plaintext);
};

/** Null for an unknown kind (a later version's token) and for what is not whole. */
const decode = (bytes: Buffer): BatchToken | null => {
  const all = new Map<number, Buffer[]>();
  for (let at = 0; at < bytes.length; ) {
    if (at + 3 > bytes.length) return null;
    const [kind, end] = [bytes.readUInt8(at), at + 3 + bytes.readUInt16BE(at + 1)];
    if (end > bytes.length || kind < Kind.id || kind > Kind.boundCidr) return null;
    all.set(kind, [...(all.get(kind) ?? []), bytes.subarray(at + 3, end)]);
    at = end;
  }
  const one = (kind: number): Buffer | null => all.get(kind)?.[0] ?? null;
  const texts = (kind: number): readonly string[] => (all.get(kind) ?? []).map(part => part.toString('utf8'));
  const uuid = (kind: number): Uuid | null => {
    const part = one(kind);
    return part?.length === 16 ? uuidText(part) : null;
  };
  const time = (kind: number): number | null => {
    const part = one(kind);
    return part?.length === 8 ? Number(part.readBigUInt64BE()) : null;
  };
  const [id, entity] = [uuid(Kind.id), uuid(Kind.entity)];
  const [createdAt, expiresAt] = [time(Kind.createdAt), time(Kind.expiresAt)];
  const [names, values] = [texts(Kind.metaName), texts(Kind.metaValue)];
  if (id === null || entity === null || createdAt === null || expiresAt === null) return null;
  return {
    ...{ id, entity, parent: uuid(Kind.parent), mount: uuid(Kind.mount), createdAt, expiresAt },
    policies: texts(Kind.policy),
    displayName: texts(Kind.displayName)[0] ?? '',
    creationPath: texts(Kind.creationPath)[0] ?? '',
    method: texts(Kind.method)[0] ?? '',
    role: texts(Kind.role)[0] ?? null,
    meta: names.length === 0 ? null : Object.fromEntries(names.map((name, i) => [name, values[i] ?? ''])),
    boundCidrs: texts(Kind.boundCidr),
  };
};
