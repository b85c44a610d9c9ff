/**
 * E[term], the erasure keys: outside the database by construction, so that their end erases what database backups still
 * hold (formats.md §6). `file:` keeps one line for each term; `none` is 32 zero bytes, and never erases anything.
 */
import { wipe } from '../crypto/bytes.js';
import { decodeErasureKeyLine, encodeErasureKeyLine } from '../crypto/erasure-lines.js';
import { randomBytes } from '../crypto/random.js';
import { appendDurably, readIfThere } from './durable-file.js';

export type ErasureKeyPlace = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'none' };

/** Makes E[term] and puts it in its place, durably, before anything is wrapped under it. */
export const makeErasureKey = async (
  place: ErasureKeyPlace,
  ledger: Buffer,
  term: number,
  nowMs: number,
): Promise<Buffer> => {
  if (place.kind === 'none') return Buffer.alloc(32);
  const key = randomBytes(32);
  const created = new Date(nowMs).toISOString();
  await appendDurably(place.path, `${encodeErasureKeyLine({ ledger, term, key, created })}\n`);
  return key;
};

/** The erasure keys of `terms` as far as this node has them. */
export const readErasureKeys = async (
  place: ErasureKeyPlace,
  ledger: Buffer,
  terms: readonly number[],
): Promise<Map<number, Buffer>> => {
  if (place.kind === 'none') return new Map(terms.map(term => [term, Buffer.alloc(32)]));
  const found = new Map<number, Buffer>();
  for (const line of ((await readIfThere(place.path)) ?? '').split('\n')) {
    const entry = decodeErasureKeyLine(line);
    if (entry === null) continue;
    if (entry.ledger.equals(ledger) && terms.includes(entry.term)) found.set(entry.term, entry.key);
    else wipe(entry.key);
  }
  return found;
};
