/** An AppRole's settings (vault-wire.md §11.2) as they lie in the header of `role.written`, and what is refused. Pure. */
import * as t from 'io-ts';
import { TTL_SECONDS_MAX } from '../../tokens/ttl.js';
import {
  type Changed,
  changedTokenSettings,
  cidrsComplaint,
  NEW_TOKEN_SETTINGS,
  TokenSettings,
  tokenSettingsComplaint,
} from '../token-settings.js';

export const AppRoleSettings = t.intersection([
  TokenSettings,
  t.type({
    role_id: t.string,
    bind_secret_id: t.boolean,
    secret_id_bound_cidrs: t.readonlyArray(t.string),
    secret_id_num_uses: t.number,
    secret_id_ttl: t.number,
    local_secret_ids: t.boolean,
  }),
]);
export type AppRoleSettings = t.TypeOf<typeof AppRoleSettings>;

export const NEW_APP_ROLE: AppRoleSettings = {
  ...NEW_TOKEN_SETTINGS,
  ...{ role_id: '', bind_secret_id: true, secret_id_bound_cidrs: [], secret_id_num_uses: 0, secret_id_ttl: 0 },
  local_secret_ids: false,
};

/** What each older name sets. */
export const OLDER_NAMES = {
  policies: 'token_policies',
  period: 'token_period',
  bound_cidr_list: 'secret_id_bound_cidrs',
} as const;

export const ROLE_ID_CHARACTERS_MAX = 256;

/** `before` null: a new one. */
export const changedRole = (
  before: AppRoleSettings | null,
  change: Partial<AppRoleSettings>,
): Changed<AppRoleSettings> =>
  changedTokenSettings(
    { ...(before ?? NEW_APP_ROLE), ...change, old_names: before?.old_names ?? [] },
    change,
    OLDER_NAMES,
  );

/** Null: fine. */
export const roleComplaint = (before: AppRoleSettings | null, role: AppRoleSettings): string | null => {
  if (!/^[\x21-\x7e]+$/.test(role.role_id) || role.role_id.length > ROLE_ID_CHARACTERS_MAX)
    return 'role_id must have 1 to 256 printable characters, no blanks';
  if (before !== null && before.local_secret_ids !== role.local_secret_ids)
    return 'local_secret_ids can only be modified during role creation';
  if (role.secret_id_num_uses < 0) return 'secret_id_num_uses cannot be negative';
  if (role.secret_id_num_uses > 1_000_000_000) return 'secret_id_num_uses may be 1,000,000,000 at most';
  if (role.secret_id_ttl < 0) return 'secret_id_ttl cannot be negative';
  if (role.secret_id_ttl > TTL_SECONDS_MAX) return 'secret_id_ttl may be 100 years at most';
  if (!role.bind_secret_id && role.secret_id_bound_cidrs.length + role.token_bound_cidrs.length === 0)
    return 'at least one constraint should be enabled on the role';
  return cidrsComplaint('secret_id_bound_cidrs', role.secret_id_bound_cidrs) ?? tokenSettingsComplaint(role);
};
