/** What is under way in this process: at most one attempt of a kind, which ends with the session that it began in. */
import type { Session } from '../../nexus/session.js';
import { type App, Refused, refuse, sessionOf } from '../app.js';
import { authorise, requestRecord } from '../authorise.js';
import type { RequestContext } from '../request.js';
import { keystoreActor, quorumActor } from './actors.js';
import type { KeystoreActor } from './keystore-change.js';

export class Attempt<T extends { end(): void }> {
  #running: { readonly session: Session; readonly value: T } | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  /** One after another: two shares that come at once are the first and the second. */
  inTurn<R>(work: () => Promise<R>): Promise<R> {
    const mine = this.#turn.then(work, work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  begin(session: Session, value: T): void {
    this.end();
    this.#running = { session, value };
    session.attempts.add(this);
  }

  of(session: Session): T | null {
    if (this.#running !== null && this.#running.session !== session) this.end();
    return this.#running?.value ?? null;
  }

  end(): void {
    this.#running?.value.end();
    this.#running = null;
  }
}

/** Enough shares that opened nothing are a failed proof, and go on record as a wrong password does. */
const recordingFailure = async <R>(
  app: App,
  { session, context, op }: { readonly session: Session; readonly context: RequestContext; readonly op: string },
  work: () => Promise<R>,
): Promise<R> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refused && error.failure.kind === 'bad-credentials')
      session.recorder.record({
        ...requestRecord(app, context, op, null, session),
        ...{ outcome: 'failed', reason_code: 'shares', status: 400 },
      });
    throw error;
  }
};

/** Ways that ask for a token even where shares alone would do. */
const ALWAYS_TOKEN = /^sys\/(?:rotate\/|generate-root-token\/|rekey\/backup$)/;

/** The session, and in whose name things happen in it: the token's, or that of whoever gives shares. */
export const admitted = async (
  app: App,
  openRekey: boolean,
  context: RequestContext,
  op: string,
): Promise<{ readonly session: Session; readonly actor: KeystoreActor }> => {
  if (!(await app.nexus.initialised())) refuse({ kind: 'invalid', message: 'server is not yet initialized' });
  const session = sessionOf(app);
  if (openRekey && !ALWAYS_TOKEN.test(context.path)) return { session, actor: quorumActor(app, context, op) };
  // Most steps are appended nowhere, so that nobody asks again at the head.
  const caller = await authorise(app, session, context, { op, capability: 'sudo' });
  return { session, actor: keystoreActor(app, caller, context, op) };
};

/** Each step of an attempt: one at a time, by whoever may take it, a failed proof on record. */
export const admission =
  <A extends { end(): void }>(app: App, openRekey: boolean, attempt: Attempt<A>, op: string) =>
  <T>(context: RequestContext, work: (session: Session, actor: KeystoreActor) => Promise<T>): Promise<T> =>
    attempt.inTurn(async () => {
      const { session, actor } = await admitted(app, openRekey, context, op);
      return recordingFailure(app, { session, context, op }, () => work(session, actor));
    });
