/** Tells the other processes of this ledger, every few seconds and after each change, what this one holds (node-report.ts). */
import { randomUuid4 } from '../crypto/random.js';
import type { Custody } from '../keys/custody.js';
import type { Runner } from '../sql.js';
import type { HeldTerms } from './held-terms.js';
import { report } from './node-report.js';

const EVERY_MS = 5000;

export class Presence {
  readonly process = randomUuid4();
  readonly #timer: NodeJS.Timeout;
  #telling: Promise<void> = Promise.resolve();

  constructor(
    readonly node: string,
    readonly runner: Runner,
    readonly custody: Custody,
    readonly terms: HeldTerms,
    /** µs: the newest event that is known here. */
    readonly lastRecordedAt: () => number,
    readonly failed: (cause: unknown) => void,
  ) {
    this.#timer = setInterval(() => void this.tell(), EVERY_MS);
    this.#timer.unref();
    void this.tell();
  }

  /** Never rejects: whoever is not heard of is not waited for. */
  tell(): Promise<void> {
    return this.#say(false);
  }

  /** `away`: what it said last stands, so that it is waited for as long as it may be silent. */
  async end(away: boolean): Promise<void> {
    clearInterval(this.#timer);
    await (away ? this.#telling : this.#say(true));
  }

  #say(ended: boolean): Promise<void> {
    this.#telling = this.#telling
      .then(async () => {
        const { process, node, custody, terms } = this;
        const holds = ended ? new Map<number, string>() : custody.terms;
        // What is known is known before the place is looked at: a copy that ended with an event is gone by then.
        const told = this.lastRecordedAt();
        await report(this.runner, custody, { process, node, holds, keeps: await terms.kept(), ended, told });
      })
      .catch(this.failed);
    return this.#telling;
  }
}
