/** The token store's operations, of their parts (vault-wire.md §10). Login methods make their tokens by `createToken`. */

import { randomUuid7 } from '../../crypto/random.js';
import type { SecretState } from '../../domain/secret/state.js';
import { sealEvent } from '../../keys/event-sealer.js';
import type { Command } from '../../ledger/command.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand, headerOf, stillAllowed } from '../authorise.js';
import type { AuthOperations } from '../contract.js';
import { operation, orRefuse } from '../operation.js';
import { createToken, loginToken, type NewToken } from './create-token.js';
import { lane1Command } from './lane1.js';
import { tokenInfo } from './view.js';

export { type Companion, type Creation, createToken, loginToken, type NewToken } from './create-token.js';
export { lane1Command } from './lane1.js';

export const tokenOperations = (app: App): Omit<AuthOperations, 'login'> => ({
  lookupSelf: operation('looking up a token', async context => {
    const session = sessionOf(app);
    const caller = await authorise(app, session, context, { op: 'token.lookup-self', capability: 'read' });
    return tokenInfo(caller.token, context.token ?? '');
  }),

  createToken: operation('creating a token', async (context, input) => {
    const session = sessionOf(app);
    const op = 'token.create';
    const caller = await authoriseCommand(app, session, context, { op, capability: 'update' });
    const own = caller.token.policies;
    if (!own.includes('root') && input.policies.some(policy => !own.includes(policy)))
      refuse({ kind: 'invalid', message: 'child policies must be subset of parent' });
    if (!Number.isSafeInteger(input.ttlSeconds) || input.ttlSeconds < 0 || input.ttlSeconds > 100 * 366 * 86_400)
      refuse({ kind: 'invalid', message: 'ttl must be between 0 and 100 years' });
    const policies = input.policies.length === 0 ? caller.token.policies : input.policies;
    const wanted: NewToken = {
      ...loginToken({
        entity: caller.token.entity,
        policies,
        displayName: input.displayName,
        creationPath: context.path,
        method: 'token',
        mount: null,
      }),
      ttlSeconds: input.ttlSeconds,
      forEver: input.ttlSeconds === 0,
      parent: caller.token.id,
    };
    return createToken(wanted, {
      session,
      context,
      header: headerOf(app, caller, context, { op }, {}),
      check: view => (stillAllowed(caller, context, 'update', view.recordedAt) ? null : { kind: 'unauthenticated' }),
    });
  }),

  revokeSelf: operation('revoking a token', async context => {
    const session = sessionOf(app);
    const op = 'token.revoke-self';
    const caller = await authoriseCommand(app, session, context, { op, capability: 'update' });
    const streamId = caller.token.id;
    const sealed = sealEvent(session.custody, {
      eventId: randomUuid7(app.nowMs()),
      streamId,
      type: 'token.revoked',
      lane: 1,
      actor: caller.token.entity,
      header: headerOf(app, caller, context, { op }, { accessor: caller.token.accessor }),
    });
    const command: Command<SecretState, { position: number }> = {
      ...lane1Command(context, streamId, sealed.header.length),
      decide: view =>
        stillAllowed(caller, context, 'update', view.recordedAt)
          ? {
              kind: 'append',
              events: [{ sealed, facts: { tree: true } }],
              result: placed => ({ position: placed[0]?.position ?? 0 }),
            }
          : { kind: 'reject', failure: { kind: 'unauthenticated' } },
    };
    return orRefuse(await session.appender.submit(command));
  }),
});
