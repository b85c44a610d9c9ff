/**
 * The versions that are not pruned, one by one: what the head leaves out. Every 64th event carries them as `live`; in
 * between they are folded. Always in order and without a gap: max(oldest, 1) … version, destroyed ones too.
 */
import { E, type Either } from '../../fp.js';
import type { FoldedEvent } from '../decision.js';
import type { Fact, Facts } from '../facts.js';
import { type Head, isCount } from './head.js';

export interface LiveVersion {
  readonly version: number;
  /** Of its write. */
  readonly streamVersion: number;
  /** µs: when it was written. */
  readonly created: number;
  /** µs; 0 = not set. In the future: it is scheduled. */
  readonly deletionTime: number;
  readonly destroyed: boolean;
}

/** A stream version divisible by this carries `live`. */
export const LIVE_INTERVAL = 64;

export const carriesLive = (streamVersion: number): boolean => streamVersion % LIVE_INTERVAL === 0;

const isRow = (row: Fact): row is readonly [number, number, number, number, boolean] =>
  Array.isArray(row) &&
  row.length === 5 &&
  isCount(row[0]) &&
  isCount(row[1]) &&
  isCount(row[2]) &&
  isCount(row[3]) &&
  typeof row[4] === 'boolean';

/** Absent = none. Left: what is not as the catalogue says; never what it holds. */
export const liveFromFacts = (facts: Facts): Either<string, readonly LiveVersion[]> => {
  if (facts.live === undefined) return E.right([]);
  if (!Array.isArray(facts.live)) return E.left('live: a list expected');
  const live: LiveVersion[] = [];
  for (const row of facts.live as readonly Fact[]) {
    if (!isRow(row)) return E.left('live: [version, stream version, created, deletion time, destroyed] expected');
    const [version, streamVersion, created, deletionTime, destroyed] = row;
    const before = live.at(-1);
    if (before !== undefined && version !== before.version + 1) return E.left('live: versions in order expected');
    live.push({ version, streamVersion, created, deletionTime, destroyed });
  }
  return E.right(live);
};

export const liveToFacts = (live: readonly LiveVersion[]): readonly Fact[] =>
  live.map(({ version, streamVersion, created, deletionTime, destroyed }) => [
    version,
    streamVersion,
    created,
    deletionTime,
    destroyed,
  ]);

/** The entry of version n, by its place: versions are adjacent. */
export const liveVersion = (live: readonly LiveVersion[], n: number): LiveVersion | undefined =>
  live[n - (live[0]?.version ?? 0)];

/**
 * `live` after an event whose facts give `head`; null as long as it is not known. It becomes known without a fold where
 * nothing older is left: no versions at all, or a write that is the only one not pruned.
 */
export const advanceLive = (
  live: readonly LiveVersion[] | null,
  event: FoldedEvent,
  head: Head,
): readonly LiveVersion[] | null => {
  if (head.removed || head.version === 0) return [];
  const { facts, recordedAt } = event;
  switch (event.type) {
    case 'secret.written': {
      const { version, deletionTime } = head;
      const own = { version, streamVersion: event.streamVersion, created: recordedAt, deletionTime, destroyed: false };
      const first = Math.max(head.oldest, 1);
      if (first === version) return [own];
      if (live === null) return null;
      const kept = live.slice(Math.max(0, first - (live[0]?.version ?? first)));
      kept.push(own);
      return kept;
    }
    case 'secret.deleted':
      return live && changed(live, numbers(facts.versions), it => ({ ...it, deletionTime: recordedAt }));
    case 'secret.undeleted': {
      const deletionTime = isCount(facts.expires) ? facts.expires : 0;
      return live && changed(live, numbers(facts.versions), it => ({ ...it, deletionTime }));
    }
    case 'secret.destroyed':
      return live && changed(live, numbers(facts.versions), it => ({ ...it, destroyed: true }));
    default:
      return live;
  }
};

const numbers = (fact: Fact | undefined): readonly Fact[] => (Array.isArray(fact) ? fact : []);

const changed = (
  live: readonly LiveVersion[],
  versions: readonly Fact[],
  change: (it: LiveVersion) => LiveVersion,
): readonly LiveVersion[] => {
  const first = live[0]?.version ?? 0;
  const after = [...live];
  for (const version of versions) {
    if (typeof version !== 'number') continue;
    const it = after[version - first];
    if (it !== undefined) after[version - first] = change(it);
  }
  return after;
};
