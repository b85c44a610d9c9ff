/** What a token may do on given paths, in the words of policies (vault-wire.md §9.6). */
import type { Token } from '../../authority/tokens.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, type Caller } from '../authorise.js';
import { operation } from '../operation.js';
import type { TokenNamed } from '../tokens/contract.js';
import { findToken } from '../tokens/find.js';
import type { PolicyOperations } from './contract.js';

export const capabilitiesOperation = (app: App): PolicyOperations['capabilities'] =>
  operation('looking up capabilities', async (context, { of, paths }) => {
    const session = sessionOf(app);
    const caller = await authorise(app, session, context, { op: 'token.capabilities', capability: 'update' });
    if (paths.length === 0) refuse({ kind: 'invalid', message: 'paths must be supplied' });
    const token = tokenOf(session, caller, of);
    await session.entityNames.know(token.entity);
    const permission = session.authority.permissionOf(token);
    return paths.map(path => ({ path, capabilities: permission.capabilitiesOf(path) }));
  });

const tokenOf = (session: Session, caller: Caller, of: TokenNamed): Token => {
  switch (of.kind) {
    case 'self':
      return caller.token;
    case 'token':
      return findToken(session, of.token, session.now()) ?? refuse({ kind: 'invalid', message: 'invalid token' });
    case 'accessor':
      return (
        session.authority.tokens.byAccessor(of.accessor, session.now()) ??
        refuse({ kind: 'invalid', message: 'invalid accessor' })
      );
  }
};
