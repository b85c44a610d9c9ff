/** The key store's rows: seal slots, the keyring, key rows. Small, mutable, always wrapped; read here, written with events. */
import type { Uuid } from '../crypto/bytes.js';
import { E } from '../fp.js';
import type { KeyRow } from '../ledger/sealed-event.js';
import { type Query, query, type RawRow, type RowDecoder } from '../sql.js';

export const decodeKeyRow = (raw: RawRow, prefix = ''): KeyRow | null => {
  const [keyId, kind, owner] = [raw[`${prefix}key_id`], raw[`${prefix}kind`], raw[`${prefix}owner`]];
  const [term, wrapped] = [raw[`${prefix}term`], raw[`${prefix}wrapped`]];
  return typeof keyId === 'string' &&
    typeof kind === 'number' &&
    typeof owner === 'string' &&
    typeof term === 'number' &&
    Buffer.isBuffer(wrapped)
    ? { keyId, kind, owner, term, wrapped }
    : null;
};

export const keyRow: RowDecoder<KeyRow> = raw => {
  const row = decodeKeyRow(raw);
  return row === null ? E.left('a keys row') : E.right(row);
};

export const epochKeyRows: Query<KeyRow> = query(
  'keys_of_epochs',
  keyRow,
  'select key_id, kind, owner, term, wrapped from keys where kind = 6 order by owner',
);

export const keyRowsById: Query<KeyRow> = query(
  'keys_by_id',
  keyRow,
  'select key_id, kind, owner, term, wrapped from keys where key_id = any ($1::uuid[])',
);

/** In order of id, a page at a time; none after the last. */
export const keyRowsAfter: Query<KeyRow> = query(
  'keys_after',
  keyRow,
  'select key_id, kind, owner, term, wrapped from keys where key_id > $1 order by key_id limit 5000',
);

export interface SlotRow {
  readonly slotId: Uuid;
  readonly record: Buffer;
}

/** In order of id, as `slots_digest` takes them. */
export const slotRows: Query<SlotRow> = query(
  'keys_slots',
  ({ slot_id, record }) =>
    typeof slot_id === 'string' && Buffer.isBuffer(record)
      ? E.right({ slotId: slot_id, record })
      : E.left('a slots row'),
  'select slot_id, record from slots order by slot_id',
);

export interface KeyringRow {
  readonly generation: number;
  readonly box: Buffer;
}

export const keyringRow: Query<KeyringRow> = query(
  'keys_keyring',
  ({ generation, box }) =>
    typeof generation === 'number' && Buffer.isBuffer(box) ? E.right({ generation, box }) : E.left('a keyring row'),
  'select generation, box from keyring',
);
