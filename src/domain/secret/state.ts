/**
 * A secret's state, folded from its events: the head, and — when it is known — each version that is not pruned. Every event
 * carries the head; every 64th also carries `live`, so that a fold of at most 64 events knows everything.
 */
import type { Fact, Facts } from '../facts.js';
import { type Head, trustedHead } from './head.js';

/** A version that is not pruned; destroyed ones stay until they are. */
export interface LiveVersion {
  readonly version: number;
  /** Stream version of its write. */
  readonly streamVersion: number;
  /** µs */
  readonly created: number;
  /** µs; 0 = none */
  readonly deletionTime: number;
  readonly destroyed: boolean;
}

export interface SecretState {
  /** Newest stream version; 0 = an empty stream. */
  readonly streamVersion: number;
  readonly head: Head | null;
  /** In order of version; null = not known here. */
  readonly live: readonly LiveVersion[] | null;
}

export interface SecretEvent {
  readonly type: string;
  readonly streamVersion: number;
  /** µs */
  readonly recordedAt: number;
  readonly facts: Facts;
}

export const initial: SecretState = { streamVersion: 0, head: null, live: [] };

/** Every event whose stream version is divisible by this carries `live`. */
export const LIVE_EVERY = 64;

export const evolve = (state: SecretState, event: SecretEvent): SecretState => {
  const { streamVersion, facts } = event;
  const head = trustedHead(facts);
  const live =
    streamVersion % LIVE_EVERY === 0 ? liveFromFacts(facts) : state.live && evolveLive(state.live, event, head);
  return { streamVersion, head, live };
};

/** What one event does to the versions that are not pruned. */
export const evolveLive = (live: readonly LiveVersion[], event: SecretEvent, head: Head): readonly LiveVersion[] => {
  const { facts, recordedAt, streamVersion } = event;
  switch (event.type) {
    case 'secret.written':
      return [
        // The first event after a removal begins with nothing: `secret.removed` left `live` empty.
        ...live.filter(({ version }) => version >= head.oldest),
        {
          version: head.version,
          streamVersion,
          created: recordedAt,
          deletionTime: head.deletionTime,
          destroyed: false,
        },
      ];
    case 'secret.deleted':
      return changed(live, facts.versions, version => ({ ...version, deletionTime: recordedAt }));
    case 'secret.undeleted':
      return changed(live, facts.versions, version => ({
        ...version,
        deletionTime: typeof facts.expires === 'number' ? facts.expires : 0,
      }));
    case 'secret.destroyed':
      return destroyedIn(live, facts);
    case 'secret.removed':
      return [];
    default:
      return live;
  }
};

const changed = (
  live: readonly LiveVersion[],
  versions: Fact | undefined,
  change: (version: LiveVersion) => LiveVersion,
): readonly LiveVersion[] => {
  const named = new Set(Array.isArray(versions) ? versions : []);
  return live.map(version => (named.has(version.version) ? change(version) : version));
};

const destroyedIn = (live: readonly LiveVersion[], { writes, through }: Facts): readonly LiveVersion[] => {
  const named = new Set(Array.isArray(writes) ? writes : []);
  const upTo = typeof through === 'number' ? through : 0;
  return live.map(version =>
    named.has(version.streamVersion) || version.streamVersion <= upTo ? { ...version, destroyed: true } : version,
  );
};

export const liveToFacts = (live: readonly LiveVersion[]): { live?: Fact } =>
  live.length === 0
    ? {}
    : {
        live: live.map(({ version, streamVersion, created, deletionTime, destroyed }) => [
          version,
          streamVersion,
          created,
          deletionTime,
          destroyed,
        ]),
      };

const liveFromFacts = ({ live }: Facts): readonly LiveVersion[] =>
  Array.isArray(live) ? live.flatMap(entry => liveVersion(entry)) : [];

const liveVersion = (entry: Fact): readonly LiveVersion[] => {
  if (!Array.isArray(entry)) return [];
  const [version, streamVersion, created, deletionTime, destroyed] = entry;
  return typeof version === 'number' &&
    typeof streamVersion === 'number' &&
    typeof created === 'number' &&
    typeof deletionTime === 'number' &&
    typeof destroyed === 'boolean'
    ? [{ version, streamVersion, created, deletionTime, destroyed }]
    : [];
};

/** A key exists when it has a head that does not say that it was removed. */
export const exists = ({ head }: SecretState): boolean => head !== null && !head.removed;

/** Deleted or destroyed as of `nowUs`: its time has come. */
export const isGone = (version: Pick<LiveVersion, 'deletionTime' | 'destroyed'>, nowUs: number): boolean =>
  version.destroyed || (version.deletionTime !== 0 && version.deletionTime <= nowUs);
