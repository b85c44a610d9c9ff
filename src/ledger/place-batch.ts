/**
 * A batch at the head of the ledger: each command is decided in order, each accepted or rejected alone, and what was
 * accepted gets its place — stream version, facts, leaf, MAC, position — and the new head. Pure: no I/O, no clock.
 */
import type { Uuid } from '../crypto/bytes.js';
import { authorityChain, entry, eventHash, factsHash, leafHash, rowMac } from '../crypto/event-hash.js';
import { appendLeaf, rootOf } from '../crypto/merkle.js';
import type { Failure } from '../failure.js';
import type { Command, Decision, HeadView, StoreChange } from './command.js';
import type { LedgerKeys, StoredEvent } from './event.js';
import type { Head } from './head.js';
import { IntegrityError } from './integrity.js';
import type { RecentPlaces } from './recent-places.js';
import { type KeyRow, placedEvent, type SealedEvent } from './sealed-event.js';
import type { StreamCache, StreamEntry } from './stream-cache.js';

// A batch mixes commands of many result types; each one's answer is typed again where it was submitted.
export type AnyCommand<State> = Command<State, unknown>;

export type Answer =
  | { readonly kind: 'failure'; readonly failure: Failure }
  | { readonly kind: 'result'; readonly result: unknown }
  /** Answered once the batch is committed: by the events at these indexes of the batch. */
  | {
      readonly kind: 'placed';
      readonly from: number;
      readonly to: number;
      readonly result: (placed: readonly { position: number; recordedAt: number }[]) => unknown;
    };

export interface PlacedBatch<State> {
  readonly answers: readonly Answer[];
  readonly events: readonly StoredEvent[];
  readonly leaves: readonly Buffer[];
  readonly head: Head;
  readonly insertKeys: readonly KeyRow[];
  readonly deleteKeys: readonly Uuid[];
  readonly store: readonly StoreChange[];
  readonly states: ReadonlyMap<Uuid, StreamEntry<State>>;
}

export interface Ground<State> {
  readonly keys: LedgerKeys;
  readonly head: Head;
  readonly chain: Buffer;
  readonly recordedAt: number;
  readonly epoch: number;
  readonly cache: StreamCache<State>;
  readonly recent: RecentPlaces;
  /** Positions of stored events by id, for commands that carry an Idempotency-Key. */
  readonly repeats: ReadonlyMap<Uuid, number>;
}

const NONE: readonly never[] = [];

/** The root key was rotated, or the epoch retired, since the event was sealed: it is to be sealed again. */
export const OUTDATED: Failure = { kind: 'busy', retryAfterSeconds: 1 };

/** A command that cannot be decided, by a mistake of ours, is no reason to refuse the others of its batch. */
const decided = <State>(command: AnyCommand<State>, view: HeadView<State>): Decision<unknown> => {
  try {
    return command.decide(view);
  } catch (cause) {
    const failure: Failure =
      cause instanceof IntegrityError
        ? { kind: 'integrity', what: cause.what, position: cause.position }
        : { kind: 'internal', during: 'deciding', cause };
    return { kind: 'reject', failure };
  }
};

