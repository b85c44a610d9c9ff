/**
 * The key export: everything of the key store as it was at one size of the ledger — slots, keyring, key rows, all of it
 * wrapped as it lies in the database, with the snapshot that a start needs if there is one — in lines, with a manifest that the ledger's checkpoint key signed. It opens nothing
 * without what opens the ledger: a password or shares, and the erasure keys.
 */
import type { Uuid } from '../crypto/bytes.js';
import { sha256 } from '../crypto/prf.js';
import { type NoteKey, openNote } from '../crypto/signed-note.js';
import type { KeyringRow, SlotRow } from '../keys/store.js';
import type { KeyRow } from '../ledger/sealed-event.js';
import type { SnapshotRow } from '../nexus/snapshots.js';

export interface Manifest {
  readonly ledger: Uuid;
  /** How long the ledger was, and its root then. */
  readonly size: number;
  readonly root: Buffer;
  readonly generation: number;
  /** hex; as `keystore.changed` of that generation says it. */
  readonly slotsDigest: string;
  readonly term: number;
  /** Of every living term, hex. */
  readonly checks: ReadonlyMap<number, string>;
  /** How many lines the erasure list beside it had. */
  readonly erased: number;
}

export interface KeyStore {
  readonly slots: readonly SlotRow[];
  readonly keyring: KeyringRow;
  readonly keys: readonly KeyRow[];
  /** Once header epochs are retired: the snapshot at which authority can begin at the earliest. */
  readonly snapshot: readonly SnapshotRow[];
}

export interface KeyExport extends KeyStore {
  readonly manifest: Manifest;
}

const TITLE = 'tallystick key export, version 1';
const MARK = Buffer.from('\nmanifest\n', 'latin1');

const b64 = (bytes: Buffer): string => bytes.toString('base64');

const slotLine = ({ slotId, record }: SlotRow): string => `slot ${slotId} ${b64(record)}\n`;
const keyLine = ({ keyId, kind, owner, term, wrapped }: KeyRow): string =>
  `key ${keyId} ${kind} ${owner} ${term} ${b64(wrapped)}\n`;

const snapshotLine = ({ position, part, parts, box }: SnapshotRow): string =>
  `snapshot ${position} ${part} ${parts} ${b64(box)}\n`;

/** Lines of a page of key rows; pages may be many, and each is let go when it is encoded. */
export const encodeKeys = (keys: readonly KeyRow[]): Buffer => Buffer.from(keys.map(keyLine).join(''), 'latin1');

/** `sign` makes a note of a text. */
export const encodeExport = (
  manifest: Manifest,
  { slots, keyring, snapshot }: Omit<KeyStore, 'keys'>,
  keys: readonly Buffer[],
  sign: (text: string) => string,
): Buffer => {
  const head = [...slots.map(slotLine), `keyring ${keyring.generation} ${b64(keyring.box)}\n`].join('');
  const parts = snapshot.map(row => Buffer.from(snapshotLine(row), 'latin1'));
  const rows = Buffer.concat([Buffer.from(head, 'latin1'), ...parts, ...keys]);
  // The mark begins with the line feed that ends the last row.
  const content = rows.subarray(0, -1);
  return Buffer.concat([content, MARK, Buffer.from(sign(manifestText(manifest, content)), 'utf8')]);
};

const manifestText = (manifest: Manifest, content: Buffer): string => textOf(manifest, sha256(content).toString('hex'));

const textOf = (manifest: Manifest, digest: string): string => {
  const { ledger, size, root, generation, slotsDigest, term, checks, erased } = manifest;
  return [
    TITLE,
    `ledger ${ledger}`,
    `size ${size}`,
    `root ${b64(root)}`,
    `generation ${generation}`,
    `slots ${slotsDigest}`,
    `term ${term}`,
    ...[...checks].map(([living, check]) => `check ${living} ${check}`),
    `erased ${erased}`,
    `sha256 ${digest}`,
    '',
  ].join('\n');
};

