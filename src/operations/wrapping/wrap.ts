/** Keeps an answer in the store of a token that is made for it: both are one commit, so neither is ever there alone. */

import { RESPONSE_WRAPPING } from '../../authority/policies.js';
import { type Uuid, wipe } from '../../crypto/bytes.js';
import { randomUuid4 } from '../../crypto/random.js';
import type { Header } from '../../domain/header.js';
import { replacing } from '../../domain/secret/sequence.js';
import type { Failure } from '../../failure.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { type Caller, callerOf, circumstances, headerOf } from '../authorise.js';
import { locateIn, subjectIn } from '../cubbyhole/place.js';
import { NOTHING_STORED, type Prepared, prepareSteps } from '../cubbyhole/steps.js';
import { operation } from '../operation.js';
import type { RequestContext } from '../request.js';
import { type Companion, createToken } from '../tokens/create-token.js';
import { findToken } from '../tokens/find.js';
import type { WrappedResponse, Wrapping, WrappingOperations } from './contract.js';
import { encodeResponse, METHOD, RESPONSE } from './token.js';

const RESPONSE_BYTES_MAX = 4 * 1024 * 1024;
const STALE: Failure = { kind: 'busy', retryAfterSeconds: 1 };

export const wrapOperation = (app: App): Pick<WrappingOperations, 'wrap'> => ({
  wrap: operation('wrapping an answer', async (context, { response, isLogin, ttlSeconds }) => {
    const session = sessionOf(app);
    const caller = callerOf(context);
    // Each wrapping is events and a token that lives: nobody leaves these here who was not asked for anything.
    if (!isLogin && caller === null && !showsToken(session, context))
      refuse({ kind: 'invalid', message: 'what is answered without a token cannot be wrapped' });
    const op = 'wrapping.wrap';
    const header = (subject: string | null): Header =>
      caller === null
        ? { v: 1, at: app.nowMs() * 1000, op, path: subject ?? context.path, ...circumstances(app, context) }
        : headerOf(app, caller, context, { op, ...(subject === null ? {} : { subject }) }, {});
    return makeWrapping(session, context, {
      ...{ response, ttlSeconds, creationPath: context.path, header, entity: ownerOf(caller) },
    });
  }),
});

/** Of routes that ask who somebody is and not what they may. */
const showsToken = (session: Session, { token }: RequestContext): boolean =>
  token !== null && findToken(session, token, session.now()) !== null;

/** Whom the caller's token acts for; null: for nobody but itself. */
export const ownerOf = (caller: Caller | null): Uuid | null =>
  caller === null || caller.token.entity === caller.token.id ? null : caller.token.entity;

export interface Wish {
  readonly response: WrappedResponse;
  readonly ttlSeconds: number;
  readonly creationPath: string;
  /** Of an event about that subject; null: about the request's own path. */
  readonly header: (subject: string | null) => Header;
  /** For whom the token acts; null: for itself. */
  readonly entity: Uuid | null;
  /** What goes in the same commit, before it. */
  readonly before?: readonly Companion[];
  readonly destroys?: readonly Uuid[];
  readonly check?: Parameters<typeof createToken>[1]['check'];
}

export const makeWrapping = async (session: Session, context: RequestContext, wish: Wish): Promise<Wrapping> => {
  const { response, ttlSeconds, creationPath, header } = wish;
  const id = randomUuid4();
  const entity = wish.entity ?? id;
  const plaintext = encodeResponse(response);
  if (plaintext.length > RESPONSE_BYTES_MAX)
    return refuse({ kind: 'too-large', message: 'an answer of more than 4 MiB cannot be wrapped' });
  const located = locateIn(session, id, RESPONSE);
  const written = prepareSteps(session, {
    ...{ node: located.path.node, names: session.names.unnamed(located.mount, located.path) },
    ...{ stored: NOTHING_STORED, steps: replacing(NOTHING_STORED.state), actor: wish.entity, plaintext },
    header: header(subjectIn(id, RESPONSE)),
  });
  wipe(plaintext);
  const { token, info, position } = await createToken(
    {
      ...{
        entity,
        policies: [RESPONSE_WRAPPING],
        noDefaultPolicy: true,
        displayName: '',
        creationPath,
        method: METHOD,
      },
      ...{ meta: null, forEver: false, uses: 1, renewable: false, boundCidrs: [], type: 'service' },
      ...{ parent: null, mount: null, role: null, periodSeconds: 0, maxTtlSeconds: 0 },
      ...{ ttlSeconds, explicitMaxTtlSeconds: ttlSeconds },
    },
    {
      ...{ session, context, streamId: id, header: header(null), deleteKeys: () => wish.destroys ?? [] },
      with: [...(wish.before ?? []), ...companions(written)],
      check: view => wish.check?.(view) ?? (written.facts(view) === null ? STALE : null),
    },
  );
  session.names.markNamed(located.path);
  return {
    ...{ position, token, accessor: info.accessor, ttlSeconds: info.creationTtlSeconds },
    ...{ createdAt: info.createdAt, creationPath, wrappedAccessor: response.accessor },
  };
};

/** Their facts are asked for only where the command's check found that they hold. */
export const companions = ({ sealed, facts }: Prepared): readonly Companion[] =>
  sealed.map((parts, i) => ({
    sealed: parts,
    facts: view => {
      const own = facts(view)?.[i];
      if (own === undefined) throw new Error('a step of a store was not decided');
      return own;
    },
  }));
