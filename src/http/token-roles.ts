/** `auth/token/roles` (vault-wire.md §10.6): the names of a token role's settings on the wire. */
import type { TokenRole } from '../operations/tokens/contract.js';
import { type Answer, noContent, ok, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { boolField, durationField, type Field, intField, stringField, stringsField } from './fields.js';

type Routes = Readonly<Partial<Record<Call['verb'], (call: Call) => Promise<Answer>>>>;

const seconds: Field<number> = (fields, name) => {
  const ms = durationField(fields, name);
  return ms === undefined ? undefined : ms / 1000;
};

/** Each setting's name on the wire, and how it is read. */
const FIELDS: { readonly [K in keyof TokenRole]: readonly [string, Field<NonNullable<TokenRole[K]>>] } = {
  allowedPolicies: ['allowed_policies', stringsField],
  disallowedPolicies: ['disallowed_policies', stringsField],
  allowedPoliciesGlob: ['allowed_policies_glob', stringsField],
  disallowedPoliciesGlob: ['disallowed_policies_glob', stringsField],
  orphan: ['orphan', boolField],
  renewable: ['renewable', boolField],
  pathSuffix: ['path_suffix', stringField],
  allowedEntityAliases: ['allowed_entity_aliases', stringsField],
  period: ['period', seconds],
  tokenPeriod: ['token_period', seconds],
  explicitMaxTtl: ['explicit_max_ttl', seconds],
  tokenExplicitMaxTtl: ['token_explicit_max_ttl', seconds],
  tokenType: ['token_type', stringField],
  tokenNoDefaultPolicy: ['token_no_default_policy', boolField],
  tokenBoundCidrs: ['token_bound_cidrs', stringsField],
  tokenNumUses: ['token_num_uses', intField],
};

const changeOf = ({ fields }: Call): Partial<TokenRole> =>
  Object.fromEntries(
    Object.entries(FIELDS).flatMap(([key, [name, read]]) => {
      const value = read(fields, name) ?? (name === 'token_bound_cidrs' ? read(fields, 'bound_cidrs') : undefined);
      return value === undefined ? [] : [[key, value]];
    }),
  );

const roleData = (name: string, role: TokenRole) => ({
  allowed_entity_aliases: role.allowedEntityAliases,
  allowed_policies: role.allowedPolicies,
  allowed_policies_glob: role.allowedPoliciesGlob,
  ...(role.tokenBoundCidrs.length === 0
    ? {}
    : { bound_cidrs: role.tokenBoundCidrs, token_bound_cidrs: role.tokenBoundCidrs }),
  disallowed_policies: role.disallowedPolicies,
  disallowed_policies_glob: role.disallowedPoliciesGlob,
  explicit_max_ttl: role.explicitMaxTtl,
  name,
  orphan: role.orphan,
  path_suffix: role.pathSuffix,
  period: role.period,
  renewable: role.renewable,
  token_explicit_max_ttl: role.tokenExplicitMaxTtl,
  token_no_default_policy: role.tokenNoDefaultPolicy,
  ...(role.tokenNumUses === 0 ? {} : { token_num_uses: role.tokenNumUses }),
  token_period: role.tokenPeriod,
  token_type: role.tokenType,
});

const done = ({ position }: { position: number | null }): Answer => withPosition(noContent, position);

/** `path` is below `auth/token/`. Null: not one of ours. */
export const tokenRoles = (path: string): Routes | null => {
  if (path === 'roles' || path === 'roles/')
    return {
      list: call =>
        answered(call, call.operations.tokens.listRoles(call.context, {}), keys =>
          ok(call.context.requestId, { keys }),
        ),
    };
  const name = /^roles\/([^/]+)$/.exec(path)?.[1];
  if (name === undefined) return null;
  return {
    read: call =>
      answered(call, call.operations.tokens.readRole(call.context, { name }), role =>
        ok(call.context.requestId, roleData(name, role)),
      ),
    write: call =>
      answered(call, call.operations.tokens.writeRole(call.context, { name, change: changeOf(call) }), done),
    delete: call => answered(call, call.operations.tokens.removeRole(call.context, { name }), done),
  };
};
