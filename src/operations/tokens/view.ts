/** A token as callers see it: without the token itself, unless they sent it. */
import type { Authority } from '../../authority/authority.js';
import type { Token } from '../../authority/tokens.js';
import type { TokenInfo } from './contract.js';

/** `id` is the token itself where the caller sent it, else ''. */
export const tokenInfo = (authority: Authority, token: Token, id: string): TokenInfo => ({
  id,
  accessor: token.accessor,
  path: token.creationPath,
  displayName: token.displayName,
  entityId: token.entity,
  type: token.type,
  policies: token.policies,
  identityPolicies: authority.identityPoliciesOf(token),
  meta: token.meta,
  createdAt: token.createdAt,
  expiresAt: token.expiresAt,
  renewedAt: token.renewedAt,
  creationTtlSeconds: token.ttl,
  periodSeconds: token.period,
  explicitMaxTtlSeconds: token.explicitMaxTtl,
  usesLeft: token.usesLeft,
  renewable: token.renewable,
  boundCidrs: token.boundCidrs,
  // What a login method calls a role is in the metadata that it gives.
  role: token.mount === null ? token.role : null,
  orphan: token.parent === null,
  root: token.method === 'root',
});
