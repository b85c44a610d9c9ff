/**
 * The edge of every operation: an async body becomes a TaskEither, and whatever it throws becomes one of the closed
 * failures. A failure that is the world's doing keeps its cause, which is logged once, at the dialect's edge.
 */

import { Argon2Busy } from '../crypto/argon2.js';
import type { Failure } from '../failure.js';
import { E, type Either } from '../fp.js';
import { KmsError } from '../kms/kms.js';
import { IntegrityError } from '../ledger/integrity.js';
import { LoaderFull, ReaderClosed } from '../ledger/point-reads.js';
import { RootRotated } from '../nexus/keyring-follow.js';
import { BeforeRetired } from '../nexus/past-authority.js';
import { DatabaseError } from '../postgres/errors.js';
import { Behind } from '../projector/projector.js';
import { Refused } from './app.js';
import { First } from './first.js';
import type { Op, RequestContext } from './request.js';

export const failureOf = (during: string, error: unknown): Failure => {
  if (error instanceof Refused) return error.failure;
  if (error instanceof BeforeRetired) return { kind: 'erased', message: error.message };
  if (error instanceof RootRotated || error instanceof ReaderClosed) return { kind: 'sealed' };
  if (error instanceof IntegrityError) return { kind: 'integrity', what: error.what, position: error.position };
  if (error instanceof LoaderFull) return { kind: 'overloaded', retryAfterSeconds: 1 };
  if (error instanceof Argon2Busy) return { kind: 'too-many-attempts', retryAfterSeconds: 2 };
  if (error instanceof KmsError) return { kind: 'kms', trouble: error.trouble, message: error.message };
  if (error instanceof Behind)
    return { kind: 'projection-behind', projection: error.projection, lag: error.lag, retryAfterSeconds: 1 };
  if (error instanceof DatabaseError) return { kind: 'database-unavailable', during, cause: error };
  return { kind: 'internal', during, cause: error };
};

const DENIES: ReadonlySet<Failure['kind']> = new Set(['unauthenticated', 'forbidden']);

/**
 * `during` names the operation for logs. What has to come first is done before anything else is: the body, which asks for
 * permission before it changes anything, begins again after it.
 */
export const operation =
  <I, O>(during: string, body: (context: RequestContext, input: I) => Promise<O>): Op<I, O> =>
  (context, input) =>
  async () => {
    try {
      return E.right(await prepared(() => body(context, input)));
    } catch (error) {
      if (error instanceof Refused && DENIES.has(error.failure.kind)) context.once.denied?.();
      return E.left(failureOf(during, error));
    }
  };

/** A token pays once and is known once: whoever asks for a third thing has gone round in a circle. */
const FIRST_MAX = 2;

const prepared = async <O>(body: () => Promise<O>): Promise<O> => {
  for (let done = 0; ; done += 1)
    try {
      return await body();
    } catch (error) {
      if (!(error instanceof First) || done === FIRST_MAX) throw error;
      await error.work();
    }
};

/** The value of a Right; a Left goes out of the operation as it is. */
export const orRefuse = <A>(either: Either<Failure, A>): A => {
  if (either._tag === 'Left') throw new Refused(either.left);
  return either.right;
};
