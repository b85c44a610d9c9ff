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
/** Of what waits. Callers choose how long their lines are, so characters are counted too. */
const PENDING_MAX = 20_000;
const PENDING_CHARACTERS_MAX = 128 * 1024 * 1024;
const LINES_A_BLOCK = 5000;
/** Far below what a block may hold to be read again. */
const CHARACTERS_A_BLOCK = 4 * 1024 * 1024;
/**
 * Why callers are refused who have shown nothing: of each such reason a block holds so many characters. Apart from each
 * other, so that a flood of what costs nothing hides no guesses.
 */
const OF_STRANGERS_MAX = 64 * 1024;
const STRANGERS: ReadonlySet<string | undefined> = new Set([
  ...['no-token', 'bad-token', 'wrapping-token', 'quota'],
  ...['credentials', 'locked', 'paused', 'role', 'token', 'certificate', 'claims'],
]);

/** As it will stand in its block. */
interface Line {
  readonly text: string;
  readonly at: number;
}

const lineOf = (request: RecordedRequest): Line => ({ text: `${JSON.stringify(request)}\n`, at: request.at });

export class Recorder<State> {
  #pending: Line[] = [];
  #characters = 0;
  #dropped = 0;
  readonly #ofStrangers = new Map<string, number>();
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
    const line = lineOf(request);
    if (this.#fits(request, line.text.length)) this.#push(line);
    else this.#dropped += 1;
    this.#flushLater();
  }

  #push(line: Line): void {
    this.#pending.push(line);
    this.#characters += line.text.length;
  }

  #flushLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.flush();
    }, FLUSH_EVERY_MS);
    this.#timer.unref();
  }

  #fits({ reason_code: why, actor }: RecordedRequest, characters: number): boolean {
    if (this.#pending.length >= PENDING_MAX || this.#characters + characters > PENDING_CHARACTERS_MAX) return false;
    if (why === undefined || actor !== undefined || !STRANGERS.has(why)) return true;
    const all = (this.#ofStrangers.get(why) ?? 0) + characters;
    this.#ofStrangers.set(why, all);
    return all <= OF_STRANGERS_MAX;
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
    this.#ofStrangers.clear();
    if (this.#dropped > 0) {
      const flood = { op: 'record', outcome: 'error', reason_code: 'flood', dropped: this.#dropped } as const;
      this.#push(lineOf({ v: 1, at: this.nowMs() * 1000, ...flood }));
      this.#dropped = 0;
    }
    while (this.#pending.length > 0) {
      const lines = this.#nextLines();
      const failure = await this.#append(lines);
      if (failure !== null) {
        // They stay pending, within the bound, and are tried again, whether or not anything is recorded until then.
        this.failed(failure);
        this.#flushLater();
        return;
      }
      this.#pending = this.#pending.slice(lines.length);
      for (const { text } of lines) this.#characters -= text.length;
    }
  }

  /** Of one block: at least one. */
  #nextLines(): readonly Line[] {
    let [count, characters] = [0, 0];
    for (const { text } of this.#pending) {
      characters += text.length;
      if (count === LINES_A_BLOCK || (count > 0 && characters > CHARACTERS_A_BLOCK)) break;
      count += 1;
    }
    return this.#pending.slice(0, count);
  }

  async #append(lines: readonly Line[]): Promise<unknown> {
    const at = this.nowMs() * 1000;
    const streamId = requestStream(this.custody, dayOf(at));
    const text = Buffer.from(lines.map(line => line.text).join(''), 'utf8');
    const draft = { eventId: randomUuid7(this.nowMs()), streamId, type: 'requests.recorded', lane: 2, actor: null };
    const sealed = sealBlock(this.custody, { ...draft, header: { v: 1, at } }, text);
    const times = lines.map(line => line.at);
    const facts = { count: lines.length, from: Math.min(...times), to: Math.max(...times) };
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
