/**
 * Follows rotations of the root key. The process that rotates it takes the new one over in the moment the ledger says so; a
 * process that its node tells the new one goes on without a pause; any other finds that the ledger went on without it, and
 * gives up its session: a root key never travels through the database, not even sealed under the one before.
 */
import { wipe } from '../crypto/bytes.js';
import type { Failure } from '../failure.js';
import type { Keyring } from '../keys/keyring.js';
import type { RootKey } from '../keys/slots.js';
import { IntegrityError } from '../ledger/integrity.js';
import { authorityTailAfter } from '../ledger/known.js';
import { OUTDATED } from '../ledger/place-batch.js';
import { followRoot, isBehindRoot, RootRotated } from './keyring-follow.js';
import type { Session } from './session.js';

/** What takes over once it is recorded. */
export interface NextRoot {
  readonly key: Buffer;
  readonly keyring: Keyring;
  readonly epoch: number;
  readonly headerKey: Buffer;
  /** The position of the snapshot that was made for it: no other rotation has one there. */
  readonly snapshot: number;
}

export class RootFollower {
  #next: NextRoot | null = null;
  readonly #waiting = new Set<(came: boolean) => void>();
  #lost = false;

  constructor(readonly session: Session) {}

  /** Before the rotation is submitted; `takeOver` does the rest. */
  expect(next: NextRoot): void {
    this.#next = next;
  }

  /** The rotation did not come about. */
  forget(): void {
    const next = this.#next;
    this.#next = null;
    if (next !== null) wipe(next.key, next.headerKey);
  }

  takeOver(): void {
    const { session } = this;
    const next = this.#next;
    const recorded = session.authority.rotations.find(({ generation }) => generation === next?.keyring.rootGeneration);
    if (next === null || recorded === undefined) return;
    // Another node was first, and its root key is another one: to go on under this one would make what nobody can read.
    if (recorded.snapshot !== next.snapshot) {
      this.forget();
      return;
    }
    this.#next = null;
    session.custody.replaceRoot(next.key, next.keyring);
    session.custody.addEpoch(next.epoch, next.headerKey);
    session.ports.rootReplaced(session);
  }

  /** Told by the process of this node that knows it. */
  async told(root: RootKey): Promise<void> {
    const { session } = this;
    if (root.generation <= session.custody.keyring.rootGeneration) {
      wipe(root.key);
      return;
    }
    await followRoot(session.ports.runner, session.custody, root);
    this.#answer(true);
    await session.catchUp();
  }

  /** `work` reads what others appended. Rejects with `RootRotated` for whatever comes of not having the new root key. */
  async following<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(await this.#isBehind(error))) throw error;
      if (!(await this.#comes())) throw new RootRotated('the root key was rotated');
      return work();
    }
  }

  /** The same for the appender, which answers with failures. Null: it is as it says. */
  async explained(error: unknown): Promise<Failure | null> {
    if (!(await this.#isBehind(error))) return null;
    return (await this.#comes()) ? OUTDATED : { kind: 'sealed' };
  }

  end(): void {
    this.forget();
    this.#answer(false);
  }

  async #isBehind(error: unknown): Promise<boolean> {
    if (!(error instanceof IntegrityError) && !(error instanceof RootRotated)) return false;
    const { authority, custody, known, ports } = this.session;
    if (isBehindRoot(custody, authority)) return true;
    // The events of a rotation are under the keys of before: what is genuine of the tail is folded one by one up to there.
    try {
      for (const event of await ports.runner.run(authorityTailAfter, [authority.position])) {
        await custody.learn(ports.runner, [event]);
        known.foldAuthority([event]);
      }
    } catch (cause) {
      if (!(cause instanceof IntegrityError)) throw cause;
    }
    return isBehindRoot(custody, authority);
  }

  /** Whether somebody told the new root key in time; when not, the session is lost. */
  async #comes(): Promise<boolean> {
    const { session } = this;
    if (this.#lost || session.closed) return false;
    const came = await new Promise<boolean>(resolve => {
      const timer = setTimeout(() => done(false), session.ports.rootAwaitedMs);
      const done = (answer: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve(answer);
      };
      if (!isBehindRoot(session.custody, session.authority)) done(true);
      else this.#waiting.add(done);
    });
    if (!came && !this.#lost && !session.closed) {
      this.#lost = true;
      session.ports.rootLost(session);
    }
    return came;
  }

  #answer(came: boolean): void {
    for (const done of [...this.#waiting]) done(came);
  }
}
