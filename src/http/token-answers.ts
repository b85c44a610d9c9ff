/** Tokens in answers: the `auth` block of logins, creations and renewals, and the data of a lookup (vault-wire.md §2.6, §10.3). */
import type { LoginResult, TokenInfo } from '../operations/tokens/contract.js';
import { type Answer, envelope, withPosition } from './answer.js';
import type { Call } from './call.js';
import { printTime } from './times.js';

/** µs to whole seconds, rounded up: a token that lives is never shown as ended. */
export const secondsLeft = (expiresAt: number, nowUs: number): number =>
  expiresAt === 0 ? 0 : Math.max(0, Math.ceil((expiresAt - nowUs) / 1_000_000));

const remaining = (info: TokenInfo): number => secondsLeft(info.expiresAt, Date.now() * 1000);

export const tokenData = (info: TokenInfo) => ({
  accessor: info.accessor,
  ...(info.boundCidrs.length === 0 ? {} : { bound_cidrs: info.boundCidrs }),
  creation_time: Math.floor(info.createdAt / 1_000_000),
  creation_ttl: info.creationTtlSeconds,
  display_name: info.displayName,
  entity_id: info.entityId,
  expire_time: info.expiresAt === 0 ? null : printTime(info.expiresAt),
  explicit_max_ttl: info.explicitMaxTtlSeconds,
  id: info.id,
  ...(info.identityPolicies.length === 0 ? {} : { identity_policies: info.identityPolicies }),
  ...(info.root ? {} : { issue_time: printTime(info.createdAt) }),
  ...(info.renewedAt === 0
    ? {}
    : { last_renewal: printTime(info.renewedAt), last_renewal_time: Math.floor(info.renewedAt / 1_000_000) }),
  meta: info.meta,
  num_uses: info.usesLeft,
  orphan: info.orphan,
  path: info.path,
  ...(info.periodSeconds === 0 ? {} : { period: info.periodSeconds }),
  policies: info.policies,
  renewable: info.renewable,
  ...(info.role === null ? {} : { role: info.role }),
  ttl: remaining(info),
  type: info.type,
});

/** What was granted, whole: the time that the answer took is not taken off. */
const granted = (info: TokenInfo): number =>
  info.expiresAt === 0
    ? 0
    : Math.ceil((info.expiresAt - (info.renewedAt === 0 ? info.createdAt : info.renewedAt)) / 1_000_000);

const authBlock = ({ token, info }: LoginResult) => ({
  client_token: token,
  accessor: info.accessor,
  policies: [...new Set([...info.policies, ...info.identityPolicies])].sort(),
  token_policies: info.policies,
  ...(info.identityPolicies.length === 0 ? {} : { identity_policies: info.identityPolicies }),
  metadata: info.meta,
  lease_duration: granted(info),
  renewable: info.renewable,
  entity_id: info.entityId,
  token_type: info.type,
  orphan: info.orphan,
  mfa_requirement: null,
  num_uses: info.usesLeft,
});

export const loggedIn =
  (call: Call, warnings: readonly string[] = []) =>
  (result: LoginResult): Answer =>
    withPosition(
      {
        status: 200,
        body: envelope(call.context.requestId, {
          auth: authBlock(result),
          warnings: [...warnings, ...result.warnings],
        }),
      },
      result.position,
    );
