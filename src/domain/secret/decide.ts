/**
 * The rules of a secret: command and state to events, or why not. Pure; `recordedAt` (µs) is the one "now" there is. What
 * changes nothing gives no event (events.md §1–2, vault-wire.md §4).
 */
import { E, type Either } from '../../fp.js';
import type { Decided, NeedsLive, Stale } from '../decision.js';
import type { Fact, Facts } from '../facts.js';
import type { SecretCommand, Settings } from './commands.js';
import { emptyHead, type Head, headToFacts } from './head.js';
import {
  evolve,
  evolveLive,
  exists,
  isGone,
  LIVE_EVERY,
  type LiveVersion,
  liveToFacts,
  type SecretState,
} from './state.js';

export type { Decided } from '../decision.js';

/** A mount's settings as of the head. */
export interface MountSettings {
  readonly maxVersions: number;
  readonly casRequired: boolean;
  readonly metadataCasRequired: boolean;
  /** ms; −1 = off for the whole mount, 0 = not set */
  readonly deleteVersionAfter: number;
}

export type SecretRejection =
  | { readonly kind: 'cas-required'; readonly of: 'data' | 'metadata' }
  | { readonly kind: 'cas-mismatch'; readonly of: 'data' | 'metadata' | 'new-metadata' };

export type Decision = Either<SecretRejection | Stale | NeedsLive, readonly Decided[]>;

/** One event names at most this many versions; a larger command gives several. */
export const ENTRIES_MAX = 200;
const DEFAULT_VERSIONS = 10;
export const VERSIONS_MAX = 1000;
const MS_US = 1000;

export const decide = (
  command: SecretCommand,
  state: SecretState,
  mount: MountSettings,
  recordedAt: number,
): Decision => {
  switch (command.kind) {
    case 'write':
      return write(command, state, mount, recordedAt);
    case 'delete':
      return deleteVersions(command.versions, state, recordedAt);
    case 'undelete':
      return undelete(command.versions, state, mount, recordedAt);
    case 'destroy':
      return destroy(command.versions, state, recordedAt);
    case 'destroy-through':
      return destroyThrough(command.keys, state, recordedAt);
    case 'configure':
    case 'annotate':
      return configure(command, state, mount, recordedAt);
    case 'remove':
      return remove(state, recordedAt);
  }
};

/** How many versions are kept: the larger limit, 10 when none is set, never more than 1,000. */
export const versionsKept = (head: Pick<Head, 'maxVersions'>, mount: MountSettings): number =>
  Math.min(VERSIONS_MAX, Math.max(mount.maxVersions, head.maxVersions) || DEFAULT_VERSIONS);

/** When a version written or undeleted now will expire; µs, 0 = never. The smaller setting counts; the mount can switch it off. */
const expiry = (head: Head, mount: MountSettings, recordedAt: number): number => {
  if (mount.deleteVersionAfter < 0) return 0;
  const set = [mount.deleteVersionAfter, head.deleteVersionAfter].filter(ms => ms > 0);
  return set.length === 0 ? 0 : recordedAt + Math.min(...set) * MS_US;
};

/** The head that the next event begins from: after a removal, a new generation that inherits nothing. */
const ground = (state: SecretState): Head => {
  const { head } = state;
  if (head === null) return emptyHead(1, 0);
  return head.removed ? emptyHead(head.generation + 1, head.lastDestroyed) : head;
};

const write = (
  command: Extract<SecretCommand, { kind: 'write' }>,
  state: SecretState,
  mount: MountSettings,
  recordedAt: number,
): Decision => {
  const { prepared } = command;
  if (exists(state) !== prepared.exists) return E.left({ kind: 'stale' });
  const before = ground(state);
  if (prepared.base !== undefined && (before.written !== prepared.base || isGone(before, recordedAt)))
    return E.left({ kind: 'stale' });
  const complaint = command.restored === undefined ? casComplaint(command.cas, before, mount) : null;
  if (complaint !== null) return E.left(complaint);
  const version = before.version + 1;
  const kept = versionsKept(before, mount);
  const head: Head = {
    ...before,
    version,
    oldest: version - before.oldest >= kept ? version - kept + 1 : before.oldest,
    written: state.streamVersion + 1,
    deletionTime: command.restored?.deletionTime ?? expiry(before, mount, recordedAt),
    destroyed: false,
    created: before.created === 0 ? recordedAt : before.created,
    updated: recordedAt,
  };
  const own: Facts = command.copied === undefined ? {} : { copied: command.copied };
  return one('secret.written', state, head, own, [], recordedAt);
};

