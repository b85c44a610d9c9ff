/**
 * A kv mount's settings as commands are decided under them: what `mount.tuned` recorded in its options. A mount of version 1
 * keeps one version and has no settings.
 */
import type { Mount } from '../../authority/mounts.js';
import type { MountSettings } from '../../domain/secret/decide.js';

const VERSION_1: MountSettings = {
  maxVersions: 1,
  casRequired: false,
  metadataCasRequired: false,
  deleteVersionAfter: -1,
};

/** Names in the options of a mount that `M/config` reads and writes. */
const NAMES = {
  maxVersions: 'max_versions',
  casRequired: 'cas_required',
  metadataCasRequired: 'metadata_cas_required',
  deleteVersionAfter: 'delete_version_after',
} as const satisfies Record<keyof MountSettings, string>;

export const SETTING_NAMES: ReadonlySet<string> = new Set(Object.values(NAMES));

const whole = (text: string | undefined): number => {
  const value = Number(text ?? '0');
  return Number.isSafeInteger(value) ? value : 0;
};

export const isVersion2 = ({ type, options }: Pick<Mount, 'type' | 'options'>): boolean =>
  type === 'kv' && options.version === '2';

export const mountSettings = (mount: Pick<Mount, 'type' | 'options'>): MountSettings => {
  const { options } = mount;
  if (!isVersion2(mount)) return VERSION_1;
  return {
    maxVersions: Math.max(0, whole(options[NAMES.maxVersions])),
    casRequired: options[NAMES.casRequired] === 'true',
    metadataCasRequired: options[NAMES.metadataCasRequired] === 'true',
    deleteVersionAfter: Math.max(-1, whole(options[NAMES.deleteVersionAfter])),
  };
};

/** A mount's options with these settings in them; those that are as if never set are left out. */
export const withSettings = (
  options: Readonly<Record<string, string>>,
  settings: MountSettings,
): Readonly<Record<string, string>> => ({
  ...withoutSettings(options),
  ...Object.fromEntries(
    (Object.keys(NAMES) as (keyof MountSettings)[])
      .filter(field => settings[field] !== 0 && settings[field] !== false)
      .map(field => [NAMES[field], String(settings[field])]),
  ),
});

/** What clients see of a mount's options. */
export const withoutSettings = (options: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(options).filter(([name]) => !SETTING_NAMES.has(name)));
