/**
 * The appender: one log, one lock, fast by batching. Commands that arrive while a batch is in flight form the next one.
 *
 * Nobody is answered before COMMIT is certain. Crash points: before COMMIT nothing happened and nobody was told; after it,
 * the events are there whether or not this process lives to say so; and when the connection dies during COMMIT the outcome
 * is looked up by event ids under the lock before anybody is answered (postgres.md §3), until their deadline.
 */
import type { Failure } from '../failure.js';
import { E, type Either } from '../fp.js';
import { DatabaseError } from '../postgres/errors.js';
import type { Pipeline } from '../postgres/pipeline.js';
import { AppendQueue, LIMITS, type Limits, type Waiting } from './append-queue.js';
import type { Command } from './command.js';
import { DatabaseClock } from './database-clock.js';
import type { StoredEvent } from './event.js';
import type { Head } from './head.js';
import { IntegrityError } from './integrity.js';
import type { Known } from './known.js';
import { appendInOneCall } from './one-call.js';
import { answerBatch, type Outcome } from './outcome.js';
import type { PlacedBatch } from './place-batch.js';
import { remedyFor } from './remedy.js';
import { settleUnknown } from './settle.js';
import { appendInTwoFlights } from './two-flights.js';

export interface AppenderPorts<State> {
  readonly known: Known<State>;
  /** The epoch whose row key signs new heads. */
  readonly epoch: () => number;
  readonly openPipeline: () => Promise<Pipeline>;
  readonly nowMs: () => number;
  /** After a commit and after the answers: doorbell, projector, anchor. Must not throw. */
  readonly committed: (head: Head, events: readonly StoredEvent[]) => void;
  /** Told of what operators should know: retries, refusals, integrity errors. Never of content. */
  readonly notice: (what: string, cause: unknown) => void;
  readonly measured?: (what: AppendMeasure) => void;
  /** Why an append failed, where somebody knows better than the error itself. */
  readonly explained?: (error: unknown) => Promise<Failure | null>;
  readonly limits?: Limits;
}

export interface AppendMeasure {
  readonly events: number;
  readonly commands: number;
  /** ms */
  readonly lockWait: number;
  readonly commit: number;
  readonly total: number;
  readonly path: 'two-flights' | 'one-call';
}

const ATTEMPTS = 3;
const AGAIN_MS = 20;
const AGAIN_MS_MAX = 500;
/** After the database said that it cannot write, the next batch is tried this much later. */
const REFUSE_FOR_MS = 3000;

const unavailable = (cause: unknown): Failure => ({ kind: 'database-unavailable', during: 'append', cause });
const UNSETTLED: Failure = {
  kind: 'timeout',
  during: 'committing: it may have been done, so look before you try again',
};

const deadlineOf = (batch: readonly { readonly command: { readonly deadlineMs: number } }[]): number =>
  Math.max(...batch.map(({ command }) => command.deadlineMs));

export class Appender<State> {
  readonly queue: AppendQueue<State>;
  readonly #clock: DatabaseClock;
  #pipeline: Pipeline | null = null;
  #working: Promise<void> | null = null;
  #closed: Failure | null = null;
  #refusing: { readonly untilMs: number; readonly why: string } | null = null;

  constructor(readonly ports: AppenderPorts<State>) {
    this.queue = new AppendQueue(ports.limits ?? LIMITS);
    this.#clock = new DatabaseClock(ports.nowMs);
  }

  /** Why appends are refused just now, in operator's words; null when they are not. */
  get refusing(): string | null {
    return this.#refusing !== null && this.#refusing.untilMs > this.ports.nowMs() ? this.#refusing.why : null;
  }

  /**
   * Decides the command at the head of the ledger and appends what it decided. Left: nothing of it was appended; only where
   * the database was away from a COMMIT on until the deadline, a `timeout` says that nobody knows.
   */
  submit<R>(command: Command<State, R>): Promise<Either<Failure, R>> {
    if (this.#closed !== null) return Promise.resolve(E.left(this.#closed));
    if (this.refusing !== null) return Promise.resolve(E.left({ kind: 'overloaded', retryAfterSeconds: 3 }));
    return new Promise(resolve => {
      // The answer is the result of this very command's functions, so its type is R.
      const answer = (result: Either<Failure, unknown>): void => resolve(result as Either<Failure, R>);
      if (!this.queue.offer({ command, answer })) resolve(E.left({ kind: 'overloaded', retryAfterSeconds: 1 }));
      else this.#working ??= this.#work();
    });
  }

  /** Answers what waits with `failure`, lets the batch in flight end, closes the connection. */
  async close(failure: Failure): Promise<void> {
    this.#closed = failure;
    this.queue.empty(failure);
    await this.#working;
    await this.#pipeline?.close().catch(() => undefined);
    this.#pipeline = null;
  }

  async #work(): Promise<void> {
    // Let the rest of this turn's requests join the first batch.
    await new Promise(resolve => setImmediate(resolve));
    while (this.queue.length > 0) {
      const batch = this.queue.take(this.ports.nowMs());
      if (batch.length > 0) await this.#appendAll(batch);
    }
    this.#working = null;
  }

