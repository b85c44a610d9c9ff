/** What a role makes of claims that were checked: whose token it is, and what is kept of it. Throws `Unfit`. Pure. */
import { claimAt, textsOf } from '../../../jwt/claims.js';
import type { Claims } from '../../../jwt/verify.js';
import type { JwtSettings } from './settings.js';

/** The claims lack what the role needs; the message names claims, and holds nothing that was claimed. */
export class Unfit extends Error {
  override readonly name = 'Unfit';
}

export interface Holder {
  readonly user: string;
  readonly meta: Readonly<Record<string, string>>;
}

const USER_BYTES_MAX = 512;
const META_BYTES_MAX = 1024;

const quoted = (name: string): string => JSON.stringify(name);

export const holderOf = (claims: Claims, role: string, settings: JwtSettings): Holder => {
  const { user_claim, user_claim_json_pointer, groups_claim } = settings;
  const user = user_claim_json_pointer ? claimAt(claims, user_claim) : ownClaim(claims, user_claim);
  if (user === undefined) throw new Unfit(`claim ${quoted(user_claim)} not found in token`);
  if (typeof user !== 'string' || user === '')
    throw new Unfit(`claim ${quoted(user_claim)} could not be converted to string`);
  if (Buffer.byteLength(user) > USER_BYTES_MAX) throw new Unfit(`claim ${quoted(user_claim)} has 512 bytes at most`);
  if (groups_claim !== '') refuseUnlessGroups(claims, groups_claim);
  return { user, meta: { ...mapped(claims, settings), role } };
};

const ownClaim = (claims: Claims, name: string): unknown => (Object.hasOwn(claims, name) ? claims[name] : undefined);

const refuseUnlessGroups = (claims: Claims, name: string): void => {
  const groups = claimAt(claims, name);
  if (groups === undefined) throw new Unfit(`${quoted(name)} claim not found in token`);
  if (!Array.isArray(groups) || textsOf(groups) === null)
    throw new Unfit(`${quoted(name)} claim could not be converted to string list`);
};

/** A claim that the token does not have is left out. */
const mapped = (claims: Claims, { claim_mappings }: JwtSettings): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(claim_mappings).flatMap(([claim, name]) => {
      const value = claimAt(claims, claim);
      if (value === undefined || value === null) return [];
      const texts = Array.isArray(value) ? null : textsOf(value);
      const [text] = texts ?? [];
      if (text === undefined) throw new Unfit(`error converting claim ${quoted(claim)} to string`);
      if (Buffer.byteLength(text) > META_BYTES_MAX) throw new Unfit(`claim ${quoted(claim)} has 1,024 bytes at most`);
      return [[name, text] as const];
    }),
  );
