/**
 * What the application can do, as types: the one seam between the dialects (HTTP, and through it the CLI) and the core.
 * Nothing here knows HTTP; nothing in `http/` knows keys, events or SQL.
 */
import type { Asking, Capability } from '../authority/permission.js';
import type { Failure, VersionMetadata } from '../failure.js';
import type { TaskEither } from '../fp.js';
import type { Split } from '../keys/shares.js';
import type { CubbyholeOperations } from './cubbyhole/contract.js';
import type { CustodyOperations, Delivered, Recipients } from './custody/contract.js';
import type { EpochOperations } from './epochs/contract.js';
import type { ErasureOperations } from './erasure/contract.js';
import type { AppRoleOperations } from './logins/approle/contract.js';
import type { CertOperations } from './logins/cert/contract.js';
import type { JwtOperations } from './logins/jwt/contract.js';
import type { UserpassOperations } from './logins/userpass/contract.js';
import type { MountDetail, MountOperations, MoveOperations, VisibleOperations } from './mounts/contract.js';
import type { Once } from './once.js';
import type { QuotaOperations } from './quotas/contract.js';
import type { AuditOperations, CorsOperations, NodeOperations } from './system/contract.js';
import type { KeysOperations } from './terms/contract.js';
import type { LeaseOperations, TokenOperations } from './tokens/contract.js';
import type { WrappingOperations } from './wrapping/contract.js';

export type { Split };

/** Who asks, from where, and how long they wait. Made once for each request. */
export interface RequestContext {
  readonly token: string | null;
  readonly requestId: string;
  /** This one request, and no other: what may happen once for it is remembered in it. Copies of the context share it. */
  readonly once: Once;
  readonly trace: string | null;
  /** HTTP method (POST and PUT are the same operation; LIST is 'LIST') and the full path without `/v1/`. */
  readonly method: string;
  readonly path: string;
  readonly from: {
    readonly address: string;
    readonly port: number;
    readonly forwarded: string | null;
    readonly agent: string | null;
    readonly tls: boolean;
    readonly loopback: boolean;
  };
  readonly reason: string | null;
  readonly ticket: string | null;
  readonly idempotencyKey: string | null;
  /** What policies may look at beside capability and path. */
  readonly asking: Asking;
  /** ms since 1970: work that has not been committed by then is given up. */
  readonly deadlineMs: number;
  /** True once the client went away: a queued command is then dropped, an appended one never. */
  readonly gone: () => boolean;
  /** DER, leaf first, none where the client showed none; null: the connection is not TLS. */
  readonly clientCertificates: () => readonly Buffer[] | null;
}

/** A moment of the ledger: `null` in a query means now. `at` is µs since 1970. */
export type Moment = { readonly position: number } | { readonly at: number };

export type Op<I, O> = (context: RequestContext, input: I) => TaskEither<Failure, O>;

/** A secret's place: the mount's path without slashes at its ends (`secret`), and the path inside it (`team/db`). */
export interface Place {
  readonly mount: string;
  readonly path: string;
}

/** `position` = the ledger position this answer speaks of (a read) or that the change was recorded at (a write). */
export interface At<T> {
  readonly position: number;
  readonly value: T;
}

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

export interface TokenInfo {
  readonly id: string;
  readonly accessor: string;
  readonly path: string;
  readonly displayName: string;
  readonly entityId: string;
  readonly type: 'service' | 'batch';
  readonly policies: readonly string[];
  /** Those of who logged in; none for tokens that tokens made. */
  readonly identityPolicies: readonly string[];
  readonly meta: Readonly<Record<string, string>> | null;
  /** µs; 0 = never expires */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** µs; 0 = never renewed */
  readonly renewedAt: number;
  /** Seconds, 0 = none. */
  readonly creationTtlSeconds: number;
  readonly periodSeconds: number;
  readonly explicitMaxTtlSeconds: number;
  /** 0 = any number. */
  readonly usesLeft: number;
  readonly renewable: boolean;
  readonly boundCidrs: readonly string[];
  readonly role: string | null;
  readonly orphan: boolean;
  readonly root: boolean;
}

export interface LoginResult {
  /** Null: a batch token, of which nothing is appended. */
  readonly position: number | null;
  readonly token: string;
  readonly info: TokenInfo;
  readonly warnings: readonly string[];
}

export interface AuthOperations {
  readonly lookupSelf: Op<Record<never, never>, TokenInfo>;
  readonly login: Op<{ name: string; password: string }, LoginResult>;
}

