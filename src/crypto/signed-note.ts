/**
 * Signed notes (C2SP signed-note): a text and, behind a blank line, Ed25519 signatures over it, each with the name and a short
 * id of its key. Any verifier of that format reads them. Checkpoints (C2SP tlog-checkpoint) are notes of three lines.
 */
import type { Uuid } from './bytes.js';
import { concat } from './bytes.js';
import { signWithSeed, verifySignature } from './checkpoint-key.js';
import { sha256 } from './prf.js';

/** The ledger's identity in notes, for ever. It does not depend on where the ledger is served. */
export const originOf = (ledgerId: Uuid): string => `tallystick.example/ledger/${ledgerId}`;

export interface NoteKey {
  /** Not empty, without spaces and plus signs. */
  readonly name: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Buffer;
}

/** Larger ones are not read. */
const BYTES_MAX = 64 * 1024;
const SIGNATURES_MAX = 64;
const ALG_ED25519 = Buffer.from([1]);

const keyIdOf = ({ name, publicKey }: NoteKey): Buffer =>
  sha256(concat(Buffer.from(`${name}\n`, 'utf8'), ALG_ED25519, publicKey)).subarray(0, 4);

/** What is handed to auditors: name+id+key. */
export const verifierKey = (key: NoteKey): string =>
  `${key.name}+${keyIdOf(key).toString('hex')}+${concat(ALG_ED25519, key.publicKey).toString('base64')}`;

/** Null: not such a text, or its id is not that of its key. */
export const decodeVerifierKey = (text: string): NoteKey | null => {
  const [, name = '', id, base64 = ''] =
    /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{43}[A-Za-z0-9+/=])$/.exec(text) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== 33 || bytes[0] !== 1) return null;
  const key = { name, publicKey: bytes.subarray(1) };
  return keyIdOf(key).toString('hex') === id ? key : null;
};

/** The note. RangeError for a text that does not end in a line feed, holds other control characters, or is too long. */
export const signNote = (text: string, key: NoteKey, seed: Buffer): string => {
  const message = Buffer.from(text, 'utf8');
  if (!text.endsWith('\n') || /[\u0000-\u0009\u000b-\u001f]/.test(text) || message.length > BYTES_MAX - 1024)
    throw new RangeError('not the text of a note');
  const signature = concat(keyIdOf(key), signWithSeed(seed, message));
  return `${text}\n— ${key.name} ${signature.toString('base64')}\n`;
};

/** The note with one more signature over the same text, which must be a note's (`signNote`). */
export const addSignature = (note: string, key: NoteKey, seed: Buffer): string => {
  const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
  return note + signNote(text, key, seed).slice(text.length + 1);
};

const SIGNATURE = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/;

/** The text, when this key signed it. Null: malformed, not signed by it, or a signature of its name and id is wrong. */
export const openNote = (note: string, key: NoteKey): string | null => {
  if (Buffer.byteLength(note) > BYTES_MAX) return null;
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) return null;
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) return null;
  const [message, keyId] = [Buffer.from(text, 'utf8'), keyIdOf(key)];
  let signed = false;
  for (const line of lines) {
    const [, name, base64 = ''] = SIGNATURE.exec(line) ?? [];
    const bytes = Buffer.from(base64, 'base64');
    if (name === undefined || bytes.length < 5) return null;
    if (name !== key.name || !bytes.subarray(0, 4).equals(keyId)) continue;
    if (!verifySignature(key.publicKey, message, bytes.subarray(4))) return null;
    signed = true;
  }
  return signed ? text : null;
};

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${root.toString('base64')}\n`;

/** Null unless the text is a checkpoint without extension lines. */
export const decodeCheckpoint = (text: string): Checkpoint | null => {
  const [, origin = '', digits, base64 = ''] = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text) ?? [];
  const [size, root] = [Number(digits), Buffer.from(base64, 'base64')];
  return Number.isSafeInteger(size) && root.length === 32 ? { origin, size, root } : null;
};
