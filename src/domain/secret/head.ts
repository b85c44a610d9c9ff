/**
 * The head: a secret's state after an event, carried in that event's facts, so that the newest event says it all
 * (events.md §1). Defaults are left out of facts and filled in here.
 */
import { E, type Either } from '../../fp.js';
import type { Fact, Facts } from '../facts.js';

export interface Head {
  /** Current version; 0 = none yet. */
  readonly version: number;
  /** Lowest version not pruned; 0 while nothing could have been pruned. */
  readonly oldest: number;
  /** Counts re-creations after a removal, from 1. */
  readonly generation: number;
  readonly removed: boolean;
  /** Stream version of the current version's write; 0 = none. */
  readonly written: number;
  /** Stream version of this generation's newest annotation; 0 = none. */
  readonly annotated: number;
  /** Of the current version; µs, 0 = none. */
  readonly deletionTime: number;
  readonly destroyed: boolean;
  /** µs */
  readonly created: number;
  readonly updated: number;
  readonly metadataVersion: number;
  /** Stream version of the newest `secret.destroyed`; 0 = none. */
  readonly lastDestroyed: number;
  readonly maxVersions: number;
  readonly casRequired: boolean;
  /** ms */
  readonly deleteVersionAfter: number;
  readonly metadataCasRequired: boolean;
}

/** A secret that was just named: nothing but its generation. */
export const emptyHead = (generation: number, lastDestroyed: number): Head => ({
  version: 0,
  oldest: 0,
  generation,
  removed: false,
  written: 0,
  annotated: 0,
  deletionTime: 0,
  destroyed: false,
  created: 0,
  updated: 0,
  metadataVersion: 0,
  lastDestroyed,
  maxVersions: 0,
  casRequired: false,
  deleteVersionAfter: 0,
  metadataCasRequired: false,
});

/** Names in facts, in the order in which people read them. */
const NAMES = {
  version: 'version',
  oldest: 'oldest',
  generation: 'generation',
  removed: 'removed',
  written: 'written',
  annotated: 'annotated',
  deletionTime: 'deletion_time',
  destroyed: 'destroyed',
  created: 'created',
  updated: 'updated',
  metadataVersion: 'metadata_version',
  lastDestroyed: 'last_destroyed',
  maxVersions: 'max_versions',
  casRequired: 'cas_required',
  deleteVersionAfter: 'delete_version_after',
  metadataCasRequired: 'metadata_cas_required',
} as const satisfies Record<keyof Head, string>;

const FIELDS = Object.entries(NAMES) as readonly (readonly [keyof Head, string])[];

export const headToFacts = (head: Head): Facts => {
  const facts: { [name: string]: Fact } = {};
  for (const [field, name] of FIELDS) {
    const value = head[field];
    if (value !== 0 && value !== false) facts[name] = value;
  }
  return facts;
};

/** Left: which fact is not of its type. */
export const headFromFacts = (facts: Facts): Either<string, Head> => {
  for (const [field, name] of FIELDS) {
    const fact = facts[name];
    if (fact !== undefined && typeof fact !== typeof TYPES[field]) return E.left(`facts: ${name}`);
  }
  return E.right(trustedHead(facts));
};

const TYPES = emptyHead(1, 0);

/** For facts of an authenticated event, whose types our own `decide` made. */
export const trustedHead = (facts: Facts): Head => ({
  version: number(facts.version),
  oldest: number(facts.oldest),
  generation: number(facts.generation),
  removed: facts.removed === true,
  written: number(facts.written),
  annotated: number(facts.annotated),
  deletionTime: number(facts.deletion_time),
  destroyed: facts.destroyed === true,
  created: number(facts.created),
  updated: number(facts.updated),
  metadataVersion: number(facts.metadata_version),
  lastDestroyed: number(facts.last_destroyed),
  maxVersions: number(facts.max_versions),
  casRequired: facts.cas_required === true,
  deleteVersionAfter: number(facts.delete_version_after),
  metadataCasRequired: facts.metadata_cas_required === true,
});

const number = (fact: Fact | undefined): number => (typeof fact === 'number' ? fact : 0);
