/**
 * When a worker looks next. A wake counts only after a gathering time, so that under load it folds what came together instead
 * of a transaction for each commit; an urgent one counts at once, because somebody waits for it.
 */
const GATHER_MS = 25;

type Ring = (urgent: boolean) => void;

export class Alarm {
  #woken = false;
  #urgent = false;
  #ring: Ring | null = null;

  wake(urgent: boolean): void {
    this.#woken = true;
    if (urgent) this.#urgent = true;
    this.#ring?.(urgent);
  }

  /** From here on a wake is news: what is looked at now may be older than it. */
  reset(): void {
    this.#woken = false;
    this.#urgent = false;
  }

  /** Until `ms` have passed, or a wake since the last `reset`. */
  sleep(ms: number): Promise<void> {
    if (this.#urgent) return Promise.resolve();
    return new Promise(resolve => {
      const since = performance.now();
      const done = (): void => {
        clearTimeout(timer);
        this.#ring = null;
        resolve();
      };
      let timer = setTimeout(done, this.#woken ? GATHER_MS : ms);
      let gathering = this.#woken;
      this.#ring = urgent => {
        const left = GATHER_MS - (performance.now() - since);
        if (urgent || left <= 0) done();
        else if (!gathering) {
          gathering = true;
          clearTimeout(timer);
          timer = setTimeout(done, left);
        }
      };
    });
  }
}