/** Why a data write with this check-and-set is refused; null when it is not. */
export const casComplaint = (
  cas: number | null,
  head: Pick<Head, 'casRequired' | 'version'>,
  mount: MountSettings,
): SecretRejection | null => {
  if (cas === null) return mount.casRequired || head.casRequired ? { kind: 'cas-required', of: 'data' } : null;
  return cas === head.version ? null : { kind: 'cas-mismatch', of: 'data' };
};

const deleteVersions = (asked: readonly number[] | null, state: SecretState, recordedAt: number): Decision => {
  const { head, live } = state;
  if (head === null || head.removed) return E.right([]);
  if (live === null) return E.left({ kind: 'needs-live' });
  const named = new Set(asked ?? [head.version]);
  // A version that is deleted already keeps its first time; one that would expire later is stamped with now.
  const versions = live.filter(v => named.has(v.version) && !isGone(v, recordedAt)).map(v => v.version);
  return inParts(versions, state, recordedAt, (before, part) => ({
    type: 'secret.deleted',
    head: part.includes(before.version) ? { ...before, deletionTime: recordedAt } : before,
    own: { versions: part },
    destroys: [],
  }));
};

const undelete = (asked: readonly number[], state: SecretState, mount: MountSettings, recordedAt: number): Decision => {
  const { head, live } = state;
  if (head === null || head.removed) return E.right([]);
  if (live === null) return E.left({ kind: 'needs-live' });
  const named = new Set(asked);
  const expires = expiry(head, mount, recordedAt);
  const versions = live
    .filter(v => named.has(v.version) && !v.destroyed && v.deletionTime !== expires)
    .map(v => v.version);
  return inParts(versions, state, recordedAt, (before, part) => ({
    type: 'secret.undeleted',
    head: part.includes(before.version) ? { ...before, deletionTime: expires } : before,
    own: { versions: part, ...(expires === 0 ? {} : { expires }) },
    destroys: [],
  }));
};

const destroy = (asked: readonly number[], state: SecretState, recordedAt: number): Decision => {
  const { head, live } = state;
  if (head === null || head.removed) return E.right([]);
  if (live === null) return E.left({ kind: 'needs-live' });
  const named = new Set(asked);
  const doomed = live.filter(v => named.has(v.version) && !v.destroyed);
  const writeOf = new Map(doomed.map(v => [v.version, v.streamVersion]));
  return inParts(
    doomed.map(v => v.version),
    state,
    recordedAt,
    (before, part, streamVersion) => {
      const writes = part.flatMap(version => writeOf.get(version) ?? []);
      return {
        type: 'secret.destroyed',
        head: {
          ...before,
          destroyed: before.destroyed || part.includes(before.version),
          lastDestroyed: streamVersion,
        },
        own: { versions: part, writes, ...prevOf(before) },
        destroys: writes,
      };
    },
  );
};

const prevOf = ({ lastDestroyed }: Head): Facts => (lastDestroyed === 0 ? {} : { prev: lastDestroyed });

const destroyThrough = (keys: readonly number[], state: SecretState, recordedAt: number): Decision => {
  const { head } = state;
  if (head === null) return E.right([]);
  const through = state.streamVersion;
  const after: Head = {
    ...head,
    ...(head.removed ? {} : { annotated: 0, destroyed: head.version > 0 }),
    lastDestroyed: through + 1,
  };
  return one('secret.destroyed', state, after, { through, ...prevOf(head) }, keys, recordedAt);
};

