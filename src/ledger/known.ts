/**
 * What this process knows of the ledger as of one size: head, frontier, authority, states of streams, and the last few
 * thousand events' places. It only ever moves forward, event by event, and every event was authenticated first.
 *
 * The appender and the follower both move it; `exclusive` lets them take turns. Readers may look at any time.
 */
import { constantTimeEqual } from '../crypto/bytes.js';
import { authorityChain } from '../crypto/event-hash.js';
import { appendLeaf, frontierBytes } from '../crypto/merkle.js';
import { decodeNames } from '../crypto/names.js';
import { type Query, query, type Runner } from '../sql.js';
import type { StreamFold } from './command.js';
import { authenticate, EVENT_COLUMNS, eventRow, type LedgerKeys, type StoredEvent } from './event.js';
import { believeHead, type Head, headAtOrBefore, newestHead } from './head.js';
import { IntegrityError } from './integrity.js';
import type { PlacedBatch } from './place-batch.js';
import { RecentPlaces } from './recent-places.js';
import { StreamCache } from './stream-cache.js';

/** The in-memory fold of lane 1. It is told of each authenticated event once, in order. */
export interface AuthorityFold {
  /** The newest lane-1 position that was folded. */
  readonly position: number;
  apply(event: StoredEvent): void;
}

export const TAIL_PAGE = 2000;

export const tailAfter: Query<StoredEvent> = query(
  'ledger_tail_after',
  eventRow,
  `select ${EVENT_COLUMNS} from events where position > $1 order by position limit ${TAIL_PAGE}`,
);

export const authorityTailAfter: Query<StoredEvent> = query(
  'ledger_authority_tail_after',
  eventRow,
  `select ${EVENT_COLUMNS} from events where lane = 1 and position > $1 order by position limit ${TAIL_PAGE}`,
);

const FROM_NOTHING = { authorityCount: 0, authorityChain: Buffer.alloc(32) } as const;

export class Known<State> {
  readonly cache: StreamCache<State>;
  readonly recent: RecentPlaces;
  /** Told of each event once, whoever appended it. Must not throw. */
  heard: (events: readonly StoredEvent[]) => void = () => {};
  #head: Head;
  /** Chain and count of lane 1 as far as `authority` was folded, which may be ahead of `head`. */
  #chain: Buffer;
  #count: number;
  #turn: Promise<unknown> = Promise.resolve();
  /** Chains by count: that of the head, and of the stretch in which authority is ahead of it. */
  readonly #chains = new Map<number, Buffer>();

  private constructor(
    readonly keys: LedgerKeys,
    readonly authority: AuthorityFold,
    readonly fold: StreamFold<State>,
    head: Head,
    chain: Buffer,
    count: number,
    capacity: number,
  ) {
    this.#head = head;
    this.#chain = chain;
    this.#count = count;
    this.#chains.set(count, chain);
    this.cache = new StreamCache(fold, capacity);
    this.recent = new RecentPlaces(head.size);
  }

  /**
   * Folds lane 1 up to the newest head — from its first event, or from the head as of which `authority` is exact already —
   * and compares the chain: nothing missing, inserted or reordered.
   */
  static async load<State>(
    runner: Runner,
    keys: LedgerKeys,
    authority: AuthorityFold,
    fold: StreamFold<State>,
    start: Pick<Head, 'authorityCount' | 'authorityChain'> = FROM_NOTHING,
    capacity = 50_000,
  ): Promise<Known<State>> {
    const stored = (await runner.run(newestHead))[0];
    if (stored === undefined) throw new IntegrityError('ledger head');
    const head = believeHead(keys, stored);
    let [chain, count] = [start.authorityChain, start.authorityCount];
    for (let after = authority.position; count < head.authorityCount; ) {
      const page = await runner.run(authorityTailAfter, [after]);
      await keys.learn(runner, page);
      for (const event of page) {
        if (event.position > head.size || count === head.authorityCount) break;
        const leaf = authenticate(keys, event);
        if (leaf === null || event.lane !== 1) throw new IntegrityError('event', event.position);
        chain = authorityChain(chain, leaf);
        count += 1;
        authority.apply(event);
      }
      const last = page.at(-1);
      if (last === undefined || (page.length < TAIL_PAGE && count < head.authorityCount)) break;
      after = last.position;
    }
    if (count !== head.authorityCount || !constantTimeEqual(chain, head.authorityChain))
      throw new IntegrityError('authority chain', head.size);
    // Again, by what lane 1 says of row keys: a head under a former one is somebody's who had an earlier root key.
    believeHead(keys, stored);
    return new Known(keys, authority, fold, head, chain, count, capacity);
  }

  get head(): Head {
    return this.#head;
  }