/** The signed manifest of an export, as it is. Null: it has none. */
export const manifestOf = (file: Buffer): string | null => {
  const at = file.lastIndexOf(MARK);
  return at < 0 ? null : file.subarray(at + MARK.length).toString('utf8');
};

/** The ledger that an export says it is of, before anything of it is verified. Null: not an export. */
export const ledgerOfExport = (file: Buffer): Uuid | null => {
  const at = file.lastIndexOf(MARK);
  const note = at < 0 ? '' : file.subarray(at + MARK.length, at + MARK.length + 4096).toString('utf8');
  return /^tallystick key export, version 1\nledger ([0-9a-f-]{36})\n/.exec(note)?.[1] ?? null;
};

/** Null: damaged, cut short, or not signed by one of these keys. */
export const decodeExport = (file: Buffer, keys: readonly NoteKey[]): KeyExport | null => {
  const at = file.lastIndexOf(MARK);
  if (at < 0) return null;
  const [content, note] = [file.subarray(0, at), file.subarray(at + MARK.length).toString('utf8')];
  const text = keys.map(key => openNote(note, key)).find(opened => opened !== null) ?? null;
  const manifest = text === null ? null : decodeManifest(text);
  if (manifest === null || text !== manifestText(manifest, content)) return null;
  const store = decodeRows(content);
  return store === null ? null : { manifest, ...store };
};

const MANIFEST =
  /^[^\n]+\nledger ([0-9a-f-]{36})\nsize (\d{1,15})\nroot ([A-Za-z0-9+/]{43}=)\ngeneration (\d{1,15})\nslots ([0-9a-f]{64})\nterm (\d{1,9})\n((?:check \d{1,9} [0-9a-f]{64}\n)*)erased (\d{1,15})\nsha256 [0-9a-f]{64}\n$/;

const CHECK = /check (\d+) ([0-9a-f]{64})\n/g;

/** Null: not the text of a manifest. */
export const decodeManifest = (text: string): Manifest | null => {
  const [, ledger, size, root, generation, slotsDigest, term, checks, erased] = MANIFEST.exec(text) ?? [];
  if (ledger === undefined || root === undefined || slotsDigest === undefined) return null;
  return {
    ledger,
    root: Buffer.from(root, 'base64'),
    ...{ size: Number(size), generation: Number(generation), slotsDigest, term: Number(term), erased: Number(erased) },
    checks: new Map([...(checks ?? '').matchAll(CHECK)].map(([, living, check = '']) => [Number(living), check])),
  };
};

const decodeRows = (content: Buffer): KeyStore | null => {
  const slots: SlotRow[] = [];
  const keys: KeyRow[] = [];
  const snapshot: SnapshotRow[] = [];
  let keyring: KeyringRow | null = null;
  for (const line of linesOf(content)) {
    const [kind, ...fields] = line.split(' ');
    const bytes = Buffer.from(fields.at(-1) ?? '', 'base64');
    const [first = '', second = '', owner = '', term = ''] = fields;
    if (kind === 'slot') slots.push({ slotId: first, record: bytes });
    else if (kind === 'keyring') keyring = { generation: Number(first), box: bytes };
    else if (kind === 'snapshot')
      snapshot.push({ position: Number(first), part: Number(second), parts: Number(owner), box: bytes });
    else if (kind === 'key')
      keys.push({ keyId: first, kind: Number(second), owner, term: Number(term), wrapped: bytes });
    else return null;
  }
  return keyring === null ? null : { slots, keyring, keys, snapshot };
};

/** One after another: an export of millions of rows is longer than a string may be. */
function* linesOf(content: Buffer): Iterable<string> {
  for (let at = 0; at < content.length; ) {
    const end = content.indexOf(10, at);
    yield content.toString('latin1', at, end < 0 ? content.length : end);
    at = end < 0 ? content.length : end + 1;
  }
}
