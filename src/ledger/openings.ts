/**
 * Keys that open the boxes in the rows of one point read, each good for its one box. While the rows are cached, a key that was
 * made for one reader serves the next; it is wiped at the moment the rows leave the cache.
 */
import { type Uuid, wipe } from '../crypto/bytes.js';

export class Openings {
  readonly #keys = new Map<Uuid, Buffer>();
  #kept = false;

  /** The rows are cached from now on. */
  keep(): void {
    this.#kept = true;
  }

  /** They are no longer: who still reads them makes its keys anew. */
  end(): void {
    this.#kept = false;
    wipe(...this.#keys.values());
    this.#keys.clear();
  }

  /** What `open` makes of the key of the box that `keyId` names; null where `make` gives none. `open` does not keep it. */
  with<A>(keyId: Uuid, make: () => Buffer | null, open: (key: Buffer) => A): A | null {
    const known = this.#keys.get(keyId);
    if (known !== undefined) return open(known);
    const key = make();
    if (key === null) return null;
    if (this.#kept) {
      this.#keys.set(keyId, key);
      return open(key);
    }
    try {
      return open(key);
    } finally {
      wipe(key);
    }
  }
}