export interface SealStatus {
  readonly initialised: boolean;
  readonly sealed: boolean;
  readonly threshold: number;
  readonly shares: number;
  /** Shares given so far, and the attempt's id (empty while none runs). */
  readonly progress: number;
  readonly nonce: string;
  readonly version: string;
  readonly ledgerId: string | null;
  /** Why the server cannot serve although it was asked to, in operator's words; null when all is well. */
  readonly degraded: readonly string[];
}

export interface InitInput {
  readonly adminName: string | null;
  readonly adminPassword: string | null;
  readonly initCode: string | null;
  readonly shares: Split | null;
  readonly recipients: Recipients;
  /** The root token is then base64 of a PGP message. */
  readonly rootTokenPgpKey: string | null;
}

export interface SysOperations {
  readonly status: () => TaskEither<Failure, SealStatus>;
  /** Needs the one-time code from the console unless the caller is on loopback. Leaves the server sealed. */
  readonly init: Op<InitInput, { keys: readonly Delivered[]; rootToken: string }>;
  /** `key` = a share of 33 bytes, or the 32 bytes of a share of one or a key file. */
  /** `acceptRollback`: go on although the database is behind what this node saw; that is then the first event. */
  readonly unseal: Op<
    /** `reset` forgets the shares that were given so far. */
    (({ key: Buffer } | { name: string; password: string }) & { acceptRollback: boolean }) | { reset: true },
    SealStatus
  >;
  readonly seal: Op<Record<never, never>, null>;
  /** Re-wraps the root key under the new password; the old slot row is gone in the same transaction. */
  readonly changePassword: Op<{ name: string; oldPassword: string; newPassword: string }, { position: number }>;
  /** A further administrator, who may do what the policies say. */
  readonly addSlot: Op<{ name: string; password: string; policies: readonly string[] }, { position: number }>;
  /** What an administrator's next logins may do. */
  readonly setAdministratorPolicies: Op<
    { name: string; policies: readonly string[] },
    { readonly position: number | null }
  >;
  readonly removeSlot: Op<{ name: string }, { position: number }>;
}

/** One line of the audit trail: headers opened, values never. Fields as in the event catalogue §5. */
export interface AuditRecord {
  readonly position: number;
  /** 0 for events; the line inside a block of recorded requests otherwise. */
  readonly index: number;
  readonly event_id: string;
  readonly type: string;
  readonly class: string;
  readonly stream_version: number;
  /** RFC 3339 UTC */
  readonly recorded_at: string;
  readonly outcome: 'ok' | 'denied' | 'failed' | 'error';
  readonly path: string | null;
  readonly actor: { readonly id: string; readonly kind: string; readonly name: string | null } | null;
  readonly [field: string]: unknown;
}

export interface EventsQuery {
  /** Only records with position > after (or, inside a block, a later index). */
  readonly after: { position: number; index: number };
  readonly limit: number;
  readonly pathPrefix: string | null;
  /** An entity's id or its name. */
  readonly actor: string | null;
  readonly type: string | null;
  readonly outcome: 'ok' | 'denied' | 'failed' | 'error' | null;
  readonly from: Moment | null;
  readonly to: Moment | null;
}

export interface EventsPage {
  readonly events: readonly AuditRecord[];
  /** Opaque: pass it back as `after`; null = the end of the ledger for now. */
  readonly next: { position: number; index: number } | null;
}

export interface LedgerHead {
  readonly position: number;
  /** lower-case hex */
  readonly root: string;
  /** RFC 3339 UTC */
  readonly recorded_at: string;
  readonly ledger_id: string;
  readonly authority_count: number;
  readonly epoch: number;
}

export type RestoreChange =
  | 'create'
  | 'update'
  | 'delete'
  | 'undelete'
  | 'remove'
  | 'metadata'
  | 'unchanged'
  | 'unrecoverable';

export interface RestorePlan {
  /** A sealed description of the plan: any node can apply it. */
  readonly plan_id: string;
  /** The moment that would be restored, as a position. */
  readonly position: number;
  readonly made_at: number;
  readonly expires_at: string;
  readonly counts: Readonly<Record<RestoreChange, number>>;
  readonly changes: readonly {
    readonly path: string;
    readonly change: RestoreChange;
    readonly detail: string | null;
  }[];
  /** How many atomic steps the plan takes (more than one only beyond 10,000 events or 64 MiB). */
  readonly steps: number;
}

/** Somebody who can act: a live token, or a login that would give one. */
export interface Holder {
  readonly actor: { readonly id: string | null; readonly kind: string; readonly name: string | null };
  readonly holds: 'token' | 'login';
  readonly accessor: string | null;
  readonly display_name: string;
  readonly policies: readonly string[];
}

