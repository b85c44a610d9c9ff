/**
 * The anchor: the last head that this node saw, in a file outside the database. A database that is behind it, or has
 * another root at that size, was rolled back or substituted, and is refused (formats.md §9.2).
 */
import * as t from 'io-ts';
import type { Head } from '../ledger/head.js';
import { readIfThere, writeWhole } from './durable-file.js';

const Anchor = t.type({ ledger: t.string, size: t.number, root: t.string, at: t.string });
export type Anchor = t.TypeOf<typeof Anchor>;

const EVERY_MS = 1000;

/** Null when this node has no anchor yet. Throws when the file is there and is not an anchor. */
export const readAnchor = async (path: string): Promise<Anchor | null> => {
  const text = await readIfThere(path);
  if (text === null) return null;
  const parsed: unknown = JSON.parse(text);
  if (!Anchor.is(parsed))
    throw new Error(`${path} is not an anchor: remove it only if you know that the database was not rolled back`);
  return parsed;
};

/** As `readAnchor` takes it. */
export const writeAnchor = (
  path: string,
  ledger: string,
  { size, root }: Pick<Head, 'size' | 'root'>,
  atMs: number,
) => {
  const anchor: Anchor = { ledger, size, root: root.toString('hex'), at: new Date(atMs).toISOString() };
  return writeWhole(path, `${JSON.stringify(anchor)}\n`);
};

/** Writes heads at most once a second, always the newest, and a last time when it is closed. */
export class AnchorWriter {
  #newest: Head | null = null;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    readonly path: string,
    readonly ledgerId: string,
    readonly failed: (cause: unknown) => void,
  ) {}

  saw(head: Head): void {
    this.#newest = head;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#write();
    }, EVERY_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#write();
    await this.#writing;
  }

  #write(): void {
    const head = this.#newest;
    if (head === null) return;
    this.#newest = null;
    this.#writing = this.#writing
      .then(() => writeAnchor(this.path, this.ledgerId, head, head.lastRecordedAt / 1000))
      .catch(this.failed);
  }
}
