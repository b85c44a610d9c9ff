/** What a JWT must claim to log in with a role: times, issuer, audience, subject, and the claims that are bound. Pure. */
import { globMatches } from '../domain/glob.js';
import type { Claims } from './verify.js';

export type Scalar = string | number | boolean;

export interface Expected {
  /** Null: any. */
  readonly issuer: string | null;
  readonly audiences: readonly string[];
  readonly subject: string;
  readonly bound: Readonly<Record<string, Scalar | readonly Scalar[]>>;
  readonly boundType: 'string' | 'glob';
  /** Seconds; 0 = as is usual, negative = none. */
  readonly expirationLeeway: number;
  readonly notBeforeLeeway: number;
  readonly clockSkewLeeway: number;
}

const LEEWAY_SECONDS = 150;
const SKEW_SECONDS = 60;

const leeway = (given: number, usual: number): number => (given < 0 ? 0 : given === 0 ? usual : given);

/** `name`, or a JSON pointer when it begins with a slash (RFC 6901). Own members only. */
export const claimAt = (claims: Claims, name: string): unknown => {
  if (!name.startsWith('/')) return Object.hasOwn(claims, name) ? claims[name] : undefined;
  let found: unknown = claims;
  for (const part of name.slice(1).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = new Map<string, unknown>(Object.entries(found)).get(key);
  }
  return found;
};

const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

/** The texts of a claim that is one value or a list of them; null: it is neither. */
export const textsOf = (value: unknown): readonly string[] | null => {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  return all.every(isScalar) ? all.map(String) : null;
};

/** Null: all is as expected; else what is wrong, in words that hold nothing that was claimed. */
export const complaintAbout = (claims: Claims, expected: Expected, nowSeconds: number): string | null =>
  timeComplaint(claims, expected, nowSeconds) ??
  (expected.issuer !== null && claims.iss !== expected.issuer ? 'invalid issuer (iss) claim' : null) ??
  audienceComplaint(claims, expected) ??
  (expected.subject !== '' && claims.sub !== expected.subject ? 'invalid subject (sub) claim' : null) ??
  boundComplaint(claims, expected);

const timeComplaint = (claims: Claims, expected: Expected, now: number): string | null => {
  const { exp = 0, nbf = 0, iat = 0 } = claims;
  if (!isTime(exp) || !isTime(nbf) || !isTime(iat)) return 'exp, nbf and iat must be numbers of seconds';
  if (exp === 0 && nbf === 0 && iat === 0)
    return 'no issued at (iat), not before (nbf), or expiration time (exp) claims in token';
  const expires = exp === 0 ? Math.max(iat, nbf) + leeway(expected.expirationLeeway, LEEWAY_SECONDS) : exp;
  const begins = nbf !== 0 ? nbf : iat !== 0 ? iat : expires - leeway(expected.notBeforeLeeway, LEEWAY_SECONDS);
  const skew = leeway(expected.clockSkewLeeway, SKEW_SECONDS);
  if (now >= expires + skew) return 'invalid expiration time (exp) claim: token is expired';
  if (now < begins - skew) return 'invalid not before (nbf) claim: token not yet valid';
  return iat > now + skew ? 'invalid issued at (iat) claim: token issued in the future' : null;
};

/** A token that was made for somebody must have been made for us. */
const audienceComplaint = (claims: Claims, { audiences }: Expected): string | null => {
  const made = claims.aud === undefined ? [] : textsOf(claims.aud);
  if (made === null) return 'invalid audience (aud) claim';
  if (audiences.length === 0)
    return made.length > 0 ? 'audience claim found in JWT but no audiences bound to the role' : null;
  return made.some(audience => audiences.includes(audience))
    ? null
    : 'invalid audience (aud) claim: audience claim does not match any bound audience';
};

const boundComplaint = (claims: Claims, { bound, boundType }: Expected): string | null => {
  const fits = (wanted: string, said: string): boolean =>
    boundType === 'glob' ? globMatches(wanted, said) : wanted === said;
  for (const [name, value] of Object.entries(bound)) {
    const claimed = claimAt(claims, name);
    if (claimed === undefined || claimed === null) return `claim ${JSON.stringify(name)} is missing`;
    const [wanted, said] = [textsOf(value) ?? [], textsOf(claimed) ?? []];
    if (!said.some(text => wanted.some(each => fits(each, text))))
      return `claim ${JSON.stringify(name)} does not match any associated bound claim values`;
  }
  return null;
};
