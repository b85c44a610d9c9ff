/**
 * Records requests that changed nothing: denials, failed logins and unseals, seal and unseal, start and stop (events.md §4).
 * They are merged into one block each second at most, so that a flood cannot flood the ledger; a `kill -9` may lose that
 * second. While the server is sealed they wait in the spool.
 */
import { type Uuid, u32 } from '../crypto/bytes.js';
import { dayOf } from '../crypto/day-key.js';
import { stream } from '../crypto/names.js';
import { randomUuid7 } from '../crypto/random.js';
import type { Custody } from '../keys/custody.js';
import { sealBlock } from '../keys/event-sealer.js';
import type { Appender } from '../ledger/appender.js';

/** One line of a block: the fields of the header (events.md §5), and how it ended. */
export interface RecordedRequest {
  readonly v: 1;
  /** µs */
  readonly at: number;
  readonly op?: string;
  readonly path?: string;
  readonly outcome: 'ok' | 'denied' | 'failed' | 'error';
  readonly reason_code?: string;
  readonly status?: number;
  readonly [field: string]: unknown;
}

const FLUSH_EVERY_MS = 1000;
const PENDING_MAX = 20_000;
const LINES_A_BLOCK = 5000;
/** Characters that callers without a token of ours may leave in a block: they choose how long their lines are. */
const OF_STRANGERS_MAX = 64 * 1024;
const STRANGERS: ReadonlySet<string | undefined> = new Set(['no-token', 'bad-token']);

export class Recorder<State> {
  #pending: RecordedRequest[] = [];
  #dropped = 0;
  #ofStrangers = 0;
  #timer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(
    readonly custody: Custody,
    readonly appender: Pick<Appender<State>, 'submit'>,
    readonly nowMs: () => number,
    readonly failed: (cause: unknown) => void,
  ) {}

  /** Never waits and never throws; beyond the bound only the count is kept, and recorded. */
  record(request: RecordedRequest): void {
    if (this.#closed) return;
    if (this.#fits(request)) this.#pending.push(request);
    else this.#dropped += 1;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.flush();
    }, FLUSH_EVERY_MS);
    this.#timer.unref();
  }

  #fits(request: RecordedRequest): boolean {
    if (this.#pending.length >= PENDING_MAX) return false;
    if (!STRANGERS.has(request.reason_code)) return true;
    this.#ofStrangers += JSON.stringify(request).length;
    return this.#ofStrangers <= OF_STRANGERS_MAX;
  }

  /** Appends what is pending now and waits for it. Never rejects: what could not be appended stays pending. */
  flush(): Promise<void> {
    if (!this.#closed) this.#flushing = this.#flushing.then(() => this.#appendPending()).catch(this.failed);
    return this.#flushing;
  }

  /** What comes while the last records are appended goes with them. Afterwards nothing is sealed: the keys may be gone. */
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #appendPending(): Promise<void> {
    this.#ofStrangers = 0;
    if (this.#dropped > 0) {
      this.#pending.push({
        v: 1,
        at: this.nowMs() * 1000,
        op: 'record',
        outcome: 'error',
        reason_code: 'flood',
        dropped: this.#dropped,
      });
      this.#dropped = 0;
    }
    while (this.#pending.length > 0) {
      const records = this.#pending.slice(0, LINES_A_BLOCK);
      const failure = await this.#append(records);
      if (failure !== null) {
        // They stay pending: the next flush tries again, within the bound.
        this.failed(failure);
        return;
      }
      this.#pending = this.#pending.slice(records.length);
    }
  }

  async #append(records: readonly RecordedRequest[]): Promise<unknown> {
    const at = this.nowMs() * 1000;
    const streamId = requestStream(this.custody, dayOf(at));
    const lines = Buffer.from(records.map(record => `${JSON.stringify(record)}\n`).join(''), 'utf8');
    const draft = { eventId: randomUuid7(this.nowMs()), streamId, type: 'requests.recorded', lane: 2, actor: null };
    const sealed = sealBlock(this.custody, { ...draft, header: { v: 1, at } }, lines);
    const times = records.map(record => record.at);
    const facts = { count: records.length, from: Math.min(...times), to: Math.max(...times) };
    const body = sealed.body ?? Buffer.alloc(0);
    const answer = await this.appender.submit({
      streams: [streamId],
      repeatOf: null,
      alone: true,
      weight: body.length + sealed.header.length,
      eventsMax: 1,
      deadlineMs: this.nowMs() + 30_000,
      gone: () => false,
      decide: () => ({
        kind: 'append',
        events: [{ sealed, facts }],
        store: [{ kind: 'put-block', index: 0, body }],
        result: () => null,
      }),
    });
    return answer._tag === 'Left' ? answer.left : null;
  }
}

/** The stream of the requests of a UTC day. */
export const requestStream = (custody: Custody, day: number): Uuid =>
  stream(custody.keyring.indexKey, custody.ledger, 'requests', u32(day));
