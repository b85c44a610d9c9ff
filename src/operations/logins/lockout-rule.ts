/** How often a name may be guessed at before it is locked: the mount's `user_lockout_config`, or the dialect's defaults. */
import * as t from 'io-ts';
import type { Mount } from '../../authority/mounts.js';
import type { LockoutRule } from '../../nexus/lockouts.js';

/** As it lies in a mount's config; seconds, 0 as if it were not set. */
export const LockoutConfig = t.partial({
  lockout_threshold: t.number,
  lockout_duration: t.number,
  lockout_counter_reset: t.number,
  lockout_disable: t.boolean,
});
export type LockoutConfig = t.TypeOf<typeof LockoutConfig>;

export const LOCKOUT_THRESHOLD = 5;
export const LOCKOUT_SECONDS = 900;

export const lockoutRule = (mount: Pick<Mount, 'config'>): LockoutRule => {
  const tuned = mount.config.user_lockout_config;
  const config: LockoutConfig = LockoutConfig.is(tuned) ? tuned : {};
  return {
    threshold: config.lockout_disable === true ? 0 : (config.lockout_threshold ?? LOCKOUT_THRESHOLD),
    lockedMs: (config.lockout_duration || LOCKOUT_SECONDS) * 1000,
    forgottenMs: (config.lockout_counter_reset || LOCKOUT_SECONDS) * 1000,
  };
};
