/**
 * Work on one thing, one after another within this process: requests that would only make each other prepare again take
 * turns. It is a courtesy, not a lock: other processes are met at the head of the ledger.
 */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  take<T>(of: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(of) ?? Promise.resolve()).then(work);
    const over = turn
      .catch(() => undefined)
      .finally(() => {
        if (this.#last.get(of) === over) this.#last.delete(of);
      });
    this.#last.set(of, over);
    return turn;
  }
}
