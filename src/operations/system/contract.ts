/** What callers can ask of the node, as types: init, unseal and seal, audit devices, CORS. */
import type { Failure } from '../../failure.js';
import type { TaskEither } from '../../fp.js';
import type { Split } from '../../keys/shares.js';
import type { Delivered, Recipients } from '../custody/contract.js';
import type { Op } from '../request.js';

/** The dialects, which know no keys, take it from here. */
export type { Split };

export interface NodeOperations {
  /** The node that answers: nodes share a ledger, not a membership, and each of them serves. */
  readonly members: Op<Record<never, never>, readonly { readonly name: string }[]>;
  /** Nothing leads, so there is nothing to step down from; who may ask is checked all the same. */
  readonly stepDown: Op<Record<never, never>, null>;
}

export interface AuditDevice {
  /** Without a slash at its end. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
}

export interface AuditOperations {
  readonly devices: Op<Record<never, never>, readonly AuditDevice[]>;
  /** Always refused: the one device is there already. */
  readonly enable: Op<{ readonly path: string }, never>;
  /** Nothing to do for a device that is not there; the ledger cannot be disabled. */
  readonly disable: Op<{ readonly path: string }, null>;
  /** A token as `token.created` names it: lower-case hex. */
  readonly hash: Op<{ readonly path: string; readonly input: string }, { readonly hash: string }>;
}

export interface Cors {
  /** As browsers send them, or `*` alone. */
  readonly origins: readonly string[];
  /** Beside those that the dialect knows. */
  readonly headers: readonly string[];
}

export interface CorsOperations {
  /** Asked of each request that names an origin; null = off, and while sealed. */
  readonly current: () => Cors | null;
  readonly read: Op<Record<never, never>, Cors | null>;
  /** Null: off. */
  readonly write: Op<Cors | null, { readonly position: number | null }>;
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
  /**
   * `key` = a share of 33 bytes, or the 32 bytes of a share of one or a key file. `acceptRollback`: go on although the database
   * is behind what this node saw; that is then the first event. `reset` forgets the shares that were given so far.
   */
  readonly unseal: Op<
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