const configure = (
  command: Extract<SecretCommand, { kind: 'configure' | 'annotate' }>,
  state: SecretState,
  mount: MountSettings,
  recordedAt: number,
): Decision => {
  const before = ground(state);
  const { prepared } = command;
  if (
    prepared !== undefined &&
    (exists(state) !== prepared.exists || before.annotated !== (prepared.base ?? before.annotated))
  )
    return E.left({ kind: 'stale' });
  const restored = command.restored === true;
  if (!restored) {
    if (command.metadataCas === null && (mount.metadataCasRequired || before.metadataCasRequired))
      return E.left({ kind: 'cas-required', of: 'metadata' });
    if (command.metadataCas !== null && command.metadataCas !== before.metadataVersion)
      return E.left({ kind: 'cas-mismatch', of: exists(state) ? 'metadata' : 'new-metadata' });
  }
  const head: Head = {
    ...withSettings(before, command.settings),
    created: before.created === 0 ? recordedAt : before.created,
    updated: recordedAt,
    metadataVersion: before.metadataVersion + 1,
    annotated: command.kind === 'annotate' ? state.streamVersion + 1 : before.annotated,
  };
  return one(command.kind === 'annotate' ? 'secret.annotated' : 'secret.configured', state, head, {}, [], recordedAt);
};

const withSettings = (head: Head, settings: Settings): Head => ({
  ...head,
  maxVersions: settings.maxVersions ?? head.maxVersions,
  casRequired: settings.casRequired ?? head.casRequired,
  deleteVersionAfter: settings.deleteVersionAfter ?? head.deleteVersionAfter,
  metadataCasRequired: settings.metadataCasRequired ?? head.metadataCasRequired,
});

const remove = (state: SecretState, recordedAt: number): Decision => {
  const { head } = state;
  if (head === null || head.removed) return E.right([]);
  const gone: Head = { ...emptyHead(head.generation, head.lastDestroyed), removed: true };
  return one('secret.removed', state, gone, {}, [], recordedAt);
};

interface Part {
  readonly type: string;
  readonly head: Head;
  readonly own: Facts;
  readonly destroys: readonly number[];
}

/** One event for each 200 versions, each carrying the head as it is after it. */
const inParts = (
  versions: readonly number[],
  state: SecretState,
  recordedAt: number,
  partOf: (head: Head, part: readonly number[], streamVersion: number) => Part,
): Decision => {
  const decided: Decided[] = [];
  let at = state;
  for (let from = 0; from < versions.length; from += ENTRIES_MAX) {
    if (at.head === null) break;
    const streamVersion = at.streamVersion + 1;
    const { type, head, own, destroys } = partOf(at.head, versions.slice(from, from + ENTRIES_MAX), streamVersion);
    const facts = factsOf(type, at, head, own, recordedAt);
    if (facts === null) return E.left({ kind: 'needs-live' });
    decided.push({ type, facts, destroys });
    at = evolve(at, { type, streamVersion, recordedAt, facts });
  }
  return E.right(decided);
};

const one = (
  type: string,
  state: SecretState,
  head: Head,
  own: Facts,
  destroys: readonly number[],
  recordedAt: number,
): Decision => {
  const facts = factsOf(type, state, head, own, recordedAt);
  return facts === null ? E.left({ kind: 'needs-live' }) : E.right([{ type, facts, destroys }]);
};

/** Head and own facts; `live` too where the stream version is divisible by 64. Null: live is wanted and not known. */
const factsOf = (type: string, state: SecretState, head: Head, own: Facts, recordedAt: number): Facts | null => {
  const streamVersion = state.streamVersion + 1;
  const facts: { [name: string]: Fact } = { ...headToFacts(head), ...own };
  if (streamVersion % LIVE_EVERY !== 0) return facts;
  if (state.live === null) return null;
  const live: readonly LiveVersion[] = evolveLive(state.live, { type, streamVersion, recordedAt, facts }, head);
  return { ...facts, ...liveToFacts(live) };
};
