/**
 * The signature of a JWT: by a public key that is known for its issuer, under an algorithm that is allowed. What it claims
 * is judged elsewhere, and only then believed.
 */

import type { KeyObject } from 'node:crypto';
import { type CompactVerifyGetKey, compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';

export type Claims = Readonly<Record<string, unknown>>;

/** `no-key`: no known key fits what the token says of its key; others may be published by now. */
export type Verified = { readonly claims: Claims; readonly signedText: string } | 'malformed' | 'no-key' | 'signature';

const JWT_CHARACTERS_MAX = 32 * 1024;

/** Three parts of base64url: no other spelling of the same token is taken. */
const COMPACT = /^([\w-]+\.[\w-]+)\.[\w-]+$/;

/** The last character may hold bits that stand for nothing: they are zero here. */
const isCanonical = (part: string): boolean => Buffer.from(part, 'base64url').toString('base64url') === part;

const signedTextOf = (jwt: string): string | null => {
  const signed = jwt.length > JWT_CHARACTERS_MAX ? undefined : COMPACT.exec(jwt)?.[1];
  return signed !== undefined && jwt.split('.').every(isCanonical) ? signed : null;
};

type Key = Parameters<typeof compactVerify>[1] | CompactVerifyGetKey;

const attempt = async (jwt: string, key: Key, algorithms: readonly string[]): Promise<Verified> => {
  const signedText = signedTextOf(jwt);
  if (signedText === null) return 'malformed';
  const options = { algorithms: [...algorithms] };
  // `compactVerify` takes a key or a function that finds one, each by a signature of its own.
  const { payload, protectedHeader } =
    typeof key === 'function' ? await compactVerify(jwt, key, options) : await compactVerify(jwt, key, options);
  if (protectedHeader.crit !== undefined) return 'malformed';
  return { claims: claimsOf(payload), signedText };
};

const claimsOf = (payload: Uint8Array): Claims => {
  const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) throw new SyntaxError('not an object');
  return { ...claims };
};

const reasonOf = (error: unknown): Verified =>
  error instanceof errors.JWKSNoMatchingKey
    ? 'no-key'
    : error instanceof errors.JWSInvalid || error instanceof SyntaxError
      ? 'malformed'
      : 'signature';

/** By any of the keys that were written down. */
export const verifyByKeys = async (
  jwt: string,
  keys: readonly KeyObject[],
  algorithms: readonly string[],
): Promise<Verified> => {
  let answer: Verified = 'signature';
  for (const key of keys) {
    const found = await attempt(jwt, key, algorithms).catch(reasonOf);
    if (typeof found === 'object' || found === 'malformed') return found;
    answer = found;
  }
  return answer;
};

/** By a published key set: the one that the token names, or, where it names none, any that fits. */
export const verifyByKeySet = async (
  jwt: string,
  keySet: JSONWebKeySet,
  algorithms: readonly string[],
): Promise<Verified> => {
  try {
    return await attempt(jwt, createLocalJWKSet(keySet), algorithms);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return reasonOf(error);
    for await (const key of error) {
      const found = await attempt(jwt, key, algorithms).catch(reasonOf);
      if (typeof found === 'object') return found;
    }
    return 'signature';
  }
};
