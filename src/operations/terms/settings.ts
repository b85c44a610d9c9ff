/** When terms rotate, and how long a term goes on after its last key was wrapped again: recorded, the same on every node. */
import * as t from 'io-ts';
import type { Authority } from '../../authority/authority.js';
import type { ErasurePlan } from '../../domain/erasure/fully-erased.js';
import type { RotationSettings } from './contract.js';

/** The name of the settings in `config.changed`. */
export const ROTATION = 'rotation';

const DAY_MS = 86_400_000;

export const DEFAULTS: RotationSettings = {
  enabled: true,
  intervalMs: 30 * DAY_MS,
  backupRetentionMs: 35 * DAY_MS,
};

/** Requests that read a key row before it was wrapped again have ended by then. */
export const GRACE_MS_MIN = 2000;

const Stored = t.partial({ enabled: t.boolean, interval_ms: t.number, backup_retention_ms: t.number });

export const rotationSettings = (authority: Authority): RotationSettings => {
  const stored = Stored.decode(authority.config.get(ROTATION) ?? {});
  if (stored._tag === 'Left') return DEFAULTS;
  const { enabled, interval_ms, backup_retention_ms } = stored.right;
  return {
    enabled: enabled ?? DEFAULTS.enabled,
    intervalMs: interval_ms ?? DEFAULTS.intervalMs,
    backupRetentionMs: backup_retention_ms ?? DEFAULTS.backupRetentionMs,
  };
};

export const storedSettings = ({ enabled, intervalMs, backupRetentionMs }: RotationSettings): object => ({
  ...{ enabled, interval_ms: intervalMs, backup_retention_ms: backupRetentionMs },
});

/** What the date of an erasure depends on. */
export const erasurePlan = (authority: Authority, erasable: boolean): ErasurePlan => {
  const { enabled, intervalMs, backupRetentionMs } = rotationSettings(authority);
  return {
    erasable,
    rotateEvery: enabled && erasable ? intervalMs * 1000 : 0,
    backupRetention: Math.max(GRACE_MS_MIN, backupRetentionMs) * 1000,
  };
};
