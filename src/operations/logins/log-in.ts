/**
 * The last step of every login method: who was proven gets a token by the settings of their role. One commit holds the
 * token, what was spent for it and, at the first login, the entity.
 */
import type { Uuid } from '../../crypto/bytes.js';
import type { Header } from '../../domain/header.js';
import type { SecretState } from '../../domain/secret/state.js';
import type { Failure } from '../../failure.js';
import type { HeadView } from '../../ledger/command.js';
import { Refused } from '../app.js';
import { circumstances } from '../authorise.js';
import type { RequestContext } from '../request.js';
import { addressAllowed } from '../tokens/cidrs.js';
import type { LoginResult } from '../tokens/contract.js';
import { type Companion, createToken, loginToken } from '../tokens/index.js';
import type { Attempt } from './attempt.js';
import { type Acting, aliasId, entityCreated, entityOfAlias, newEntity, type Who } from './entity.js';
import { lifetimeOf, type TokenSettings, tokenTypeOf } from './token-settings.js';

export interface Proof extends Who {
  readonly settings: TokenSettings;
  readonly displayName: string;
  readonly meta: Readonly<Record<string, string>>;
  /** The role or name that a renewal asks for again. */
  readonly role: string;
  /** Networks within the settings' own, in their place: a secret id may have them. */
  readonly boundCidrs?: readonly string[];
  /** Appended before the token, under the same header: a secret id that was spent. */
  readonly with?: (header: Header, actor: Uuid) => readonly Companion[];
  readonly deleteKeys?: (view: HeadView<SecretState>) => readonly Uuid[];
  /** The token's id where the proof is good once: whoever comes with it again finds that stream taken, for ever. */
  readonly once?: Uuid;
  /** Asked at the head of the ledger: what proved it still stands. */
  readonly check: (view: HeadView<SecretState>) => Failure | null;
}

/** Somebody else's login made the entity meanwhile: this one begins again with it. */
const MOVED: Failure = { kind: 'busy', retryAfterSeconds: 1 };
const TRIES_MAX = 3;

const USED: Failure = {
  kind: 'bad-credentials',
  message: 'error validating token: it was used before, and its role takes each token once',
};

export const logIn = async (attempt: Attempt, proof: Proof): Promise<LoginResult> => {
  const { session, context, mount } = attempt.of;
  if (!addressAllowed(proof.settings.token_bound_cidrs, context.from.address) || !isGoodHere(proof, context))
    attempt.refused('bound-cidr', { kind: 'unauthenticated' });
  if (proof.settings.token_policies.some(name => name.trim().toLowerCase() === 'root'))
    attempt.refused('role', { kind: 'invalid', message: 'auth methods cannot create root tokens' });
  const isBatch = tokenTypeOf(proof.settings, mount) === 'batch';
  if (proof.once !== undefined && isBatch)
    attempt.refused('role', { kind: 'invalid', message: 'a role of single use cannot give batch tokens' });
  if (proof.settings.token_num_uses > 0 && isBatch)
    attempt.refused('role', { kind: 'invalid', message: 'batch tokens cannot have "num_uses" set' });
  attempt.right();
  const alias = aliasId(session, mount, proof.alias);
  for (let tries = 1; ; tries += 1)
    try {
      return await give(attempt, proof, alias);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // What proved it was gone at the head: the last use of a secret id went to somebody else.
      if (error.failure.kind === 'bad-credentials') attempt.refused('credentials', error.failure);
      if (error.failure !== MOVED || tries === TRIES_MAX) throw error;
    }
};

/** A token for this address alone must be good here. */
const isGoodHere = ({ settings, boundCidrs = [] }: Proof, { from }: RequestContext): boolean =>
  !settings.token_strictly_bind_ip || addressAllowed(boundCidrs, from.address);

const give = (attempt: Attempt, proof: Proof, alias: Uuid): Promise<LoginResult> => {
  const { session, context, mount } = attempt.of;
  const { settings } = proof;
  const known = entityOfAlias(session, alias);
  const entity = known ?? newEntity(proof);
  const header = loginHeader(attempt, entity);
  const first = { mount: mount.id, id: alias };
  const created = known === null ? [{ sealed: entityCreated(session, entity, proof, first, header), facts: {} }] : [];
  const type = tokenTypeOf(settings, mount);
  const networks = proof.boundCidrs ?? settings.token_bound_cidrs;
  const boundCidrs = settings.token_strictly_bind_ip ? [context.from.address] : networks;
  const wanted = loginToken({
    ...lifetimeOf(settings),
    ...{ entity: entity.id, policies: settings.token_policies, noDefaultPolicy: settings.token_no_default_policy },
    ...{ displayName: proof.displayName, creationPath: context.path, method: mount.type, meta: proof.meta },
    ...{ uses: settings.token_num_uses, boundCidrs },
    ...{ type, renewable: type === 'service', mount: mount.id, role: proof.role },
  });
  return createToken(wanted, {
    ...{ session, context, header },
    with: [...created, ...(proof.with?.(header, entity.id) ?? [])],
    ...(proof.deleteKeys === undefined ? {} : { deleteKeys: proof.deleteKeys }),
    ...(proof.once === undefined ? {} : { streamId: proof.once }),
    check: view => {
      if (session.authority.mounts.still(mount) === null) return { kind: 'unauthenticated' };
      if (proof.once !== undefined && view.streamVersion(proof.once) > 0) return USED;
      if (entityOfAlias(session, alias)?.id !== known?.id) return MOVED;
      return proof.check(view);
    },
  });
};

/** Of the events of one login: no token led to it, and no rule allowed it. */
const loginHeader = ({ of: { app, context, mount } }: Attempt, entity: Acting): Header => ({
  v: 1,
  at: app.nowMs() * 1000,
  op: 'auth.login',
  path: context.path,
  actor: { id: entity.id, kind: entity.kind },
  via: { method: mount.type, mount: mount.path },
  ...circumstances(app, context),
});
