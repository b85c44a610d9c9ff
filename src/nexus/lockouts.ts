/**
 * Names that were guessed at too often are locked for a while: then the right password does not open either, so that
 * guessing on tells nothing. In memory of this process, bounded. Keys are keyed ids: no name is held here.
 */
import type { Uuid } from '../crypto/bytes.js';

export interface LockoutRule {
  /** Wrong guesses in a row that lock; 0 = never. */
  readonly threshold: number;
  readonly lockedMs: number;
  /** So long after the last wrong one, counting begins again. */
  readonly forgottenMs: number;
}

interface Guessed {
  readonly count: number;
  readonly lastMs: number;
  readonly lockedUntilMs: number;
}

const REMEMBERED_MAX = 100_000;

export class Lockouts {
  readonly #byName = new Map<Uuid, Guessed>();

  constructor(readonly nowMs: () => number) {}

  locked(name: Uuid): boolean {
    return (this.#byName.get(name)?.lockedUntilMs ?? 0) > this.nowMs();
  }

  /** Guesses that were on their way when it was locked change nothing. */
  wrong(name: Uuid, rule: LockoutRule): void {
    if (this.locked(name)) return;
    const now = this.nowMs();
    const before = this.#byName.get(name);
    const recent = before !== undefined && before.lockedUntilMs === 0 && before.lastMs + rule.forgottenMs > now;
    const count = recent ? before.count + 1 : 1;
    const locks = rule.threshold > 0 && count >= rule.threshold;
    this.#byName.delete(name);
    this.#byName.set(name, { count, lastMs: now, lockedUntilMs: locks ? now + rule.lockedMs : 0 });
    for (const oldest of this.#byName.keys()) {
      if (this.#byName.size <= REMEMBERED_MAX) break;
      this.#byName.delete(oldest);
    }
  }

  right(name: Uuid): void {
    this.#byName.delete(name);
  }
}
