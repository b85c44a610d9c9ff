/**
 * How long a token may live: what was wanted, bounded by its explicit maximum, its role's, its mount's and the system's
 * (vault-wire.md §10.2, §10.4). Pure; all in seconds, 0 = not set.
 */
import type { Mount } from '../../authority/mounts.js';
import { printShortDuration } from '../../domain/duration.js';

/** 32 days: the default and the longest, unless a mount is tuned. */
export const SYSTEM_TTL_SECONDS = 2_764_800;
/** Beyond it no duration is believed to be meant. */
export const TTL_SECONDS_MAX = 100 * 366 * 86_400;

export interface Limits {
  readonly defaultSeconds: number;
  readonly maxSeconds: number;
}

export interface Lifetime {
  readonly ttlSeconds: number;
  readonly periodSeconds: number;
  readonly maxTtlSeconds: number;
  readonly explicitMaxTtlSeconds: number;
}

export interface Grant {
  readonly ttlSeconds: number;
  /** From its creation; no renewal reaches beyond it. 0 = none. */
  readonly endSeconds: number;
  readonly warnings: readonly string[];
}

const tuned = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);

/** Of the mount that issues; null: the system's. */
export const limitsOf = (mount: Mount | null): Limits => {
  const maxSeconds = tuned(mount?.config.max_lease_ttl) || SYSTEM_TTL_SECONDS;
  return {
    defaultSeconds: Math.min(tuned(mount?.config.default_lease_ttl) || SYSTEM_TTL_SECONDS, maxSeconds),
    maxSeconds,
  };
};

const shown = (seconds: number): string => `"${printShortDuration(seconds * 1000)}"`;

/**
 * What is granted to a token of that age; null: it is past the most that it may live. A periodic token starts again with
 * each renewal and has no maximum but an explicit one.
 */
export const grantTtl = (wanted: Lifetime, limits: Limits, ageSeconds: number): Grant | null => {
  const explicit = wanted.explicitMaxTtlSeconds;
  const maxSeconds = Math.min(...[limits.maxSeconds, wanted.maxTtlSeconds, explicit].filter(bound => bound > 0));
  const warnings: string[] = [];
  if (wanted.periodSeconds > maxSeconds)
    warnings.push(
      `period of ${shown(wanted.periodSeconds)} exceeded the effective max_ttl of ${shown(maxSeconds)}; period value is capped accordingly`,
    );
  const periodic = wanted.periodSeconds > 0;
  const ttl = periodic
    ? Math.min(wanted.periodSeconds, maxSeconds)
    : wanted.ttlSeconds > 0
      ? wanted.ttlSeconds
      : limits.defaultSeconds;
  const end = periodic ? explicit : maxSeconds;
  if (end === 0) return { ttlSeconds: ttl, endSeconds: end, warnings };
  const left = end - ageSeconds;
  if (left <= 0) return null;
  if (ttl <= left) return { ttlSeconds: ttl, endSeconds: end, warnings };
  warnings.push(
    `TTL of ${shown(ttl)} exceeded the effective max_ttl of ${shown(left)}; TTL value is capped accordingly`,
  );
  return { ttlSeconds: left, endSeconds: end, warnings };
};
