/**
 * Enough shares of one slot, given one after another, prove that their holders agree. An attempt has a nonce, lives in the
 * memory of one process, and ends with the session that it began in. Who gave which share is kept nowhere.
 */
import { constantTimeEqual, keyCopy, wipe } from '../../crypto/bytes.js';
import { combineShares, KEY_BYTES, SHARE_BYTES, type Split } from '../../keys/shares.js';
import { type OpenedSlot, openSlotRow, splitOfRow } from '../../keys/slots.js';
import type { SlotRow } from '../../keys/store.js';
import type { Session } from '../../nexus/session.js';
import { ShareProgress } from '../../nexus/share-progress.js';
import { refuse } from '../app.js';
import { checkedSlotRows } from './slot-rows.js';

/** The slot that is opened by shares; refuses when the ledger has none. */
export const shareSlotOf = async (session: Session): Promise<{ readonly row: SlotRow; readonly split: Split }> => {
  for (const row of await checkedSlotRows(session)) {
    const split = splitOfRow(row);
    if (split !== null) return { row, split };
  }
  return refuse({
    kind: 'invalid',
    message: 'this ledger is not opened by shares: make some with tally operator slot add --shares N --threshold K',
  });
};

export class Quorum {
  readonly #given = new ShareProgress();

  constructor(
    /** What the answer to a repeated share calls this. */
    readonly what: string,
  ) {}

  get progress(): number {
    return this.#given.count;
  }

  forget(): void {
    this.#given.reset();
  }

  /** Null: more are needed. Refuses what cannot be a share; enough that open nothing are forgotten, and refused. */
  async give(ledger: Buffer, { row, split }: { row: SlotRow; split: Split }, key: Buffer): Promise<OpenedSlot | null> {
    const ikm = split.threshold === 1 ? oneOfOne(key) : await this.#combined(split, key);
    if (ikm === null) return null;
    const opened = openSlotRow(ledger, row, ikm);
    wipe(ikm);
    return (
      opened ??
      wrong(
        split.threshold === 1
          ? 'the key does not open its slot: it is damaged, an older one, or of another ledger'
          : 'the shares do not open their slot: at least one is damaged, of an older set, or of another ledger; give all of them again',
      )
    );
  }

  async #combined({ threshold }: Split, key: Buffer): Promise<Buffer | null> {
    if (key.length !== SHARE_BYTES) invalid(lengthWords(key, SHARE_BYTES, 'a share'));
    if (key.at(-1) === 0) invalid('the share is damaged: no share has the number 0');
    switch (this.#given.add(key)) {
      case 'same':
        return invalid(`given key has already been provided during this ${this.what} operation`);
      case 'conflict':
        return invalid(
          'a different share of the same number was given before: one is damaged or of another set; cancel, and begin again',
        );
      case 'added':
    }
    if (this.progress < threshold) return null;
    const ikm = await combineShares(this.#given.shares);
    this.forget();
    return ikm;
  }
}

const invalid = (message: string): never => refuse({ kind: 'invalid', message });

/** Enough were given, and prove nothing: that is recorded. */
const wrong = (message: string): never => refuse({ kind: 'bad-credentials', message });

const oneOfOne = (key: Buffer): Buffer =>
  key.length === KEY_BYTES ? keyCopy(key) : invalid(lengthWords(key, KEY_BYTES, 'the one share of one'));

const lengthWords = (key: Buffer, bytes: number, what: string): string =>
  `${what} has ${bytes} bytes (${bytes * 2} hexadecimal digits); this one has ${key.length}: it was cut or mistyped`;

/** The shares are this ledger's: what they open is the root key that is in use. */
export const requireRoot = (session: Session, opened: OpenedSlot): void => {
  const same = constantTimeEqual(opened.root.key, session.custody.rootKey);
  wipe(opened.root.key);
  if (!same) refuse({ kind: 'invalid', message: 'the shares open another root key than the one in use' });
};
