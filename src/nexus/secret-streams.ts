/**
 * Secrets as streams: the newest event of a secret, authenticated, is its state. What is read here also refreshes the
 * cache that commands are decided on, and a stream that this node saw further along is never believed to have gone back.
 */
import type { Uuid } from '../crypto/bytes.js';
import { evolve, initial, type SecretState } from '../domain/secret/state.js';
import type { StreamFold } from '../ledger/command.js';
import { authenticate, type StoredEvent } from '../ledger/event.js';
import { IntegrityError } from '../ledger/integrity.js';
import type { Openings } from '../ledger/openings.js';
import type { PointRead } from '../ledger/point-reads.js';
import type { KeyRow } from '../ledger/sealed-event.js';
import { readRange } from '../ledger/stream-reads.js';
import type { Session } from './session.js';

/** Every event type of a secret's stream begins so; other streams have no state here. */
const isSecretEvent = (type: string): boolean => type.startsWith('secret.');

export const secretFold: StreamFold<SecretState> = {
  initial,
  fromNewest: event =>
    isSecretEvent(event.type)
      ? evolve({ ...initial, streamVersion: event.streamVersion - 1, live: null }, event)
      : { ...initial, streamVersion: event.streamVersion },
  evolve: (state, event) =>
    isSecretEvent(event.type) ? evolve(state, event) : { ...state, streamVersion: event.streamVersion },
};

/** A secret's state with the events that it names, all authenticated. */
export interface SecretRead {
  readonly state: SecretState;
  readonly newest: StoredEvent | null;
  readonly written: StoredEvent | null;
  readonly annotated: StoredEvent | null;
  readonly keys: readonly KeyRow[];
  readonly openings: Openings;
  /** As of which it is all this, for whoever asks again: authenticated, and no further than the snapshot. */
  readonly position: number;
}

/** Linearizable: as of a snapshot that is younger than this call, with lane 1 folded as of then. */
export const readSecret = async (session: Session, node: Uuid): Promise<SecretRead> => {
  const { read, size } = await session.reader.read(node);
  const { newest, written, annotated, keys, openings } = read;
  const { cache, head: known } = session.known;
  const cached = cache.peek(node);
  if (authenticated.get(read) !== session) {
    for (const event of [newest, written, annotated]) genuine(session, node, event);
    authenticated.set(read, session);
  }
  if (cached !== undefined && size >= known.size && cached.streamVersion > (newest?.streamVersion ?? 0))
    throw new IntegrityError('stream: it went back', newest?.position ?? null);
  const isKnown = cached !== undefined && cached.streamVersion === (newest?.streamVersion ?? 0);
  const state = isKnown ? cached.state : newest === null ? initial : secretFold.fromNewest(newest);
  if (!isKnown && size >= known.size)
    cache.put(node, {
      streamVersion: newest?.streamVersion ?? 0,
      position: newest?.position ?? 0,
      recordedAt: newest?.recordedAt ?? 0,
      state,
    });
  return {
    state,
    newest,
    written: named(state.head?.written ?? 0, newest, written),
    annotated: named(state.head?.annotated ?? 0, newest, annotated),
    keys,
    openings,
    // Other processes may have written since this one heard of it; and this one may have heard of more since.
    position: Math.max(Math.min(known.size, size), newest?.position ?? 0),
  };
};

/** Rows that were found genuine, by the session whose keys did it: what is cached is not authenticated twice. */
const authenticated = new WeakMap<PointRead, Session>();

const genuine = (session: Session, node: Uuid, event: StoredEvent | null): void => {
  if (event === null) return;
  if (event.streamId !== node || authenticate(session.custody, event) === null)
    throw new IntegrityError('event', event.position);
};

/** The head names its write and annotation by stream version (0: none); it may be either of them itself. */
const named = (streamVersion: number, newest: StoredEvent | null, other: StoredEvent | null): StoredEvent | null => {
  if (streamVersion === 0) return null;
  const event = newest?.streamVersion === streamVersion ? newest : other;
  if (event?.streamVersion !== streamVersion)
    throw new IntegrityError('event that a head names', newest?.position ?? null);
  return event;
};

/**
 * The state as of the event `at` with `live` known: a fold of at most 64 events in a stream of any length (events.md §1).
 */
export const withLive = async (session: Session, state: SecretState, node: Uuid): Promise<SecretState> => {
  if (state.live !== null) return state;
  const to = state.streamVersion;
  const from = Math.max(1, to - (to % 64));
  const events = await readRange(session.ports.runner, session.custody, node, from, to);
  const base: SecretState = from === 1 ? initial : { ...initial, streamVersion: from - 1, live: null };
  const folded = events.reduce<SecretState>((before, event) => evolve(before, event), base);
  if (folded.live === null)
    throw new IntegrityError('stream: the live versions are missing', events[0]?.position ?? null);
  return folded;
};

/** Lets the next command on this secret be decided with `live` known, if nothing happened to it meanwhile. */
export const rememberLive = (session: Session, node: Uuid, state: SecretState): void => {
  const entry = session.known.cache.peek(node);
  if (entry !== undefined && entry.streamVersion === state.streamVersion && entry.state.live === null)
    session.known.cache.put(node, { ...entry, state });
};