export const placeBatch = <State>(
  commands: readonly AnyCommand<State>[],
  ground: Ground<State>,
): PlacedBatch<State> => {
  const { keys, head, recordedAt, cache } = ground;
  const states = new Map<Uuid, StreamEntry<State>>();
  const rowKeys = new Map<number, Buffer>();
  const events: StoredEvent[] = [];
  const leaves: Buffer[] = [];
  const insertKeys: KeyRow[] = [];
  const deleteKeys: Uuid[] = [];
  const store: StoreChange[] = [];
  const ownIds = new Map<Uuid, Answer>();
  let frontier = [...head.frontier];
  let [chain, count, generation] = [ground.chain, head.authorityCount, head.keyringGeneration];

  const entryOf = (streamId: Uuid): StreamEntry<State> => {
    const known = states.get(streamId) ?? cache.get(streamId);
    if (known === undefined) throw new Error(`a command decides on a stream that it did not name`);
    return known;
  };
  const view: HeadView<State> = {
    size: head.size,
    recordedAt,
    state: streamId => entryOf(streamId).state,
    streamVersion: streamId => entryOf(streamId).streamVersion,
    movedSince: (position, scope, folders) =>
      ground.recent.movedSince(position, scope, folders) || events.some(event => scope.has(event.streamId)),
  };

  const rowKeyOf = (epoch: number): Buffer => {
    const known = rowKeys.get(epoch) ?? keys.rowKey(epoch);
    if (known === null) throw new Error('no row key serves the epoch of a new event');
    rowKeys.set(epoch, known);
    return known;
  };

  const place = (sealed: SealedEvent, facts: StoredEvent['facts']): void => {
    const before = entryOf(sealed.streamId);
    const streamVersion = before.streamVersion + 1;
    const position = head.size + events.length + 1;
    const hash = eventHash(streamVersion, factsHash(facts), sealed.sealedHash);
    const leaf = leafHash(entry(keys.ledger, position, recordedAt, hash));
    const mac = rowMac(rowKeyOf(sealed.epoch), keys.ledger, leaf);
    const event = placedEvent(sealed, { position, streamVersion, recordedAt, facts, rowMac: mac });
    frontier = appendLeaf(frontier, head.size + events.length, leaf);
    if (sealed.lane === 1) {
      chain = authorityChain(chain, leaf);
      count += 1;
    }
    states.set(sealed.streamId, {
      streamVersion,
      position,
      recordedAt,
      state: cache.fold.evolve(before.state, event),
    });
    events.push(event);
    leaves.push(leaf);
    if (sealed.keyRow !== null) insertKeys.push(sealed.keyRow);
  };

  const accept = (decision: Extract<Decision<unknown>, { kind: 'append' }>): Answer => {
    const from = events.length;
    for (const { sealed, facts } of decision.events) place(sealed, facts);
    for (const row of decision.insertKeys ?? NONE) insertKeys.push(row);
    for (const keyId of decision.deleteKeys ?? NONE) deleteKeys.push(keyId);
    for (const change of decision.store ?? NONE) {
      store.push(change.kind === 'put-block' ? { ...change, index: from + change.index } : change);
      if (change.kind === 'put-keyring') generation = change.generation;
    }
    return { kind: 'placed', from, to: events.length, result: decision.result };
  };

  const answers = commands.map((command): Answer => {
    if (command.repeatOf !== null && command.repeated) {
      const ids = [command.repeatOf, ...(command.formerly ?? NONE)];
      const stored = ids.map(id => ground.repeats.get(id)).find(position => position !== undefined);
      if (stored !== undefined) return { kind: 'result', result: command.repeated(stored) };
      // The same key twice in one batch: the second is answered by the place of the first.
      const first = ownIds.get(command.repeatOf);
      const repeated = command.repeated;
      if (first?.kind === 'placed') return { ...first, result: placed => repeated(placed[0]?.position ?? 0) };
    }
    const decision = decided(command, view);
    if (decision.kind === 'reject') return { kind: 'failure', failure: decision.failure };
    if (decision.kind === 'nothing') return { kind: 'result', result: decision.result };
    if (
      decision.events.some(
        ({ sealed: { epoch } }) => keys.rowKey(epoch, head.size + 1) === null || keys.isRetired(epoch),
      )
    )
      return { kind: 'failure', failure: OUTDATED };
    const answer = accept(decision);
    if (command.repeatOf !== null) ownIds.set(command.repeatOf, answer);
    return answer;
  });

  return {
    answers,
    events,
    leaves,
    // After a term's activation nothing new lies under an older one: its rows only become fewer.
    insertKeys: insertKeys.map(row => keys.current(row)),
    deleteKeys: deleteKeys.sort(),
    store,
    states,
    head: {
      size: head.size + events.length,
      prevSize: head.size,
      root: rootOf(frontier),
      frontier,
      lastRecordedAt: events.length === 0 ? head.lastRecordedAt : recordedAt,
      authorityCount: count,
      authorityChain: chain,
      keyringGeneration: generation,
      epoch: ground.epoch,
    },
  };
};
