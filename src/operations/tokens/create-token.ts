/**
 * Makes a token: for a login that proved who somebody is, or for a caller of `auth/token/create`. Only a keyed hash of it
 * is ever stored (formats.md §7); it exists in the clear in this one answer.
 */
import { BATCH_TOKEN_CHARACTERS_MAX, sealBatchToken } from '../../crypto/batch-token.js';
import { type Uuid, ZERO_UUID } from '../../crypto/bytes.js';
import { newAccessor, newToken, tokenHash } from '../../crypto/ids.js';
import { randomUuid4, randomUuid7 } from '../../crypto/random.js';
import type { Facts } from '../../domain/facts.js';
import type { Header } from '../../domain/header.js';
import type { SecretState } from '../../domain/secret/state.js';
import type { Failure } from '../../failure.js';
import { sealEvent } from '../../keys/event-sealer.js';
import type { Command, HeadView } from '../../ledger/command.js';
import { type KeyRow, type SealedEvent, weightOf } from '../../ledger/sealed-event.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';
import { orRefuse } from '../operation.js';
import type { RequestContext } from '../request.js';
import type { LoginResult } from './contract.js';
import { batchToken } from './find.js';
import { lane1Command } from './lane1.js';
import { asToken, type Made, type NewToken, normalPolicies, ownFields } from './new-token.js';
import { grantTtl, limitsOf } from './ttl.js';
import { tokenInfo } from './view.js';

const SECOND_US = 1_000_000;

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
  /** Key rows that end with it, by the state at the head of the ledger. */
  readonly deleteKeys?: (view: HeadView<SecretState>) => readonly Uuid[];
  readonly insertKeys?: readonly KeyRow[];
  /** Asked at the head of the ledger, with authority folded as of it: null = go on. */
  readonly check: (view: HeadView<SecretState>) => Failure | null;
  /** A token that the caller chose; absent: 24 random characters. */
  readonly id?: string;
  /** Its stream's id, where something beside it has to name that; absent: random. */
  readonly streamId?: Uuid;
}

/** Appends `token.created` with what comes with it, in one commit; a batch token leaves only what comes with it. */
export const createToken = async (wanted: NewToken, creation: Creation): Promise<LoginResult> => {
  const { authority } = creation.session;
  const policies = normalPolicies(wanted.policies, !wanted.noDefaultPolicy);
  const mount = wanted.mount === null ? authority.mounts.at('auth/token') : authority.mounts.byId(wanted.mount);
  const granted = wanted.forEver ? { ttlSeconds: 0, warnings: [] } : grantTtl(wanted, limitsOf(mount), 0);
  if (granted === null) return refuse({ kind: 'invalid', message: 'past the max TTL' });
  const made: Made = {
    ...wanted,
    policies,
    ttl: granted.ttlSeconds,
    accessor: newAccessor(),
    id: creation.streamId ?? randomUuid4(),
  };
  const done = wanted.type === 'batch' ? await batch(made, creation) : await service(made, creation);
  return { ...done, warnings: granted.warnings };
};

type Done = Omit<LoginResult, 'warnings'>;

const service = async (made: Made, creation: Creation): Promise<Done> => {
  const { session } = creation;
  const { custody } = session;
  const token = creation.id ?? newToken();
  const hash = tokenHash(custody.keyring.tokenKey, custody.ledger, token);
  const sealed = sealEvent(custody, {
    eventId: randomUuid7(session.ports.nowMs()),
    streamId: made.id,
    type: 'token.created',
    lane: 1,
    // One that acts for nobody else is its own entity, and nobody made it.
    actor: made.entity === made.id ? null : made.entity,
    header: { ...creation.header, ...ownFields(made) },
  });
  const expiry = (createdAt: number): number => (made.ttl === 0 ? 0 : createdAt + made.ttl * SECOND_US);
  const taken: Failure = { kind: 'invalid', message: 'cannot create a token with a duplicate ID' };
  const { position, createdAt } = await append(creation, [
    {
      sealed,
      facts: view => ({
        token_hash: hash.toString('hex'),
        ...(made.ttl === 0 ? {} : { expires_at: expiry(view.recordedAt) }),
        ...(made.parent === null ? {} : { parent: made.parent }),
      }),
      check: view => (session.authority.tokens.byHash(hash, view.recordedAt) === null ? null : taken),
    },
  ]);
  const info = tokenInfo(session.authority, asToken(made, hash.toString('hex'), createdAt, expiry(createdAt)), token);
  return { position, token, info };
};

/** Nothing of it is stored, so that it was made is recorded as a request is. */
const batch = async (made: Made, creation: Creation): Promise<Done> => {
  const { session, header } = creation;
  const { keyring, ledger } = session.custody;
  const { position, createdAt } = await append(creation, []);
  const carried = { ...made, createdAt, expiresAt: createdAt + made.ttl * SECOND_US };
  const token = sealBatchToken(keyring.tokenKey, ledger, carried);
  if (token.length > BATCH_TOKEN_CHARACTERS_MAX)
    return refuse({ kind: 'invalid', message: 'a batch token holds 48 KiB of policies and metadata at most' });
  const { accessor: _none, ...own } = ownFields(made);
  session.recorder.record({ ...header, ...own, batch_token: made.id, outcome: 'ok', status: 200 });
  return { position, token, info: tokenInfo(session.authority, batchToken(carried), token) };
};

interface Drafted extends Companion {
  readonly check?: (view: HeadView<SecretState>) => Failure | null;
}

/** What comes with the token first. `position` is null when there was nothing to append. */
const append = async (
  creation: Creation,
  own: readonly Drafted[],
): Promise<{ position: number | null; createdAt: number }> => {
  const { session, context } = creation;
  const drafts: readonly Drafted[] = [...(creation.with ?? []), ...own];
  const streams = [...new Set(drafts.map(({ sealed }) => sealed.streamId))];
  const weight = drafts.reduce((sum, { sealed }) => sum + weightOf(sealed), 0);
  const command: Command<SecretState, { position: number | null; createdAt: number }> = {
    ...lane1Command(context, streams[0] ?? ZERO_UUID, weight),
    streams,
    eventsMax: drafts.length,
    decide: view => {
      for (const check of [creation.check, ...drafts.flatMap(draft => draft.check ?? [])]) {
        const failure = check(view);
        if (failure !== null) return { kind: 'reject', failure };
      }
      const createdAt = view.recordedAt;
      if (drafts.length === 0) return { kind: 'nothing', result: { position: null, createdAt } };
      return {
        kind: 'append',
        events: drafts.map(({ sealed, facts }) => ({
          sealed,
          facts: typeof facts === 'function' ? facts(view) : facts,
        })),
        insertKeys: creation.insertKeys ?? [],
        deleteKeys: creation.deleteKeys?.(view) ?? [],
        result: placed => ({ position: placed.at(-1)?.position ?? null, createdAt }),
      };
    },
  };
  return orRefuse(await session.appender.submit(command));
};
