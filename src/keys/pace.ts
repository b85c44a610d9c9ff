/**
 * How fast work in the background may go: at full speed while nobody asks for anything, in small parts with long pauses
 * between them while somebody does, so that requests do not notice.
 */
const IDLE_PAGES = 24;
const BUSY_PAGES = 6;
/** Requests in a second above which the process counts as busy. */
const BUSY_FROM = 10;
/** While busy, this many times the length of a part is left to others. */
const PAUSE_TIMES = 4;
const PAUSE_MS_MIN = 5;
const PAUSE_MS_MAX = 100;

export class Pace {
  #busy = true;
  #seen: number;
  #looked: number;
  #began: number;

  constructor(
    /** Requests so far, of whoever: only its growth counts. */
    readonly requests: () => number,
    readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#seen = requests();
    this.#looked = nowMs();
    this.#began = this.#looked;
  }

  /** How much to do before the next rest. */
  get pages(): number {
    return this.#busy ? BUSY_PAGES : IDLE_PAGES;
  }

  /** After each part. */
  async rest(): Promise<void> {
    const [now, requests] = [this.nowMs(), this.requests()];
    this.#busy = (requests - this.#seen) * 1000 > BUSY_FROM * (now - this.#looked);
    [this.#seen, this.#looked] = [requests, now];
    if (this.#busy) {
      const pause = Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS_MIN, (now - this.#began) * PAUSE_TIMES));
      await new Promise(resolve => setTimeout(resolve, pause));
    }
    this.#began = this.nowMs();
  }
}
