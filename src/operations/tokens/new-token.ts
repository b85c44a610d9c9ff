/** What a new token is to be, and how that is written: in the header of its event, in its box, and as the token that it is. */
import type { Token } from '../../authority/tokens.js';
import type { Uuid } from '../../crypto/bytes.js';
import type { Lifetime } from './ttl.js';

/** Times in seconds, 0 = not set. */
export interface NewToken extends Lifetime {
  readonly entity: Uuid;
  /** As they shall be, but for `default`, which is added unless `noDefaultPolicy`. */
  readonly policies: readonly string[];
  readonly noDefaultPolicy: boolean;
  readonly displayName: string;
  /** The API path that made it, without `/v1/`. */
  readonly creationPath: string;
  /** How its holder was known: token, userpass, approle, jwt, cert. */
  readonly method: string;
  readonly meta: Readonly<Record<string, string>> | null;
  /** It never expires, whatever the limits say: a child of root without a ttl. */
  readonly forEver: boolean;
  /** 0 = any number. */
  readonly uses: number;
  readonly renewable: boolean;
  readonly boundCidrs: readonly string[];
  readonly type: 'service' | 'batch';
  /** The token that dies with its end; null: orphan, as every login's is. */
  readonly parent: Uuid | null;
  /** The auth mount that issues it, whose tuned limits bound it and whose end is its end; null: the token store. */
  readonly mount: Uuid | null;
  readonly role: string | null;
}

/** What a login says; the rest is as logins are. */
export type LoginToken = Pick<NewToken, 'entity' | 'policies' | 'displayName' | 'creationPath' | 'method' | 'mount'> &
  Partial<NewToken>;

/** The token of a login: an orphan, renewable, of the mount's default lifetime, as far as `said` says nothing else. */
export const loginToken = (said: LoginToken): NewToken => ({
  noDefaultPolicy: false,
  meta: null,
  ttlSeconds: 0,
  periodSeconds: 0,
  maxTtlSeconds: 0,
  explicitMaxTtlSeconds: 0,
  forEver: false,
  uses: 0,
  renewable: true,
  boundCidrs: [],
  type: 'service',
  parent: null,
  role: null,
  ...said,
});

/** Sorted, unique, lower-case; `root` swallows the others, and only there `default` is not added. */
export const normalPolicies = (policies: readonly string[], addDefault: boolean): readonly string[] => {
  const names = policies.map(name => name.trim().toLowerCase()).filter(name => name !== '');
  if (names.includes('root')) return ['root'];
  return [...new Set([...names, ...(addDefault ? ['default'] : [])])].sort();
};

export type Made = NewToken & { readonly id: Uuid; readonly accessor: string; readonly ttl: number };

/** The token's own fields of the header: absent = none. */
export const ownFields = (made: Made) => ({
  accessor: made.accessor,
  policies: made.policies,
  display_name: made.displayName,
  creation_path: made.creationPath,
  method: made.method,
  ...(made.meta === null ? {} : { meta: made.meta }),
  ...(made.ttl === 0 ? {} : { ttl: made.ttl }),
  ...(made.periodSeconds === 0 ? {} : { period: made.periodSeconds }),
  ...(made.explicitMaxTtlSeconds === 0 ? {} : { explicit_max_ttl: made.explicitMaxTtlSeconds }),
  ...(made.maxTtlSeconds === 0 ? {} : { max_ttl: made.maxTtlSeconds }),
  ...(made.uses === 0 ? {} : { uses: made.uses }),
  ...(made.renewable && made.ttl > 0 ? { renewable: true } : {}),
  ...(made.boundCidrs.length === 0 ? {} : { bound_cidrs: made.boundCidrs }),
  ...(made.role === null ? {} : { role: made.role }),
  ...(made.mount === null ? {} : { auth_mount: made.mount }),
});

export const asToken = (made: Made, hash: string, createdAt: number, expiresAt: number): Token => ({
  ...{ type: made.type, id: made.id, hash, accessor: made.accessor, entity: made.entity, parent: made.parent },
  ...{ policies: made.policies, displayName: made.displayName, creationPath: made.creationPath, meta: made.meta },
  ...{ expiresAt, createdAt, renewedAt: 0, method: made.method, ttl: made.ttl, period: made.periodSeconds },
  ...{ explicitMaxTtl: made.explicitMaxTtlSeconds, maxTtl: made.maxTtlSeconds, uses: made.uses, usesLeft: made.uses },
  ...{ renewable: made.renewable && made.ttl > 0, boundCidrs: made.boundCidrs, role: made.role, mount: made.mount },
});
