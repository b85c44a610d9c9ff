/** Logins by client certificate, as types (vault-wire.md §12.2). */
import type { Op } from '../../request.js';
import type { LoginResult } from '../../tokens/contract.js';
import type { Changed, Place } from '../records.js';
import type { CertSettings } from './settings.js';

export type { CertSettings };

/** Absent = keep. */
export type CertChange = Partial<CertSettings>;

export interface CertConfig {
  /** A renewal does not ask for the certificate again. */
  readonly disable_binding: boolean;
}

/** Names of an older dialect, and what each sets. */
export const CERT_OLDER = {
  ...({ policies: 'token_policies', lease: 'token_ttl', ttl: 'token_ttl', max_ttl: 'token_max_ttl' } as const),
  ...({ period: 'token_period', bound_cidrs: 'token_bound_cidrs' } as const),
};

interface AtMount {
  /** The mount's path without its trailing slash. */
  readonly mount: string;
}

export interface CertOperations {
  /** `role: null` = the first by name that fits. The certificate is the connection's. */
  readonly login: Op<AtMount & { readonly role: string | null }, LoginResult>;
  readonly readRole: Op<Place, CertSettings>;
  readonly listRoles: Op<AtMount, readonly string[]>;
  readonly writeRole: Op<Place & { readonly change: CertChange }, Changed & { readonly warnings: readonly string[] }>;
  readonly removeRole: Op<Place, Changed>;
  readonly readConfig: Op<AtMount, CertConfig>;
  readonly writeConfig: Op<AtMount & { readonly change: Partial<CertConfig> }, Changed>;
  /** Serial numbers, hex. */
  readonly readCrl: Op<Place, readonly string[]>;
  readonly listCrls: Op<AtMount, readonly string[]>;
  readonly writeCrl: Op<Place & { readonly crl: string }, Changed>;
  readonly removeCrl: Op<Place, Changed>;
}
