/**
 * The terms that this process can open, kept in step with the ledger: a term that was prepared is held as soon as its
 * erasure key is in this node's place, one that ended is dropped from memory, and its erasure key destroyed here.
 */
import type { Authority } from '../authority/authority.js';
import { wipe } from '../crypto/bytes.js';
import { erasureCheck } from '../crypto/term.js';
import type { Custody } from '../keys/custody.js';
import type { ErasureKeys } from './erasure-keys.js';

export class HeldTerms {
  readonly #destroyed = new Set<number>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    readonly custody: Custody,
    readonly authority: Authority,
    readonly erasureKeys: ErasureKeys,
    /** Told at once that a term ended, before its erasure key is destroyed, which may have to be tried again. */
    readonly dropped: () => void,
  ) {}

  /** Terms that have a share in the keyring and whose erasure key is not here. */
  get lacking(): readonly number[] {
    return this.custody.keyring.terms.filter(term => !this.custody.terms.has(term));
  }

  /** Call it after lane 1 was folded and the keyring followed. True: something changed, and the others should be told. */
  follow(): Promise<boolean> {
    const mine = this.#turn.then(async () => {
      const [took, dropped] = [await this.#take(), await this.#drop()];
      return took || dropped;
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Terms whose erasure keys lie in this node's place. */
  kept(): Promise<readonly number[]> {
    return this.erasureKeys.kept(this.custody.ledger);
  }

  async #take(): Promise<boolean> {
    const { custody, authority, lacking } = this;
    if (lacking.length === 0) return false;
    const found = await this.erasureKeys.read(custody.ledger, lacking);
    // A key that an attempt of this node left behind, of which the ledger knows nothing, opens nothing.
    for (const [term, key] of found)
      if (authority.keystore?.checks.get(term) === erasureCheck(key, custody.ledger, term).toString('hex'))
        custody.holdTerm(term, key);
    wipe(...found.values());
    return this.lacking.length < lacking.length;
  }

  async #drop(): Promise<boolean> {
    const { custody, authority } = this;
    const ended = authority.terms.all.filter(({ term, endedAt }) => endedAt !== null && !this.#destroyed.has(term));
    for (const { term } of ended) {
      custody.dropTerm(term);
      this.dropped();
      await this.erasureKeys.destroy(custody.ledger, term);
      this.#destroyed.add(term);
    }
    return ended.length > 0;
  }
}
