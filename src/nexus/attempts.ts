/**
 * Slows guessing: after a few failures from one address, or at one name, further attempts are refused for a while that
 * doubles with each failure. In memory, bounded; nothing that lifts it comes from the request itself.
 */
const FIRST_PAUSE_MS = 1000;
const REMEMBERED_MAX = 10_000;

/** No administrator's is longer. */
const NAME_CHARACTERS_MAX = 64;

/** What counts tries at a name. One that nobody can have is tried under one name, whatever it is, and is kept nowhere. */
export const triedName = (at: 'login' | 'unseal', name: string): string =>
  `${at} name ${name.length > NAME_CHARACTERS_MAX ? '' : name}`;

interface Failures {
  readonly count: number;
  readonly untilMs: number;
}

export class Attempts {
  readonly #failures = new Map<string, Failures>();

  constructor(
    readonly nowMs: () => number,
    /** The failure from which on there are pauses. */
    readonly freeFailures = 5,
    readonly longestPauseMs = 15 * 60 * 1000,
  ) {}

  /** Seconds to wait before any of `keys` may try again; 0 = go ahead. */
  pauseSeconds(...keys: readonly string[]): number {
    const now = this.nowMs();
    const until = Math.max(...keys.map(key => this.#failures.get(key)?.untilMs ?? 0));
    return until > now ? Math.ceil((until - now) / 1000) : 0;
  }

  failed(...keys: readonly string[]): void {
    for (const key of keys) {
      const count = (this.#failures.get(key)?.count ?? 0) + 1;
      const pause =
        count < this.freeFailures
          ? 0
          : Math.min(FIRST_PAUSE_MS * 2 ** Math.min(count - this.freeFailures, 20), this.longestPauseMs);
      this.#failures.delete(key);
      this.#failures.set(key, { count, untilMs: this.nowMs() + pause });
    }
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= REMEMBERED_MAX) break;
      this.#failures.delete(oldest);
    }
  }

  succeeded(...keys: readonly string[]): void {
    for (const key of keys) this.#failures.delete(key);
  }
}
