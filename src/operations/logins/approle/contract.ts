/** What AppRole can do, as types (vault-wire.md §11). Times in seconds. */
import type { Op } from '../../request.js';
import type { LoginResult } from '../../tokens/contract.js';
import type { Changed, Place } from '../records.js';
import type { AppRoleSettings } from './settings.js';

export type { AppRoleSettings };

interface Mount {
  /** The mount's path without its trailing slash. */
  readonly mount: string;
}

/** Absent = keep. */
export type AppRoleChange = Partial<AppRoleSettings>;

export interface NewSecretId extends Place {
  /** Null: made here. */
  readonly secretId: string | null;
  readonly meta: Readonly<Record<string, string>>;
  readonly cidrs: readonly string[];
  readonly tokenCidrs: readonly string[];
  /** Null: the role's. */
  readonly uses: number | null;
  readonly ttlSeconds: number | null;
}

export interface SecretIdMade {
  readonly position: number | null;
  readonly secretId: string;
  readonly accessor: string;
  readonly ttlSeconds: number;
  readonly uses: number;
}

export interface SecretIdDetail {
  readonly accessor: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly cidrs: readonly string[];
  readonly tokenCidrs: readonly string[];
  readonly ttlSeconds: number;
  /** µs; 0 = never */
  readonly expiresAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly usesLeft: number;
}

export type SecretIdNamed = { readonly secretId: string } | { readonly accessor: string };

export interface AppRoleOperations {
  readonly login: Op<Mount & { readonly roleId: string; readonly secretId: string }, LoginResult>;
  readonly readRole: Op<Place, AppRoleSettings>;
  readonly listRoles: Op<Mount, readonly string[]>;
  readonly writeRole: Op<
    Place & { readonly change: AppRoleChange },
    Changed & { readonly warnings: readonly string[] }
  >;
  readonly removeRole: Op<Place, Changed>;
  /** One setting of a role that exists. */
  readonly writeSetting: Op<Place & { readonly change: AppRoleChange }, Changed>;
  /** Back to what a new role has; of a role that does not exist there is nothing to change. */
  readonly resetSetting: Op<Place & { readonly setting: keyof AppRoleSettings }, Changed>;
  readonly createSecretId: Op<NewSecretId, SecretIdMade>;
  /** Accessors. */
  readonly listSecretIds: Op<Place, readonly string[]>;
  /** Null: the role has no such secret id. */
  readonly lookupSecretId: Op<Place & { readonly named: SecretIdNamed }, SecretIdDetail | null>;
  /** `known` false: the role had no such secret id. */
  readonly removeSecretId: Op<Place & { readonly named: SecretIdNamed }, Changed & { readonly known: boolean }>;
  /** Removes what expired, 500 of them at most. */
  readonly tidy: Op<Mount, Changed & { readonly removed: number }>;
}
