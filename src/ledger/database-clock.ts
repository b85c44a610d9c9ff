/**
 * What this process knows of the database's clock, and when it may append in one call: only while it was the last to write
 * and has heard of every barrier. A refusal keeps it on the two flights for about a second.
 */
const AFTER_REFUSAL_MS = 1000;
/** Clocks drift: an estimate older than this is not used. */
const FRESH_MS = 60_000;

export class DatabaseClock {
  #offsetUs = 0;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #barrier: number | null = null;
  #refusedAtMs = Number.NEGATIVE_INFINITY;

  constructor(readonly nowMs: () => number) {}

  /** Read just now under the append lock: the clock in µs and the newest barrier. */
  heard(clockUs: number, barrier: number): void {
    this.#offsetUs = clockUs - this.nowMs() * 1000;
    this.#heardAtMs = this.nowMs();
    this.#barrier = barrier;
  }

  refused(): void {
    this.#refusedAtMs = this.nowMs();
  }

  /** The estimate, µs, with the barrier that it was heard with; null: take two flights. */
  estimate(): { readonly nowUs: number; readonly barrier: number } | null {
    const now = this.nowMs();
    if (this.#barrier === null || now - this.#refusedAtMs < AFTER_REFUSAL_MS || now - this.#heardAtMs > FRESH_MS)
      return null;
    return { nowUs: now * 1000 + this.#offsetUs, barrier: this.#barrier };
  }
}
