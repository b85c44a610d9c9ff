/**
 * Shares given so far, in memory only: each attempt has a nonce, and is forgotten (overwritten) when it is complete, reset,
 * or nobody went on for a quarter of an hour. Who gave which share is kept nowhere.
 */
import { randomUUID } from 'node:crypto';
import { constantTimeEqual, keyCopy, wipe } from '../crypto/bytes.js';

const FORGET_MS = 15 * 60_000;

export class ShareProgress {
  #shares: Buffer[] = [];
  #nonce = '';
  #timer: NodeJS.Timeout | null = null;

  get count(): number {
    return this.#shares.length;
  }

  /** Empty while no attempt runs. */
  get nonce(): string {
    return this.#nonce;
  }

  /** `conflict`: another share of the same number was given before, so one of them is damaged or of another set. */
  add(share: Buffer): 'added' | 'same' | 'conflict' {
    const number = share.at(-1);
    const before = this.#shares.find(given => given.at(-1) === number);
    if (before !== undefined) return constantTimeEqual(before, share) ? 'same' : 'conflict';
    if (this.#shares.length === 0) this.#nonce = randomUUID();
    this.#shares.push(keyCopy(share));
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.reset(), FORGET_MS);
    this.#timer.unref();
    return 'added';
  }

  /** Views: overwritten by `reset`. */
  get shares(): readonly Buffer[] {
    return this.#shares;
  }

  reset(): void {
    wipe(...this.#shares);
    this.#shares = [];
    this.#nonce = '';
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
