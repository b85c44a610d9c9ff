/**
 * What every login method's roles and names say about the tokens they give (vault-wire.md §11.2, §12.1): under the
 * dialect's own names, as they lie in the headers of `role.written` and `login.written`. Pure.
 */
import * as t from 'io-ts';
import type { Mount } from '../../authority/mounts.js';
import { table } from '../../table.js';
import { isCidr } from '../tokens/cidrs.js';
import { type Lifetime, TTL_SECONDS_MAX } from '../tokens/ttl.js';

const strings = t.readonlyArray(t.string);

/** Times in seconds; 0 and [] = not set. */
export const TokenSettings = t.type({
  token_ttl: t.number,
  token_max_ttl: t.number,
  token_explicit_max_ttl: t.number,
  token_period: t.number,
  token_num_uses: t.number,
  token_policies: strings,
  token_bound_cidrs: strings,
  token_no_default_policy: t.boolean,
  /** The token is good from the address that logged in, and from no other. */
  token_strictly_bind_ip: t.boolean,
  /** default, service, batch */
  token_type: t.string,
  /** Names of an older dialect that were used to set any of these: they are read back under both. */
  old_names: strings,
});
export type TokenSettings = t.TypeOf<typeof TokenSettings>;

export const NEW_TOKEN_SETTINGS: TokenSettings = {
  ...{ token_ttl: 0, token_max_ttl: 0, token_explicit_max_ttl: 0, token_period: 0, token_num_uses: 0 },
  ...{ token_policies: [], token_bound_cidrs: [], token_no_default_policy: false, token_strictly_bind_ip: false },
  ...{ token_type: 'default', old_names: [] },
};

/** What a request sets: only what it named, with the older names that it used in `old_names`. */
export type TokenSettingsChange = Partial<TokenSettings>;

const TYPES = table<string>({
  ...{ '': 'default', default: 'default', service: 'service', batch: 'batch' },
  ...{ 'default-service': 'service', 'default-batch': 'batch' },
});

export interface Changed<S> {
  readonly settings: S;
  readonly warnings: readonly string[];
}

/** `older` = which of the new names each older one sets. The rest of `before` is kept as it is. */
export const changedTokenSettings = <S extends TokenSettings>(
  before: S,
  change: TokenSettingsChange,
  older: Readonly<Record<string, string>> = {},
): Changed<S> => {
  const asked = change.token_type;
  const type = asked === undefined ? before.token_type : (TYPES[asked] ?? asked);
  const kept = before.old_names.filter(name => !((older[name] ?? '') in change));
  return {
    settings: {
      ...before,
      ...change,
      token_type: type,
      old_names: [...new Set([...kept, ...(change.old_names ?? [])])].sort(),
    },
    warnings: asked?.startsWith('default-') ? [`${asked} has no useful meaning; adjusting to ${type}`] : [],
  };
};

const POLICIES_MAX = 256;
const CIDRS_MAX = 256;
const NAME_CHARACTERS_MAX = 256;
const SECONDS = ['token_ttl', 'token_max_ttl', 'token_explicit_max_ttl', 'token_period'] as const;

/** Null: a token can follow them. */
export const tokenSettingsComplaint = (settings: TokenSettings): string | null => {
  for (const name of SECONDS) {
    if (settings[name] < 0) return `'${name}' cannot be negative`;
    if (settings[name] > TTL_SECONDS_MAX) return `'${name}' may be 100 years at most`;
  }
  if (settings.token_ttl > 0 && settings.token_max_ttl > 0 && settings.token_ttl > settings.token_max_ttl)
    return "'token_ttl' cannot be greater than 'token_max_ttl'";
  if (settings.token_num_uses < 0) return "'token_num_uses' cannot be negative";
  if (settings.token_num_uses > 1_000_000_000) return "'token_num_uses' may be 1,000,000,000 at most";
  if (!['default', 'service', 'batch'].includes(settings.token_type))
    return `invalid 'token_type' value ${JSON.stringify(settings.token_type.slice(0, 64))}`;
  if (settings.token_type === 'batch' && settings.token_period > 0)
    return "'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens";
  if (settings.token_type === 'batch' && settings.token_num_uses > 0)
    return "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count";
  const { token_policies: policies } = settings;
  if (policies.length > POLICIES_MAX || policies.some(name => name.length > NAME_CHARACTERS_MAX))
    return "'token_policies' has 256 names at most, each of 256 characters at most";
  return cidrsComplaint('token_bound_cidrs', settings.token_bound_cidrs);
};

export const cidrsComplaint = (name: string, cidrs: readonly string[]): string | null =>
  cidrs.length <= CIDRS_MAX && cidrs.every(isCidr)
    ? null
    : `'${name}' must be at most ${CIDRS_MAX} addresses or networks such as 10.0.0.0/8`;

export const lifetimeOf = (settings: TokenSettings): Lifetime => ({
  ttlSeconds: settings.token_ttl,
  periodSeconds: settings.token_period,
  maxTtlSeconds: settings.token_max_ttl,
  explicitMaxTtlSeconds: settings.token_explicit_max_ttl,
});

/** A mount that is tuned to one type gives no other; else its default stands where the role says none. */
export const tokenTypeOf = (settings: TokenSettings, mount: Mount): 'service' | 'batch' => {
  const tuned = mount.config.token_type;
  if (tuned === 'service' || tuned === 'batch') return tuned;
  if (settings.token_type === 'service' || settings.token_type === 'batch') return settings.token_type;
  return tuned === 'default-batch' ? 'batch' : 'service';
};
