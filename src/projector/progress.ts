/**
 * Who waits for a projection to come up to a position. A worker of this process tells at once; for workers elsewhere one
 * poll serves everybody who waits.
 */
import type { Mark } from './statements.js';

interface Waiter {
  readonly name: string;
  readonly position: number;
  readonly done: (reached: boolean) => void;
}

const POLL_MS = 20;

export class Progress {
  readonly #waiting = new Set<Waiter>();
  #polling = false;

  constructor(readonly marks: () => Promise<readonly Mark[]>) {}

  moved(name: string, position: number): void {
    for (const waiter of this.#waiting) if (waiter.name === name && waiter.position <= position) waiter.done(true);
  }

  /** True as soon as the projection has folded up to `position`; false after `ms`, or when it stopped before. */
  reached(name: string, position: number, ms: number): Promise<boolean> {
    return new Promise(resolve => {
      const done = (reached: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
        resolve(reached);
      };
      const waiter: Waiter = { name, position, done };
      const timer = setTimeout(done, ms, false);
      this.#waiting.add(waiter);
      void this.#poll();
    });
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    while (this.#waiting.size > 0) {
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
      if (this.#waiting.size === 0) break;
      // An error is heard by the reads themselves, after their wait.
      for (const mark of await this.marks().catch(() => [])) this.#look(mark);
    }
    this.#polling = false;
  }

  #look({ name, position, state }: Mark): void {
    this.moved(name, position);
    if (state === 'stopped') for (const waiter of this.#waiting) if (waiter.name === name) waiter.done(false);
  }
}
