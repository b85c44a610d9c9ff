/** What callers can do with secrets, as types: the part of the seam (`../contract.ts`) that vault-wire.md §4 describes. */
import type { VersionMetadata } from '../../failure.js';
import type { At, Moment, Op, Place } from '../request.js';

/** JSON text of the value exactly as it was written (one JSON object), and its metadata. */
export interface SecretValue {
  readonly data: string;
  readonly metadata: VersionMetadata;
}

export interface SecretMetadata {
  readonly versions: readonly VersionMetadata[];
  readonly currentVersion: number;
  readonly oldestVersion: number;
  /** µs since 1970 */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly maxVersions: number;
  readonly casRequired: boolean;
  readonly deleteVersionAfterMs: number;
  readonly metadataCasRequired: boolean;
  readonly metadataVersion: number;
  readonly customMetadata: Readonly<Record<string, string>> | null;
}

/** Absent = keep. */
export interface MetadataSettings {
  readonly maxVersions?: number;
  readonly casRequired?: boolean;
  readonly deleteVersionAfterMs?: number;
  readonly metadataCasRequired?: boolean;
  readonly metadataCas?: number;
}

/** Null clears. */
export interface MetadataChange extends MetadataSettings {
  readonly customMetadata?: Readonly<Record<string, string>> | null;
}

/** Null clears all of them, a null in it one. */
export interface MetadataPatch extends MetadataSettings {
  readonly customPatch?: Readonly<Record<string, string | null>> | null;
}

/** Of a whole mount. `deleteVersionAfterMs` −1: off, whatever a key says; 0: not set. */
export interface KvConfig {
  readonly maxVersions: number;
  readonly casRequired: boolean;
  readonly metadataCasRequired: boolean;
  readonly deleteVersionAfterMs: number;
}

/** A part of a list: what comes after a name, which need not be there, and how many of it; 0 = all. */
export interface Page {
  readonly after: string | null;
  readonly limit: number;
}

export interface Listed {
  readonly name: string;
  /** Null: a folder, or details were not asked for. */
  readonly metadata: SecretMetadata | null;
}

export interface KvOperations {
  readonly read: Op<Place & { version: number | null; moment: Moment | null }, At<SecretValue>>;
  /** As `read`, `data` without what it holds: every leaf is null, and so is what lies deeper than `depth` levels (0: all). */
  readonly subkeys: Op<Place & { version: number | null; depth: number; moment: Moment | null }, At<SecretValue>>;
  /** `data` is the JSON text of one object, exactly as sent. */
  readonly write: Op<Place & { data: string; cas: number | null }, At<VersionMetadata>>;
  /** Merges a JSON object's text with the current version (RFC 7396). */
  readonly patch: Op<Place & { patch: string; cas: number | null }, At<VersionMetadata>>;
  /** Soft-deletes; `versions: null` = the current one. A command that changes nothing answers `position: null`. */
  readonly remove: Op<Place & { versions: readonly number[] | null }, { position: number | null }>;
  readonly undelete: Op<Place & { versions: readonly number[] }, { position: number | null }>;
  readonly destroy: Op<Place & { versions: readonly number[] }, { position: number | null }>;
  readonly readMetadata: Op<Place & { moment: Moment | null }, At<SecretMetadata>>;
  readonly writeMetadata: Op<
    Place & { change: MetadataChange },
    { position: number | null; warnings: readonly string[] }
  >;
  readonly patchMetadata: Op<
    Place & { change: MetadataPatch },
    { position: number | null; warnings: readonly string[] }
  >;
  readonly readConfig: Op<Pick<Place, 'mount'>, KvConfig>;
  readonly writeConfig: Op<
    Pick<Place, 'mount'> & { change: Partial<KvConfig> },
    { position: number | null; warnings: readonly string[] }
  >;
  /** Hides the key and all its versions; history keeps them until they are destroyed. */
  readonly removeMetadata: Op<Place, { position: number | null }>;
  /**
   * Byte-sorted child names, folders end in '/'. `path` '' = the mount's root. `deep`: every secret below, by its path from
   * there; a folder that the caller may neither list nor scan stands for what is in it.
   */
  readonly list: Op<
    Place & { moment: Moment | null; deep: boolean; detailed: boolean; page: Page },
    At<readonly Listed[]>
  >;
}
