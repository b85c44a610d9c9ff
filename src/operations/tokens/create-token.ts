/**
 * Makes a token: for a login that proved who somebody is, or for a caller of `auth/token/create`. Only a keyed hash of it
 * is ever stored (formats.md §7); it exists in the clear in this one answer.
 */
import type { Token } from '../../authority/tokens.js';
import type { Uuid } from '../../crypto/bytes.js';
import { newAccessor, newToken, tokenHash } from '../../crypto/ids.js';
import { randomUuid4, randomUuid7 } from '../../crypto/random.js';
import type { Facts } from '../../domain/facts.js';
import type { Header } from '../../domain/header.js';
import type { SecretState } from '../../domain/secret/state.js';
import type { Failure } from '../../failure.js';
import { sealEvent } from '../../keys/event-sealer.js';
import type { Command, HeadView } from '../../ledger/command.js';
import type { KeyRow, SealedEvent } from '../../ledger/sealed-event.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';
import type { LoginResult, RequestContext } from '../contract.js';
import { orRefuse } from '../operation.js';
import { lane1Command } from './lane1.js';
import { grantTtl, type Lifetime, limitsOf } from './ttl.js';
import { tokenInfo } from './view.js';

const SECOND_US = 1_000_000;

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

/** An event that is appended in the same command, before the token's: a new entity, a secret id that was spent. */
export interface Companion {
  readonly sealed: SealedEvent;
  /** A function where they depend on the state at the head of the ledger. */
  readonly facts: Facts | ((view: HeadView<SecretState>) => Facts);
}

export interface Creation {
  readonly session: Session;
  readonly context: RequestContext;
  /** Of the event `token.created`; the token's own fields are added. */
  readonly header: Header;
  readonly with?: readonly Companion[];
  readonly deleteKeys?: readonly Uuid[];
  readonly insertKeys?: readonly KeyRow[];
  /** Asked at the head of the ledger, with authority folded as of it: null = go on. */
  readonly check: (view: HeadView<SecretState>) => Failure | null;
  /** A token that the caller chose; absent: 24 random characters. */
  readonly id?: string;
}

/** Sorted, unique, lower-case; `root` swallows the others, and only there `default` is not added. */
export const normalPolicies = (policies: readonly string[], addDefault: boolean): readonly string[] => {
  const names = policies.map(name => name.trim().toLowerCase()).filter(name => name !== '');
  if (names.includes('root')) return ['root'];
  return [...new Set([...names, ...(addDefault ? ['default'] : [])])].sort();
};

/** Appends `token.created` with what comes with it, in one commit. */
export const createToken = async (wanted: NewToken, creation: Creation): Promise<LoginResult> => {
  const { session, context } = creation;
  const { custody, authority } = session;
  const policies = normalPolicies(wanted.policies, !wanted.noDefaultPolicy);
  const mount = wanted.mount === null ? authority.mounts.at('auth/token') : authority.mounts.byId(wanted.mount);
  const granted = wanted.forEver ? { ttlSeconds: 0, warnings: [] } : grantTtl(wanted, limitsOf(mount), 0);
  if (granted === null) return refuse({ kind: 'invalid', message: 'past the max TTL' });
  if (wanted.type === 'batch') return refuse({ kind: 'invalid', message: 'batch tokens are not made here' });
  const token = creation.id ?? newToken();
  const ttl = granted.ttlSeconds;
  const made = { ...wanted, policies, ttl, accessor: newAccessor(), id: randomUuid4() };
  const hash = tokenHash(custody.keyring.tokenKey, custody.ledger, token).toString('hex');
  const sealed = sealEvent(custody, {
    eventId: randomUuid7(session.ports.nowMs()),
    streamId: made.id,
    type: 'token.created',
    lane: 1,
    actor: wanted.entity,
    header: { ...creation.header, ...ownFields(made) },
  });
  const companions = creation.with ?? [];
  const command: Command<SecretState, { position: number; createdAt: number }> = {
    ...lane1Command(context, made.id, sealed.header.length),
    streams: [made.id, ...companions.map(companion => companion.sealed.streamId)],
    eventsMax: 1 + companions.length,
    decide: view => {
      const failure = creation.check(view);
      if (failure !== null) return { kind: 'reject', failure };
      const facts = {
        token_hash: hash,
        ...(ttl === 0 ? {} : { expires_at: view.recordedAt + ttl * SECOND_US }),
        ...(wanted.parent === null ? {} : { parent: wanted.parent }),
      };
      return {
        kind: 'append',
        events: [
          ...companions.map(({ sealed: event, facts: own }) => ({
            sealed: event,
            facts: typeof own === 'function' ? own(view) : own,
          })),
          { sealed, facts },
        ],
        insertKeys: creation.insertKeys ?? [],
        deleteKeys: creation.deleteKeys ?? [],
        result: placed => ({ position: placed.at(-1)?.position ?? 0, createdAt: view.recordedAt }),
      };
    },
  };
  const { position, createdAt } = orRefuse(await session.appender.submit(command));
  const expiresAt = ttl === 0 ? 0 : createdAt + ttl * SECOND_US;
  const info = tokenInfo(asToken(made, hash, createdAt, expiresAt), token);
  return { position, token, info, warnings: granted.warnings };
};

type Made = NewToken & { readonly id: Uuid; readonly accessor: string; readonly ttl: number };

/** The token's own fields of the header: absent = none. */
const ownFields = (made: Made) => ({
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

const asToken = (made: Made, hash: string, createdAt: number, expiresAt: number): Token => ({
  ...{ id: made.id, hash, accessor: made.accessor, entity: made.entity, parent: made.parent },
  ...{ policies: made.policies, displayName: made.displayName, creationPath: made.creationPath, meta: made.meta },
  ...{ expiresAt, createdAt, renewedAt: 0, method: made.method, ttl: made.ttl, period: made.periodSeconds },
  ...{ explicitMaxTtl: made.explicitMaxTtlSeconds, maxTtl: made.maxTtlSeconds, uses: made.uses, usesLeft: made.uses },
  ...{ renewable: made.renewable && made.ttl > 0, boundCidrs: made.boundCidrs, role: made.role, mount: made.mount },
});
