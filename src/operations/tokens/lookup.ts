/** Looking tokens up: the caller's own, another by its text, another by its accessor, and which accessors there are. */
import type { Token } from '../../authority/tokens.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import { operation } from '../operation.js';
import type { RequestContext } from '../request.js';
import type { AuthOperations, TokenOperations } from './contract.js';
import { findToken, stillLives } from './find.js';
import { tokenInfo } from './view.js';

/** GET reads; POST and PUT ask for `update`, as everywhere. */
const capabilityOf = ({ method }: RequestContext): 'read' | 'update' => (method === 'GET' ? 'read' : 'update');

const missing = (what: string): never => refuse({ kind: 'invalid', message: what });

/** The live token behind an accessor; refuses. Lane 1 was folded for this request. */
export const byAccessor = (session: Session, accessor: string): Token => {
  if (accessor === '') missing('missing accessor');
  const found = session.authority.tokens.byAccessor(accessor, session.now());
  const token = found === null ? null : stillLives(session, found, session.now());
  return token ?? missing('invalid accessor');
};

export const lookupSelfOperation = (app: App): Pick<AuthOperations, 'lookupSelf'> => ({
  lookupSelf: operation('looking up a token', async context => {
    const session = sessionOf(app);
    const asked = { op: 'token.lookup-self', capability: capabilityOf(context) };
    const caller = await authorise(app, session, context, asked);
    return tokenInfo(session.authority, caller.token, context.token ?? '');
  }),
});

type Lookups = Pick<TokenOperations, 'lookup' | 'lookupAccessor' | 'accessors'>;

export const lookupOperations = (app: App): Lookups => ({
  lookup: operation('looking up a token', async (context, { token: text }) => {
    const session = sessionOf(app);
    const caller = await authorise(app, session, context, { op: 'token.lookup', capability: capabilityOf(context) });
    if (text === null || text === context.token) return tokenInfo(session.authority, caller.token, context.token ?? '');
    const found = findToken(session, text, session.now());
    return found === null ? refuse({ kind: 'bad-token' }) : tokenInfo(session.authority, found, text);
  }),

  lookupAccessor: operation('looking up an accessor', async (context, { accessor }) => {
    const session = sessionOf(app);
    const asked = { op: 'token.lookup-accessor', capability: capabilityOf(context) };
    await authorise(app, session, context, asked);
    return tokenInfo(session.authority, byAccessor(session, accessor), '');
  }),

  accessors: operation('listing accessors', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'token.accessors', capability: 'list' });
    return [...session.authority.tokens.all(session.now())].map(token => token.accessor).sort();
  }),
});