  get chain(): Buffer {
    return this.#chain;
  }

  get authorityCount(): number {
    return this.#count;
  }

  /** One at a time, in order of asking: whoever moves this state does it inside. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Reads head and tail until this process knows all that is committed. Takes its turn with the appender. */
  catchUp(runner: Runner): Promise<Head> {
    return this.exclusive(() => this.catchUpHere(runner));
  }

  /** The same for a caller whose turn it is. */
  async catchUpHere(runner: Runner): Promise<Head> {
    const newest = await this.#newest(runner);
    let pending: StoredEvent[] = [];
    while (this.#head.size < newest.size) {
      const page = await runner.run(tailAfter, [this.#head.size + pending.length]);
      pending = [...pending, ...page];
      const last = pending.at(-1);
      if (page.length === 0 || last === undefined) throw new IntegrityError('ledger tail', this.#head.size);
      // A page may end inside a batch, and heads exist only at the ends of batches.
      const stored = (await runner.run(headAtOrBefore, [last.position]))[0];
      if (stored === undefined) throw new IntegrityError('batch', last.position);
      if (stored.size <= this.#head.size) continue;
      const whole = stored.size - this.#head.size;
      await this.keys.learn(runner, pending);
      this.advance(pending.slice(0, whole), believeHead(this.keys, stored));
      pending = pending.slice(whole);
    }
    return this.#head;
  }

  async #newest(runner: Runner): Promise<Head> {
    const stored = (await runner.run(newestHead))[0];
    if (stored === undefined) throw new IntegrityError('ledger head');
    const newest = believeHead(this.keys, stored);
    if (newest.size < this.#head.size) throw new IntegrityError('ledger head: it went back', newest.size);
    if (newest.size === this.#head.size) this.#confirm(newest);
    return newest;
  }

  /** Moves to `head` over `events`, which must be exactly the positions between; throws `IntegrityError` and moves nothing otherwise. */
  advance(events: readonly StoredEvent[], head: Head): void {
    let { frontier, size } = { frontier: [...this.#head.frontier], size: this.#head.size };
    const leaves: Buffer[] = [];
    for (const event of events) {
      if (event.position !== size + 1) throw new IntegrityError('event', size + 1);
      const leaf = authenticate(this.keys, event);
      if (leaf === null) throw new IntegrityError('event', event.position);
      frontier = appendLeaf(frontier, size, leaf);
      leaves.push(leaf);
      size += 1;
    }
    if (size !== head.size || !constantTimeEqual(frontierBytes(frontier), frontierBytes(head.frontier)))
      throw new IntegrityError('batch', head.size);
    events.forEach((event, i) => {
      if (event.lane === 1) this.#applyAuthority(event, leaves[i]);
    });
    this.#place(events, head);
  }

  /** This process committed `batch`, which it had placed on top of the known head. */
  committed(batch: PlacedBatch<State>): void {
    batch.events.forEach((event, i) => {
      if (event.lane === 1) this.#applyAuthority(event, batch.leaves[i]);
    });
    for (const [streamId, entry] of batch.states) this.cache.put(streamId, entry);
    this.#place(batch.events, batch.head);
  }

  /** Folds lane-1 events that some statement saw beyond the known head; out-of-date ones are skipped. */
  foldAuthority(events: readonly StoredEvent[]): void {
    for (const event of events) {
      if (event.position <= this.authority.position) continue;
      const leaf = authenticate(this.keys, event);
      if (leaf === null || event.lane !== 1) throw new IntegrityError('event', event.position);
      this.#applyAuthority(event, leaf);
    }
  }

  #applyAuthority(event: StoredEvent, leaf: Buffer | undefined): void {
    if (event.position <= this.authority.position || leaf === undefined) return;
    // First: what it cannot fold now may come again, and is to count once.
    this.authority.apply(event);
    this.#chain = authorityChain(this.#chain, leaf);
    this.#count += 1;
    this.#chains.set(this.#count, this.#chain);
  }

  #place(events: readonly StoredEvent[], head: Head): void {
    this.#confirm(head);
    this.heard(events);
    for (const event of events) {
      this.cache.advance(event.streamId, event);
      this.recent.add(event.position, event.streamId, event.names === null ? [] : (decodeNames(event.names) ?? []));
    }
    this.#head = head;
  }

  /** The chain of lane 1 at the head's count must be ours: a hidden, inserted or reordered authority event shows here. */
  #confirm(head: Head): void {
    const chain = this.#chains.get(head.authorityCount);
    if (chain === undefined || !constantTimeEqual(chain, head.authorityChain))
      throw new IntegrityError('authority chain', head.size);
    for (const count of this.#chains.keys()) if (count < head.authorityCount) this.#chains.delete(count);
  }
}