  async #appendAll(batch: readonly Waiting<State>[]): Promise<void> {
    try {
      await this.ports.known.exclusive(() => this.#append(batch));
    } catch (error) {
      const explained = await this.ports.explained?.(error).catch(cause => {
        this.ports.notice('append', cause);
        return null;
      });
      if (!explained) this.ports.notice('append', error);
      const failure: Failure =
        explained ??
        (error instanceof IntegrityError
          ? { kind: 'integrity', what: error.what, position: error.position }
          : { kind: 'internal', during: 'append', cause: error });
      for (const { answer } of batch) answer(E.left(failure));
    }
  }

  async #append(batch: readonly Waiting<State>[]): Promise<void> {
    /** A batch whose COMMIT was sent and not heard of. */
    let unsettled: PlacedBatch<State> | null = null;
    for (let attempt = 1; ; attempt += 1) {
      const sent: { batch: PlacedBatch<State> | null } = { batch: null };
      try {
        const pipeline = await this.#connected();
        if (unsettled !== null) {
          const outcome: Outcome | null = await settleUnknown(pipeline, unsettled);
          if (outcome !== null) {
            // Whoever is answered finds what it did: a rotation of the root key takes over what is folded.
            const head = await this.ports.known.catchUpHere(pipeline);
            answerBatch(batch, unsettled.answers, outcome);
            return this.ports.committed(head, unsettled.events);
          }
          unsettled = null;
        }
        const committing = (placing: PlacedBatch<State>): void => {
          sent.batch = placing;
        };
        const placed =
          (await appendInOneCall(pipeline, this.ports, this.#clock, batch, committing)) ??
          (await appendInTwoFlights(pipeline, this.ports, this.#clock, batch, committing));
        return this.#done(batch, placed);
      } catch (error) {
        const outcomeUnknown = sent.batch !== null && !(error instanceof DatabaseError && !error.connectionLost);
        if (outcomeUnknown) unsettled = sent.batch;
        const remedy = remedyFor(error, outcomeUnknown || unsettled !== null);
        if (remedy.dropConnection) this.#disconnect();
        if (remedy.dropCaches) this.ports.known.cache.clear();
        if (remedy.kind === 'fail') throw error;
        this.ports.notice(`append, attempt ${attempt}`, error);
        if (remedy.kind === 'refuse') this.#refusing = { untilMs: this.ports.nowMs() + REFUSE_FOR_MS, why: remedy.why };
        if (remedy.kind === 'bisect') return this.#bisect(batch, error);
        // Who waits for a commit that may have been done is told what became of it, if that can be known in time.
        const asking = unsettled !== null && this.#closed === null && deadlineOf(batch) > this.ports.nowMs();
        if (remedy.kind === 'refuse' || (attempt >= ATTEMPTS && !asking))
          return this.#giveUp(batch, unsettled === null ? unavailable(error) : UNSETTLED);
        const apartMs = Math.min(AGAIN_MS_MAX, attempt * AGAIN_MS);
        await new Promise(resolve => setTimeout(resolve, apartMs * (1 + Math.random())));
      }
    }
  }

  #done(batch: readonly Waiting<State>[], placed: PlacedBatch<State>): void {
    this.#refusing = null;
    answerBatch(batch, placed.answers, { kind: 'committed', events: placed.events });
    if (placed.events.length > 0) this.ports.committed(placed.head, placed.events);
  }

  #giveUp(batch: readonly Waiting<State>[], failure: Failure): void {
    for (const { answer } of batch) answer(E.left(failure));
  }

  /** One command of the batch is what the database will not take: it fails alone, the rest go on. */
  async #bisect(batch: readonly Waiting<State>[], cause: unknown): Promise<void> {
    if (batch.length === 1) return this.#giveUp(batch, { kind: 'internal', during: 'append', cause });
    const middle = Math.ceil(batch.length / 2);
    await this.#append(batch.slice(0, middle));
    await this.#append(batch.slice(middle));
  }

  async #connected(): Promise<Pipeline> {
    if (this.#pipeline?.alive) return this.#pipeline;
    this.#disconnect();
    this.#pipeline = await this.ports.openPipeline();
    return this.#pipeline;
  }

  #disconnect(): void {
    this.#pipeline?.destroy();
    this.#pipeline = null;
  }
}
