/** What a jwt role says: which claims a token must have, whose it is, and the tokens it gives. Checked when it is written. */
import * as t from 'io-ts';
import type { Role } from '../../../authority/logins.js';
import type { Expected } from '../../../jwt/claims.js';
import { IntegrityError } from '../../../ledger/integrity.js';
import { NEW_TOKEN_SETTINGS, TokenSettings } from '../token-settings.js';

const strings = t.readonlyArray(t.string);
const scalar = t.union([t.string, t.number, t.boolean]);

const BoundClaims = t.readonly(t.record(t.string, t.union([scalar, t.readonlyArray(scalar)])));

export const JwtSettings = t.intersection([
  TokenSettings,
  t.type({
    role_type: t.string,
    user_claim: t.string,
    user_claim_json_pointer: t.boolean,
    bound_audiences: strings,
    bound_subject: t.string,
    bound_claims: BoundClaims,
    bound_claims_type: t.string,
    /** Claim → name in the token's metadata. */
    claim_mappings: t.readonly(t.record(t.string, t.string)),
    groups_claim: t.string,
    expiration_leeway: t.number,
    not_before_leeway: t.number,
    clock_skew_leeway: t.number,
    /** Ours: one JWT logs in once. */
    single_use: t.boolean,
  }),
]);
export type JwtSettings = t.TypeOf<typeof JwtSettings>;

export const NEW_JWT_SETTINGS: JwtSettings = {
  ...NEW_TOKEN_SETTINGS,
  ...{ role_type: 'jwt', user_claim: '', user_claim_json_pointer: false, bound_audiences: [], bound_subject: '' },
  ...{ bound_claims: {}, bound_claims_type: 'string', claim_mappings: {}, groups_claim: '' },
  ...{ expiration_leeway: 0, not_before_leeway: 0, clock_skew_leeway: 0, single_use: false },
};

export const jwtSettings = (role: Role): JwtSettings => {
  if (!JwtSettings.is(role.settings)) throw new IntegrityError('settings of a jwt role');
  return role.settings;
};

/** `issuer`: of the mount; null: any. */
export const expectedBy = (settings: JwtSettings, issuer: string | null): Expected => ({
  issuer,
  audiences: settings.bound_audiences,
  subject: settings.bound_subject,
  bound: settings.bound_claims,
  boundType: settings.bound_claims_type === 'glob' ? 'glob' : 'string',
  expirationLeeway: settings.expiration_leeway,
  notBeforeLeeway: settings.not_before_leeway,
  clockSkewLeeway: settings.clock_skew_leeway,
});

const SETTINGS_CHARACTERS_MAX = 64 * 1024;
const MAPPINGS_MAX = 64;
const LEEWAY_SECONDS_MAX = 86_400;

/** Null: tokens can be held against it. */
export const jwtComplaint = (settings: JwtSettings): string | null => {
  if (settings.role_type !== 'jwt')
    return "role_type must be 'jwt': logging in with a browser (oidc) is not offered here";
  if (JSON.stringify(settings).length > SETTINGS_CHARACTERS_MAX) return 'a jwt role has 64 KiB at most';
  if (settings.user_claim === '') return 'a user claim must be defined on the role';
  if (!['string', 'glob'].includes(settings.bound_claims_type)) return "invalid 'bound_claims_type': string or glob";
  if (!isBound(settings))
    return 'must have at least one bound constraint when creating/updating a role: bound_audiences, bound_subject, bound_claims or token_bound_cidrs';
  for (const name of ['expiration_leeway', 'not_before_leeway', 'clock_skew_leeway'] as const)
    if (settings[name] > LEEWAY_SECONDS_MAX) return `${name} may be a day at most`;
  if (settings.single_use && settings.token_type === 'batch')
    return 'single_use needs tokens that the ledger knows: token_type cannot be batch';
  return mappingComplaint(settings);
};

/** Without any of them, whoever has a token of this issuer would get in. */
const isBound = (settings: JwtSettings): boolean =>
  settings.bound_audiences.length > 0 ||
  settings.bound_subject !== '' ||
  Object.keys(settings.bound_claims).length > 0 ||
  settings.token_bound_cidrs.length > 0;

const mappingComplaint = ({ claim_mappings }: JwtSettings): string | null => {
  const names = Object.values(claim_mappings);
  if (names.length > MAPPINGS_MAX) return 'claim_mappings has 64 entries at most';
  if (names.includes('role')) return "metadata key 'role' is reserved and may not be a mapping destination";
  return new Set(names).size === names.length ? null : 'multiple keys are mapped to one metadata key';
};
