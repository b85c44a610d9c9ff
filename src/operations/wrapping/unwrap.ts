/** What is done with a wrapping token, by whoever holds it or by somebody who was given it (vault-wire.md §13). */
import type { Capability } from '../../authority/permission.js';
import type { Token } from '../../authority/tokens.js';
import { wipe } from '../../crypto/bytes.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { Session } from '../../nexus/session.js';
import { type App, Refused, refuse, sessionOf } from '../app.js';
import { authorise, type Caller, callerOf, headerOf, requestRecord } from '../authorise.js';
import { erasedAt } from '../cubbyhole/steps.js';
import { operation } from '../operation.js';
import type { At, RequestContext } from '../request.js';
import type { WrappedResponse, WrappingOperations } from './contract.js';
import { prepareTaking, type Taking, take } from './take.js';
import { decodeResponse, findWrapping, NOT_VALID } from './token.js';
import { makeWrapping, ownerOf } from './wrap.js';

/** Its policy allows this; and whoever may have the answer may have it wrapped again. */
const UNWRAP = { capability: 'update', path: 'sys/wrapping/unwrap' } as const;

export const unwrapOperations = (app: App): Pick<WrappingOperations, 'unwrap' | 'rewrap' | 'lookup'> => ({
  unwrap: operation('unwrapping', (context, { token }) => {
    const session = sessionOf(app);
    const op = 'wrapping.unwrap';
    return watched(app, session, context, op, async () => {
      const found = await bearerOf(app, session, context, token, op);
      const taking = await prepareTaking(app, context, found.caller, found.token, op);
      const position = await take(context, found.caller, taking);
      return { position, value: responseOf(taking) };
    });
  }),

  rewrap: operation('rewrapping', (context, { token: named }) => {
    const session = sessionOf(app);
    const op = 'wrapping.rewrap';
    return watched(app, session, context, op, async () => {
      const { caller, token } = await bearerOf(app, session, context, named, op);
      const taking = await prepareTaking(app, context, caller, token, op);
      const wrapping = await makeWrapping(session, context, {
        ...{ response: responseOf(taking), ttlSeconds: token.ttl, creationPath: token.creationPath },
        header: subject => headerOf(app, caller, context, subject === null ? { op } : { op, subject }, {}),
        entity: ownerOf(caller),
        ...{ before: taking.events, destroys: taking.destroys, check: taking.check },
      });
      await session.listErased(erasedAt(wrapping.position ?? 0, taking.destroys));
      return wrapping;
    });
  }),

  lookup: operation('looking up a wrapping token', (context, { token: text }) => {
    const session = sessionOf(app);
    const op = 'wrapping.lookup';
    return watched(app, session, context, op, async () => {
      await session.reader.refresh();
      const { accessor, creationPath, ttl, createdAt } = findWrapping(session, text) ?? refuse(NOT_VALID);
      const record = requestRecord(app, context, op, null, session);
      session.recorder.record({ ...record, accessor, outcome: 'ok', status: 200 });
      return { creationPath, creationTtlSeconds: ttl, createdAt };
    });
  }),
});

/** The older way: reading the store of the wrapping token with it. JSON text of what lies there, once. */
export const readResponse = (
  app: App,
  session: Session,
  context: RequestContext,
  token: Token,
): Promise<At<string>> => {
  const op = 'wrapping.unwrap';
  return watched(app, session, context, op, async () => {
    const caller = ownCaller(session, context, token, 'read', context.path);
    const taking = await prepareTaking(app, context, caller, token, op);
    const position = await take(context, caller, taking);
    const value = taking.plaintext.toString('utf8');
    wipe(taking.plaintext);
    return { position, value };
  });
};

/** A wrapping token that is not valid any more may be one that somebody else has used: that is on record. */
const watched = async <T>(
  app: App,
  session: Session,
  context: RequestContext,
  op: string,
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refused && error.failure === NOT_VALID)
      session.recorder.record({
        ...requestRecord(app, context, op, callerOf(context)?.token ?? null, session),
        ...{ outcome: 'failed', reason_code: 'wrapping-token', status: 400 },
      });
    throw error;
  }
};

interface Bearer {
  readonly caller: Caller;
  readonly token: Token;
}

/** `named: null` = the caller's own token. It is not spent here: that belongs to the commit which gives the answer away. */
const bearerOf = async (
  app: App,
  session: Session,
  context: RequestContext,
  named: string | null,
  op: string,
): Promise<Bearer> => {
  const { token: own } = context;
  if (own !== null && own !== '' && (named === null || named === own)) {
    await session.reader.refresh();
    const token = findWrapping(session, own) ?? refuse(NOT_VALID);
    return { token, caller: ownCaller(session, context, token, UNWRAP.capability, UNWRAP.path) };
  }
  const caller = await authorise(app, session, context, { op, capability: 'update' });
  return { caller, token: (named === null ? null : findWrapping(session, named)) ?? refuse(NOT_VALID) };
};

const ownCaller = (
  session: Session,
  context: RequestContext,
  token: Token,
  capability: Capability,
  path: string,
): Caller => {
  const rule = session.authority.permissionOf(token).allows(capability, path, context.asking);
  if (rule === null) return refuse({ kind: 'forbidden' });
  const caller = { session, token, rule };
  context.once.caller = caller;
  return caller;
};

const responseOf = ({ plaintext }: Taking): WrappedResponse => {
  const response = decodeResponse(plaintext);
  wipe(plaintext);
  if (response === null) throw new IntegrityError('wrapped answer');
  return response;
};
