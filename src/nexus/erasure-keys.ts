/**
 * E[term], the erasure keys: outside the database by construction, so that their end erases what database backups still
 * hold (formats.md §6). One port; behind it a file with a line for each term, a key service (kms-erasure-keys.ts), or `none`:
 * 32 zero bytes, whose end erases nothing.
 */
import { open } from 'node:fs/promises';
import { wipe } from '../crypto/bytes.js';
import { decodeErasureKeyLine, encodeErasureKeyLine } from '../crypto/erasure-lines.js';
import { randomBytes } from '../crypto/random.js';
import { appendDurably, isMissing, readIfThere } from './durable-file.js';

/** Where the term's number goes in the name of a key service's key. */
export const TERM_PLACE = '{term}';

export type ErasureKeyPlace =
  | { readonly kind: 'file'; readonly path: string }
  /** The setting, with `{term}` where the term's number goes. */
  | { readonly kind: 'kms'; readonly template: string }
  | { readonly kind: 'none' };

export interface ErasureKeys {
  /** For people: `file:/path`, `none`. */
  readonly name: string;
  /** False: the end of a key here erases nothing. */
  readonly erases: boolean;
  /** Somebody else keeps it and its copies: this server has none to lose. */
  readonly keptElsewhere: boolean;
  /** Makes E[term], durably, before anything is wrapped under it; or gives the one that an attempt before left there. */
  readonly make: (ledger: Buffer, term: number, nowMs: number) => Promise<Buffer>;
  /** The erasure keys of `terms` as far as they are here. The caller's to wipe. */
  readonly read: (ledger: Buffer, terms: readonly number[]) => Promise<Map<number, Buffer>>;
  /** Terms whose keys lie in a copy of this node's own, which has to be destroyed with them. */
  readonly kept: (ledger: Buffer) => Promise<readonly number[]>;
  /** Gone when it resolves, as far as the medium is honest. Not there: nothing. */
  readonly destroy: (ledger: Buffer, term: number) => Promise<void>;
  /** SHA-256 (hex) of what a service gives the term's key for, by its check (hex); null: no service does. */
  readonly wrappedAs: (ledger: Buffer, term: number, check: string) => Promise<string | null>;
  /**
   * What still gives the key of an ended term, beyond this server's reach; null: nothing does. `wrapped` is what the ledger
   * says of it: another row in its place, or none, tells nothing about the service.
   */
  readonly remote: (ledger: Buffer, term: number, wrapped: string | null) => Promise<string | null>;
}

export const erasureKeysIn = (place: Exclude<ErasureKeyPlace, { kind: 'kms' }>): ErasureKeys =>
  place.kind === 'none' ? NONE : fileErasureKeys(place.path);

const NONE: ErasureKeys = {
  name: 'none',
  erases: false,
  keptElsewhere: true,
  make: async () => Buffer.alloc(32),
  read: async (_ledger, terms) => new Map(terms.map(term => [term, Buffer.alloc(32)])),
  kept: async () => [],
  destroy: async () => {},
  wrappedAs: async () => null,
  remote: async () => null,
};

const fileErasureKeys = (path: string): ErasureKeys => {
  const read: ErasureKeys['read'] = async (ledger, terms) => {
    const found = new Map<number, Buffer>();
    for (const line of ((await readIfThere(path)) ?? '').split('\n')) {
      const entry = decodeErasureKeyLine(line);
      if (entry === null) continue;
      if (entry.ledger.equals(ledger) && terms.includes(entry.term)) found.set(entry.term, entry.key);
      else wipe(entry.key);
    }
    return found;
  };
  return {
    name: `file:${path}`,
    erases: true,
    keptElsewhere: false,
    read,
    make: async (ledger, term, nowMs) => {
      const left = (await read(ledger, [term])).get(term);
      if (left !== undefined) return left;
      const key = randomBytes(32);
      const created = new Date(nowMs).toISOString();
      await appendDurably(path, `${encodeErasureKeyLine({ ledger, term, key, created })}\n`);
      return key;
    },
    kept: async ledger => {
      const terms: number[] = [];
      for (const line of ((await readIfThere(path)) ?? '').split('\n')) {
        const entry = decodeErasureKeyLine(line);
        if (entry === null) continue;
        wipe(entry.key);
        if (entry.ledger.equals(ledger)) terms.push(entry.term);
      }
      return terms;
    },
    destroy: (ledger, term) => overwriteLines(path, `1 ${ledger.toString('hex')} ${term} `),
    wrappedAs: async () => null,
    remote: async () => null,
  };
};

const NEW_LINE = 10;
const OVERWRITTEN = '-';

/**
 * What follows `prefix` in its lines is overwritten where it lies, and flushed. The file is not written anew: another process
 * may be appending a line to it, and a line that is lost here is a ledger lost. Killed in between, it is done again.
 */
const overwriteLines = async (path: string, prefix: string): Promise<void> => {
  const file = await open(path, 'r+').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (file === null) return;
  try {
    const content = await file.readFile();
    for (let at = 0; at < content.length; ) {
      const newLine = content.indexOf(NEW_LINE, at);
      const end = newLine === -1 ? content.length : newLine;
      if (content.toString('latin1', at, Math.min(end, at + prefix.length)) === prefix) {
        const length = end - at - prefix.length;
        await file.write(Buffer.from(OVERWRITTEN.repeat(length), 'latin1'), 0, length, at + prefix.length);
      }
      at = end + 1;
    }
    wipe(content);
    await file.sync();
  } finally {
    await file.close();
  }
};
