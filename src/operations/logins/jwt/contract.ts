/** Logins by JWT, as types (vault-wire.md §12.3). */
import type { Op } from '../../request.js';
import type { LoginResult } from '../../tokens/contract.js';
import type { Changed, Place } from '../records.js';
import type { JwtConfig } from './config.js';
import type { JwtSettings } from './settings.js';

export type { JwtConfig, JwtSettings };

/** Absent = keep. */
export type JwtChange = Partial<JwtSettings>;

/** Names of an older dialect, and what each sets. */
export const JWT_OLDER = {
  ...({ policies: 'token_policies', ttl: 'token_ttl', max_ttl: 'token_max_ttl', period: 'token_period' } as const),
  ...({ num_uses: 'token_num_uses', bound_cidrs: 'token_bound_cidrs' } as const),
};

interface AtMount {
  /** The mount's path without its trailing slash. */
  readonly mount: string;
}

export interface JwtOperations {
  /** '' = not given. */
  readonly login: Op<AtMount & { readonly role: string; readonly jwt: string }, LoginResult>;
  readonly readRole: Op<Place, JwtSettings>;
  readonly listRoles: Op<AtMount, readonly string[]>;
  readonly writeRole: Op<Place & { readonly change: JwtChange }, Changed & { readonly warnings: readonly string[] }>;
  readonly removeRole: Op<Place, Changed>;
  readonly readConfig: Op<AtMount, JwtConfig>;
  /** As a whole: what is not said is unset. The keys are asked for once before it is believed. */
  readonly writeConfig: Op<AtMount & { readonly config: JwtConfig }, Changed>;
}
