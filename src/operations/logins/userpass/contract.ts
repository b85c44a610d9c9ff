/** What userpass can do, as types (vault-wire.md §12.1). */
import type { Op } from '../../request.js';
import type { LoginResult } from '../../tokens/contract.js';
import type { Changed, Place } from '../records.js';
import type { TokenSettings, TokenSettingsChange } from '../token-settings.js';

export interface UserpassOperations {
  readonly login: Op<Place & { readonly password: string }, LoginResult>;
  readonly read: Op<Place, TokenSettings>;
  readonly list: Op<{ readonly mount: string }, readonly string[]>;
  /** `password` null: as it is; a new user must have one. */
  readonly write: Op<
    Place & { readonly password: string | null; readonly change: TokenSettingsChange },
    Changed & { readonly warnings: readonly string[] }
  >;
  /** Of a user that exists. */
  readonly setPassword: Op<Place & { readonly password: string }, Changed>;
  readonly setPolicies: Op<Place & { readonly change: TokenSettingsChange }, Changed>;
  readonly remove: Op<Place, Changed>;
}
