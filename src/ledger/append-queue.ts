/**
 * The bounded queue before the appender: commands wait here while a batch is in flight and form the next one. It refuses
 * what is beyond its bounds instead of growing, and drops what nobody waits for any more — before the batch, never after.
 */
import type { Failure } from '../failure.js';
import { E, type Either } from '../fp.js';
import type { AnyCommand } from './place-batch.js';

export interface Limits {
  readonly queueCommands: number;
  readonly queueBytes: number;
  readonly batchEvents: number;
  readonly batchBytes: number;
}

/**
 * The queue's bounds are what a server of a few cores works off within a deadline. Batches stay so small that two take turns:
 * while PostgreSQL writes one, the next is sealed. With 256 writers 128 gave most; 64 5 % less, all in one batch 25 % less.
 */
export const LIMITS: Limits = {
  queueCommands: 4096,
  queueBytes: 64 * 1024 * 1024,
  batchEvents: 128,
  batchBytes: 4 * 1024 * 1024,
};

export interface Waiting<State> {
  readonly command: AnyCommand<State>;
  readonly answer: (answer: Either<Failure, unknown>) => void;
}

export class AppendQueue<State> {
  #waiting: Waiting<State>[] = [];
  #bytes = 0;

  constructor(readonly limits: Limits) {}

  get length(): number {
    return this.#waiting.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False when the queue is full: the caller is told to come back later. */
  offer(waiting: Waiting<State>): boolean {
    const { queueCommands, queueBytes } = this.limits;
    if (this.#waiting.length >= queueCommands || this.#bytes + waiting.command.weight > queueBytes) return false;
    this.#waiting.push(waiting);
    this.#bytes += waiting.command.weight;
    return true;
  }

  /** The next batch, in order of arrival. A command that travels alone closes the batch before it and is one by itself. */
  take(nowMs: number): Waiting<State>[] {
    const batch: Waiting<State>[] = [];
    let [events, bytes, taken] = [0, 0, 0];
    for (const waiting of this.#waiting) {
      const { command } = waiting;
      const fits =
        batch.length === 0 ||
        (!command.alone &&
          events + command.eventsMax <= this.limits.batchEvents &&
          bytes + command.weight <= this.limits.batchBytes);
      if (!fits) break;
      taken += 1;
      this.#bytes -= command.weight;
      if (command.gone()) {
        waiting.answer(E.left({ kind: 'timeout', during: 'waiting to append: the client went away' }));
        continue;
      }
      if (command.deadlineMs <= nowMs) {
        waiting.answer(E.left({ kind: 'timeout', during: 'waiting to append' }));
        continue;
      }
      batch.push(waiting);
      events += command.eventsMax;
      bytes += command.weight;
      if (command.alone) break;
    }
    this.#waiting = this.#waiting.slice(taken);
    return batch;
  }

  /** Answers everyone who waits with `failure`. */
  empty(failure: Failure): void {
    const all = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    for (const waiting of all) waiting.answer(E.left(failure));
  }
}
