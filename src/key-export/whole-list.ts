/**
 * The erasure list of the whole ledger: what every node destroyed, not only this one, made from the ledger itself. Each
 * event is looked at once in a session.
 */
import { encodeErasedLine } from '../crypto/erasure-lines.js';
import { type DestroyedKey, keysDestroyedAfter, retiredKeys } from '../nexus/destroys.js';
import type { Session } from '../nexus/session.js';

export class WholeList {
  readonly #lines = new Set<string>();
  #at = 0;

  /** Every line that the ledger has a reason for by now. */
  async lines(session: Session): Promise<ReadonlySet<string>> {
    for (let more = true; more; ) {
      const { keys, upTo, last } = await keysDestroyedAfter(session, this.#at);
      for (const key of keys) this.#lines.add(lineOf(session, key));
      this.#at = upTo;
      more = !last;
    }
    for (const key of retiredKeys(session)) this.#lines.add(lineOf(session, key));
    return this.#lines;
  }
}

const lineOf = ({ custody }: Session, { position, epoch, keyId }: DestroyedKey): string => {
  const rowKey = custody.rowKey(epoch);
  if (rowKey === null) throw new Error('no row key serves the epoch of a destroy');
  return encodeErasedLine(rowKey, custody.ledger, { position, keyId });
};
