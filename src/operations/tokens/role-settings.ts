/** The settings of a token role (vault-wire.md §10.6): how they lie in the header of `role.written`, and what is refused. */
import * as t from 'io-ts';
import type { Role } from '../../authority/logins.js';
import { IntegrityError } from '../../ledger/integrity.js';
import { refuse } from '../app.js';
import { isCidr } from './cidrs.js';
import type { TokenRole } from './contract.js';
import { TTL_SECONDS_MAX } from './ttl.js';

const strings = t.array(t.string);

const Settings = t.type({
  allowedPolicies: strings,
  disallowedPolicies: strings,
  allowedPoliciesGlob: strings,
  disallowedPoliciesGlob: strings,
  orphan: t.boolean,
  renewable: t.boolean,
  pathSuffix: t.string,
  allowedEntityAliases: t.union([strings, t.null]),
  period: t.number,
  tokenPeriod: t.number,
  explicitMaxTtl: t.number,
  tokenExplicitMaxTtl: t.number,
  tokenType: t.string,
  tokenNoDefaultPolicy: t.boolean,
  tokenBoundCidrs: strings,
  tokenNumUses: t.number,
});

export const roleSettings = (role: Role): TokenRole => {
  const decoded = Settings.decode(role.settings);
  if (decoded._tag === 'Left') throw new IntegrityError('role.written (settings)');
  return decoded.right;
};

export const NEW_ROLE: TokenRole = {
  ...{ allowedPolicies: [], disallowedPolicies: [], allowedPoliciesGlob: [], disallowedPoliciesGlob: [] },
  ...{ orphan: false, renewable: true, pathSuffix: '', allowedEntityAliases: null },
  ...{ period: 0, tokenPeriod: 0, explicitMaxTtl: 0, tokenExplicitMaxTtl: 0 },
  ...{ tokenType: 'default-service', tokenNoDefaultPolicy: false, tokenBoundCidrs: [], tokenNumUses: 0 },
};

const TYPES = ['service', 'batch', 'default-service', 'default-batch'];

/** The role after the change; refuses settings that no token could follow. The old names set the new ones too. */
export const changedRole = (before: TokenRole, change: Partial<TokenRole>): TokenRole => {
  const { period, tokenPeriod, explicitMaxTtl, tokenExplicitMaxTtl } = change;
  const after: TokenRole = {
    ...before,
    ...change,
    ...(tokenPeriod !== undefined
      ? { tokenPeriod, period: 0 }
      : period !== undefined
        ? { tokenPeriod: period, period }
        : {}),
    ...(tokenExplicitMaxTtl !== undefined
      ? { tokenExplicitMaxTtl, explicitMaxTtl: 0 }
      : explicitMaxTtl !== undefined
        ? { tokenExplicitMaxTtl: explicitMaxTtl, explicitMaxTtl }
        : {}),
    ...(change.tokenType === 'default' || change.tokenType === '' ? { tokenType: 'default-service' } : {}),
  };
  const complaint = complaintOf(after);
  return complaint === null ? after : refuse({ kind: 'invalid', message: complaint });
};

const complaintOf = (role: TokenRole): string | null => {
  if (!TYPES.includes(role.tokenType)) return `invalid 'token_type' value ${JSON.stringify(role.tokenType)}`;
  // One character at each end, and no path inside: what follows the role's name in a token's path of creation.
  if (role.pathSuffix !== '' && !/^\w[\w.-]+\w$/.test(role.pathSuffix))
    return 'given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w';
  if (role.tokenPeriod < 0) return "'token_period' cannot be negative";
  if (role.tokenExplicitMaxTtl < 0) return "'token_explicit_max_ttl' cannot be negative";
  if (Math.max(role.tokenPeriod, role.tokenExplicitMaxTtl) > TTL_SECONDS_MAX)
    return "'token_period' and 'token_explicit_max_ttl' may be 100 years at most";
  if (role.tokenNumUses < 0) return "'token_num_uses' cannot be negative";
  const cidr = role.tokenBoundCidrs.find(text => !isCidr(text));
  if (cidr !== undefined) return "'token_bound_cidrs' must be addresses or networks such as 10.0.0.0/8";
  if (role.tokenType !== 'batch' && role.tokenType !== 'default-batch') return null;
  if (role.tokenNumUses !== 0)
    return "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count";
  if (role.tokenType === 'default-batch') return null;
  if (!role.orphan) return "'token_type' cannot be 'batch' when role is set to generate non-orphan tokens";
  if (role.tokenPeriod !== 0) return "'token_type' cannot be 'batch' when role is set to generate periodic tokens";
  if (role.renewable) return "'token_type' cannot be 'batch' when role is set to generate renewable tokens";
  if (role.tokenExplicitMaxTtl !== 0)
    return "'token_type' cannot be 'batch' when role is set to generate tokens with an explicit max TTL";
  return null;
};
