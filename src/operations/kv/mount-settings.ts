/** A kv mount's settings as commands are decided under them: what `mount.tuned` recorded in its options. */
import type { Mount } from '../../authority/mounts.js';
import type { MountSettings } from '../../domain/secret/decide.js';

const whole = (text: string | undefined): number => {
  const value = Number(text ?? '0');
  return Number.isSafeInteger(value) ? value : 0;
};

export const mountSettings = ({ options }: Mount): MountSettings => ({
  maxVersions: Math.max(0, whole(options.max_versions)),
  casRequired: options.cas_required === 'true',
  metadataCasRequired: options.metadata_cas_required === 'true',
  deleteVersionAfter: Math.max(-1, whole(options.delete_version_after)),
});
