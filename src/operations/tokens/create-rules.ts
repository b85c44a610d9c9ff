/** What a request for a token may not ask for, and what it and its role come to together (vault-wire.md §10.2, §10.6). */
import type { Token } from '../../authority/tokens.js';
import { printShortDuration } from '../../domain/duration.js';
import { refuse } from '../app.js';
import type { TokenRequest, TokenRole } from './contract.js';
import type { Lifetime, Limits } from './ttl.js';
import { TTL_SECONDS_MAX } from './ttl.js';

const invalid = (message: string): never => refuse({ kind: 'invalid', message });

const META_ENTRIES_MAX = 256;
const META_BYTES_MAX = 16_384;
const POLICIES_MAX = 256;
const POLICY_CHARACTERS_MAX = 256;

/** The smaller of two bounds, 0 = none. */
export const smaller = (a: number, b: number): number => (a === 0 ? b : b === 0 ? a : Math.min(a, b));

/** `token-` and the name, with a dash for each character that a name does not have. */
export const displayNameOf = (given: string): string =>
  given === '' ? 'token' : `token-${given.replace(/[^\w.-]/g, '-').slice(0, 128)}`;

export const refuseCaller = (parent: Token): void => {
  if (parent.type === 'batch') invalid('batch tokens cannot create more tokens');
  if (parent.uses > 0) invalid('restricted use token cannot generate child tokens');
};

export const typeOf = ({ type = '' }: TokenRequest, role: TokenRole | null): 'service' | 'batch' => {
  if (type !== '' && type !== 'service' && type !== 'batch') return invalid("invalid 'token_type' value");
  if (role?.tokenType === 'service' || role?.tokenType === 'batch') return role.tokenType;
  return type === '' ? (role?.tokenType === 'default-batch' ? 'batch' : 'service') : type;
};

interface Standing {
  readonly sudo: boolean;
  readonly hasRole: boolean;
  readonly type: 'service' | 'batch';
}

export const refuseRequest = (request: TokenRequest, { sudo, hasRole, type }: Standing): void => {
  if ((request.uses ?? 0) < 0) invalid('number of uses cannot be negative');
  if (type === 'batch') {
    if ((request.uses ?? 0) > 0) invalid('batch tokens cannot have "num_uses" set');
    if ((request.periodSeconds ?? 0) > 0) invalid('batch tokens cannot have "period" set');
    if ((request.explicitMaxTtlSeconds ?? 0) > 0) invalid('batch tokens cannot have "explicit_max_ttl" set');
    if (request.id !== undefined) invalid('batch tokens cannot have "id" set');
  }
  if (request.entityAlias !== undefined && request.entityAlias !== '')
    invalid(
      hasRole
        ? "invalid 'entity_alias' value: token roles here do not act for other entities"
        : "'entity_alias' is only allowed in combination with token role",
    );
  refuseSizes(request);
  if (request.id !== undefined) refuseId(request.id, sudo);
  if (request.noParent === true && !hasRole && !request.orphan && !sudo)
    invalid('root or sudo privileges required to create orphan token');
  if ((request.explicitMaxTtlSeconds ?? 0) < 0) invalid('explicit_max_ttl must be positive');
  if ((request.periodSeconds ?? 0) < 0) invalid('period must be positive');
  if ((request.periodSeconds ?? 0) > 0 && !sudo) invalid('root or sudo privileges required to create periodic token');
  if ((request.ttlSeconds ?? 0) < 0) invalid('ttl must be positive');
  for (const seconds of [request.ttlSeconds, request.periodSeconds, request.explicitMaxTtlSeconds])
    if ((seconds ?? 0) > TTL_SECONDS_MAX) invalid('ttl, period and explicit_max_ttl may be 100 years at most');
};

const refuseId = (id: string, sudo: boolean): void => {
  if (!sudo) invalid('root or sudo privileges required to specify token id');
  for (const prefix of ['s.', 'hvs.'])
    if (id.startsWith(prefix)) invalid(`custom token ID cannot have the '${prefix}' prefix`);
  if (id.includes('.')) invalid("custom token ID cannot have a '.' in the value");
  if (!/^[\x21-\x7e]{1,255}$/.test(id)) invalid('custom token ID must have 1 to 255 printable characters, no blanks');
};

const refuseSizes = ({ policies = [], meta = {}, uses = 0 }: TokenRequest): void => {
  if (policies.length > POLICIES_MAX || policies.some(name => name.length > POLICY_CHARACTERS_MAX))
    invalid('a token has 256 policies at most, each with a name of 256 characters at most');
  const entries = Object.entries(meta);
  const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  if (entries.length > META_ENTRIES_MAX || bytes > META_BYTES_MAX) invalid('meta has 256 entries and 16 KiB at most');
  if (uses > 1_000_000_000) invalid('num_uses may be 1,000,000,000 at most');
};

/** Request and role together: the smaller explicit maximum and period count. */
export const lifetimeOf = (
  request: TokenRequest,
  role: TokenRole | null,
  limits: Limits,
  root: boolean,
): { life: Lifetime; warnings: readonly string[] } => {
  const warnings: string[] = [];
  const periodSeconds = smaller(request.periodSeconds ?? 0, role?.tokenPeriod ?? 0);
  let explicit = smaller(request.explicitMaxTtlSeconds ?? 0, role?.tokenExplicitMaxTtl ?? 0);
  // Of a periodic token the explicit maximum is the only end, which may lie beyond the mount's.
  if (explicit > limits.maxSeconds && periodSeconds === 0) {
    warnings.push(
      `Explicit max TTL of ${shown(explicit)} is greater than system/mount allowed value; value is being capped to ${shown(limits.maxSeconds)}`,
    );
    explicit = limits.maxSeconds;
  }
  const ttl = request.ttlSeconds ?? 0;
  return {
    life: {
      // Root has no ttl of its own, but an explicit maximum binds it too.
      ttlSeconds: root && ttl === 0 ? explicit : ttl,
      periodSeconds,
      maxTtlSeconds: 0,
      explicitMaxTtlSeconds: explicit,
    },
    warnings,
  };
};

const shown = (seconds: number): string => JSON.stringify(printShortDuration(seconds * 1000));
