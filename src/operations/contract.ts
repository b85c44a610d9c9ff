/**
 * What the application can do, as types: the one seam between the dialects (HTTP, and through it the CLI) and the core.
 * Nothing here knows HTTP; nothing in `http/` knows keys, events or SQL.
 */
import type { Capability } from '../authority/permission.js';
import type { CubbyholeOperations } from './cubbyhole/contract.js';
import type { CustodyOperations } from './custody/contract.js';
import type { EpochOperations } from './epochs/contract.js';
import type { ErasureOperations } from './erasure/contract.js';
import type { KvOperations } from './kv/contract.js';
import type { LedgerOperations } from './ledger/contract.js';
import type { AppRoleOperations } from './logins/approle/contract.js';
import type { CertOperations } from './logins/cert/contract.js';
import type { JwtOperations } from './logins/jwt/contract.js';
import type { UserpassOperations } from './logins/userpass/contract.js';
import type { MountDetail, MountOperations, MoveOperations, VisibleOperations } from './mounts/contract.js';
import type { PolicyOperations } from './policies/contract.js';
import type { QuotaOperations } from './quotas/contract.js';
import type { Op } from './request.js';
import type { AuditOperations, CorsOperations, NodeOperations, SysOperations } from './system/contract.js';
import type { KeysOperations } from './terms/contract.js';
import type { AuthOperations, LeaseOperations, TokenOperations } from './tokens/contract.js';
import type { WrappingOperations } from './wrapping/contract.js';

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
