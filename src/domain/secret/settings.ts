/** What a key's and its mount's settings amount to together (vault-wire.md §4.0). */
import { E, type Either } from '../../fp.js';

/** As of the ledger's head. `deleteVersionAfter` in ms; negative = off for the whole mount. */
export interface MountSettings {
  readonly maxVersions: number;
  readonly casRequired: boolean;
  readonly metadataCasRequired: boolean;
  readonly deleteVersionAfter: number;
}

export interface KeySettings {
  readonly maxVersions: number;
  readonly casRequired: boolean;
  readonly metadataCasRequired: boolean;
  /** ms */
  readonly deleteVersionAfter: number;
}

export const MAX_VERSIONS_DEFAULT = 10;
/** The most versions that are kept, whatever was set: a setting above it is stored as sent and warned about. */
export const MAX_VERSIONS_MAX = 1_000;
/** 100 years: a deletion time stays a safe integer of µs. */
export const DELETE_VERSION_AFTER_MS_MAX = 36_525 * 86_400_000;

/** The larger of the two, 10 if neither is set, 1,000 at most. */
export const effectiveMaxVersions = (mount: number, key: number): number =>
  Math.min(MAX_VERSIONS_MAX, Math.max(mount, key) || MAX_VERSIONS_DEFAULT);

/** ms: the smaller that is set; 0 = none. A mount's negative value switches it off for every key. */
export const effectiveDeleteVersionAfter = (mount: number, key: number): number => {
  if (mount < 0) return 0;
  return mount === 0 || key === 0 ? Math.max(mount, key) : Math.min(mount, key);
};

/** When a version that is written (or undeleted) at `nowUs` expires; 0 = never. */
export const deletionTimeFrom = (nowUs: number, mount: number, key: number): number => {
  const afterMs = effectiveDeleteVersionAfter(mount, key);
  return afterMs === 0 ? 0 : nowUs + afterMs * 1_000;
};

/** Refuses what may not be stored; the message names the field and the rule. */
export const checkSettings = (change: Partial<KeySettings>): Either<string, Partial<KeySettings>> => {
  const { maxVersions = 0, deleteVersionAfter = 0 } = change;
  if (!Number.isSafeInteger(maxVersions) || maxVersions < 0)
    return E.left('max_versions must be a whole number from 0');
  if (!Number.isSafeInteger(deleteVersionAfter) || deleteVersionAfter < 0)
    return E.left('delete_version_after cannot be negative');
  if (deleteVersionAfter > DELETE_VERSION_AFTER_MS_MAX) return E.left('delete_version_after may be at most 100 years');
  return E.right(change);
};
