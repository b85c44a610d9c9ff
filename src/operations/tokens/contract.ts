/** What the token store can do, as types: the part of the seam (`../contract.ts`) that vault-wire.md §10 and §14 describe. */
import type { Op } from '../request.js';

type Nothing = Record<never, never>;
/** Null: there was nothing to change, and nothing was appended. */
type Position = { readonly position: number | null };

/** Absent = not sent. Times in seconds. */
export interface TokenRequest {
  readonly role: string | null;
  /** `create-orphan`: the route says it, no privilege is asked. */
  readonly orphan: boolean;
  readonly policies?: readonly string[];
  readonly noDefaultPolicy?: boolean;
  readonly ttlSeconds?: number;
  readonly explicitMaxTtlSeconds?: number;
  readonly periodSeconds?: number;
  readonly renewable?: boolean;
  readonly uses?: number;
  readonly meta?: Readonly<Record<string, string>>;
  readonly displayName?: string;
  readonly noParent?: boolean;
  readonly id?: string;
  readonly type?: string;
  readonly entityAlias?: string;
}

/** A token role as it is read back. Times in seconds. */
export interface TokenRole {
  readonly allowedPolicies: readonly string[];
  readonly disallowedPolicies: readonly string[];
  readonly allowedPoliciesGlob: readonly string[];
  readonly disallowedPoliciesGlob: readonly string[];
  readonly orphan: boolean;
  readonly renewable: boolean;
  readonly pathSuffix: string;
  readonly allowedEntityAliases: readonly string[] | null;
  /** Under its old name; the new one says the same. */
  readonly period: number;
  readonly tokenPeriod: number;
  readonly explicitMaxTtl: number;
  readonly tokenExplicitMaxTtl: number;
  readonly tokenType: string;
  readonly tokenNoDefaultPolicy: boolean;
  readonly tokenBoundCidrs: readonly string[];
  readonly tokenNumUses: number;
}

export interface Lease {
  readonly id: string;
  /** µs; 0 = never renewed */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly renewedAt: number;
  readonly renewable: boolean;
}

export interface TokenOperations {
  readonly create: Op<TokenRequest, LoginResult>;
  /** `token: null` = the caller's own. */
  readonly lookup: Op<{ readonly token: string | null }, TokenInfo>;
  readonly lookupAccessor: Op<{ readonly accessor: string }, TokenInfo>;
  readonly accessors: Op<Nothing, readonly string[]>;
  readonly renewSelf: Op<{ readonly incrementSeconds: number }, LoginResult>;
  readonly renew: Op<{ readonly token: string; readonly incrementSeconds: number }, LoginResult>;
  readonly renewAccessor: Op<{ readonly accessor: string; readonly incrementSeconds: number }, LoginResult>;
  readonly revokeSelf: Op<Nothing, Position>;
  readonly revoke: Op<{ readonly token: string }, Position>;
  readonly revokeOrphan: Op<{ readonly token: string }, Position>;
  readonly revokeAccessor: Op<{ readonly accessor: string }, Position>;
  readonly readRole: Op<{ readonly name: string }, TokenRole>;
  readonly writeRole: Op<{ readonly name: string; readonly change: Partial<TokenRole> }, Position>;
  readonly removeRole: Op<{ readonly name: string }, Position>;
  readonly listRoles: Op<Nothing, readonly string[]>;
}

export interface LeaseOperations {
  readonly lookup: Op<{ readonly id: string }, Lease>;
  /** Always refuses: every lease here is a token's, and those are renewed through the token store. */
  readonly renew: Op<{ readonly id: string }, never>;
  readonly revoke: Op<{ readonly id: string }, Position>;
  readonly revokePrefix: Op<{ readonly prefix: string }, Position & { readonly revoked: number }>;
  /** Sorted; folders end in '/'. */
  readonly list: Op<{ readonly prefix: string }, readonly string[]>;
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

export type TokenNamed =
  | { readonly kind: 'self' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'accessor'; readonly accessor: string };
