/** Names as keyed ids: equality and prefix can be looked up, nothing can be read (formats.md §4). */
import { concat, label, str, type Uuid, u16, uuidBytes, uuidText } from './bytes.js';
import { prf } from './prf.js';

/** Every mount has an index key of its own: equal paths in two mounts have nothing in common. */
export const mountIndexKey = (indexKey: Buffer, ledger: Buffer, mount: Uuid): Buffer =>
  prf(indexKey, concat(label('mount-index'), ledger, uuidBytes(mount)));

/**
 * The id of a path segment under its parent, 16 bytes of PRF; the first parent is the mount. RangeError for a segment of
 * more than 65,535 bytes. It is computed from what a caller names: never logged beside the name.
 */
export const node = (mountKey: Buffer, ledger: Buffer, parent: Uuid, segment: string): Uuid => {
  const name = Buffer.from(segment, 'utf8');
  const message = concat(label('node'), ledger, uuidBytes(parent), u16(name.length), name);
  return uuidText(prf(mountKey, message).subarray(0, 16));
};

/** The id of a stream that is no secret, 16 bytes of PRF; the kinds and names are in events.md §1. */
export const stream = (indexKey: Buffer, ledger: Buffer, kind: string, name: Buffer | string): Uuid => {
  const bytes = typeof name === 'string' ? Buffer.from(name, 'utf8') : name;
  const message = concat(label('stream'), ledger, str(kind), u16(bytes.length), bytes);
  return uuidText(prf(indexKey, message).subarray(0, 16));
};

export interface NameEntry {
  readonly node: Uuid;
  readonly parent: Uuid;
  readonly box: Buffer;
}

/** The names column: repeated node ‖ parent ‖ u16 length ‖ name box. */
export const encodeNames = (entries: readonly NameEntry[]): Buffer =>
  concat(...entries.flatMap(({ node: id, parent, box }) => [uuidBytes(id), uuidBytes(parent), u16(box.length), box]));

/** The entries, their boxes as views; null unless the bytes are whole entries. No bytes are no entries. */
export const decodeNames = (bytes: Buffer): NameEntry[] | null => {
  const entries: NameEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 34 > bytes.length) return null;
    const end = at + 34 + bytes.readUInt16BE(at + 32);
    if (end > bytes.length) return null;
    entries.push({
      node: uuidText(bytes.subarray(at, at + 16)),
      parent: uuidText(bytes.subarray(at + 16, at + 32)),
      box: bytes.subarray(at + 34, end),
    });
    at = end;
  }
  return entries;
};
