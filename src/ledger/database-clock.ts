/**
 * What this process knows of the database's clock, and when it may append in one call: only while it was the last to write.
 * A refusal keeps it on the two flights for about a second.
 */
const AFTER_REFUSAL_MS = 1000;
/** Clocks drift: an estimate older than this is not used. */
const FRESH_MS = 60_000;

export class DatabaseClock {
  #offsetUs = 0;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #refusedAtMs = Number.NEGATIVE_INFINITY;

  constructor(readonly nowMs: () => number) {}

  /** Read just now under the append lock: the clock in µs. */
  heard(clockUs: number): void {
    this.#offsetUs = clockUs - this.nowMs() * 1000;
    this.#heardAtMs = this.nowMs();
  }

  refused(): void {
    this.#refusedAtMs = this.nowMs();
  }

  /** The estimate, µs; null: take two flights. */
  estimate(): number | null {
    const now = this.nowMs();
    return now - this.#refusedAtMs < AFTER_REFUSAL_MS || now - this.#heardAtMs > FRESH_MS
      ? null
      : now * 1000 + this.#offsetUs;
  }
}
