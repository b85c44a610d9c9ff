/** A key's metadata as the dialect shows it (vault-wire.md §4.6). */
import { printDuration } from '../domain/duration.js';
import type { SecretMetadata } from '../operations/kv/contract.js';
import { printTime } from './times.js';

export const metadataData = (value: SecretMetadata) => ({
  cas_required: value.casRequired,
  created_time: printTime(value.createdAt),
  current_metadata_version: value.metadataVersion,
  current_version: value.currentVersion,
  custom_metadata: value.customMetadata,
  delete_version_after: printDuration(value.deleteVersionAfterMs),
  max_versions: value.maxVersions,
  metadata_cas_required: value.metadataCasRequired,
  oldest_version: value.oldestVersion,
  updated_time: printTime(value.updatedAt),
  versions: Object.fromEntries(
    value.versions.map(({ version, createdAt, deletionTime, destroyed }) => [
      String(version),
      { created_time: printTime(createdAt), deletion_time: printTime(deletionTime), destroyed },
    ]),
  ),
});