export interface Access extends Holder {
  readonly capabilities: readonly string[];
}

/** With the rule that decided; `why` says what was missing. */
export interface Ruling extends Holder {
  readonly allowed: boolean;
  readonly why: string | null;
  readonly rule: { readonly policy: string; readonly path: string; readonly capability: string } | null;
}

export interface LedgerOperations {
  /** `actor`: an entity's name or id, a token's accessor, or a login's name. Allowed if any of its holders is. */
  readonly can: Op<
    { actor: string; capability: Capability; path: string; moment: Moment | null },
    {
      readonly position: number;
      readonly at: string;
      readonly capability: string;
      readonly path: string;
      readonly allowed: boolean;
      readonly holders: readonly Ruling[];
    }
  >;
  readonly access: Op<
    { path: string; moment: Moment | null },
    { readonly position: number; readonly at: string; readonly path: string; readonly holders: readonly Access[] }
  >;
  readonly head: Op<Record<never, never>, LedgerHead>;
  readonly events: Op<EventsQuery, EventsPage>;
  /** A path that ends in '/' is a folder; '/' or '' is the whole mount. */
  readonly planRestore: Op<Place & { moment: Moment }, RestorePlan>;
  readonly applyRestore: Op<{ planId: string }, { position: number; counts: Readonly<Record<string, number>> }>;
}

export interface ProjectionStatus {
  readonly name: string;
  readonly version: number;
  readonly position: number;
  readonly head: number;
  readonly lag: number;
  /** running, stopped (failed on an event), rebuilding, absent */
  readonly state: string;
  /** The position it stopped on and the reason in operator's words. */
  readonly stoppedAt: number | null;
  readonly reason: string | null;
}

export interface ProjectionOperations {
  readonly status: Op<Record<never, never>, readonly ProjectionStatus[]>;
  readonly rebuild: Op<{ name: string }, { name: string; events: number; seconds: number }>;
  readonly verify: Op<
    { name: string | null },
    readonly { name: string; rows: number; differences: number; position: number }[]
  >;
}

export type TokenNamed =
  | { readonly kind: 'self' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'accessor'; readonly accessor: string };

export interface PolicyOperations {
  /** Sorted names, the built-in ones among them. */
  readonly list: Op<Record<never, never>, readonly string[]>;
  readonly read: Op<{ name: string }, { name: string; text: string }>;
  /** HCL or JSON; stored as it was sent. `position: null` = nothing had to change. */
  readonly write: Op<{ name: string; text: string }, { position: number | null }>;
  readonly remove: Op<{ name: string }, { position: number | null }>;
  /** Sorted words for each path, in the order asked: `deny` alone where nothing is allowed, `root` alone for root. */
  readonly capabilities: Op<
    { of: TokenNamed; paths: readonly string[] },
    readonly { path: string; capabilities: readonly string[] }[]
  >;
}

export interface Operations {
  readonly kv: KvOperations;
  readonly cubbyhole: CubbyholeOperations;
  readonly wrapping: WrappingOperations;
  readonly policies: PolicyOperations;
  readonly auth: AuthOperations;
  readonly tokens: TokenOperations;
  readonly cert: CertOperations;
  readonly jwt: JwtOperations;
  readonly leases: LeaseOperations;
  readonly approle: AppRoleOperations;
  readonly userpass: UserpassOperations;
  readonly sys: SysOperations;
  readonly keys: KeysOperations;
  readonly epochs: EpochOperations;
  readonly custody: CustodyOperations;
  readonly ledger: LedgerOperations;
  readonly erasure: ErasureOperations;
  readonly projections: ProjectionOperations;
  /** No root key in memory, be it that there is no ledger yet. */
  readonly sealed: () => boolean;
  /** The mounts that exist; empty while sealed. Longest prefix wins. */
  readonly mounts: () => readonly MountDetail[];
  /** The same after looking what other nodes did. */
  readonly mountsNow: () => Promise<readonly MountDetail[]>;
  readonly mount: MountOperations & MoveOperations;
  readonly visible: VisibleOperations;
  readonly node: NodeOperations;
  readonly audit: AuditOperations;
  readonly cors: CorsOperations;
  readonly quotas: QuotaOperations;
  /** Does the caller have a token that lives? What it may do is not asked. */
  readonly known: Op<Record<never, never>, null>;
  /** May the caller do this on the request's path? For paths that nothing serves: a denial comes before "not there". */
  readonly permitted: Op<{ readonly capability: Capability | 'write' }, null>;
  /** Prometheus text. Needs a token with root or auditor permission unless the server is told otherwise. */
  readonly metrics: Op<Record<never, never>, string>;
}
