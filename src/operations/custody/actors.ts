/** In whose name the key store changes: a caller with a token, somebody by their password alone, or people by their shares. */
import type { Rule } from '../../authority/permission.js';
import type { Uuid } from '../../crypto/bytes.js';
import type { Header } from '../../domain/header.js';
import type { App } from '../app.js';
import { type Caller, circumstances, headerOf, stillAllowed } from '../authorise.js';
import type { RequestContext } from '../request.js';
import type { KeystoreActor } from './keystore-change.js';

const waits = ({ deadlineMs, gone }: RequestContext) => ({ deadlineMs, gone });

/** A caller whose token has `sudo` on the request's path, asked again at the head. */
export const keystoreActor = (app: App, caller: Caller, context: RequestContext, op: string): KeystoreActor => ({
  entity: caller.token.entity,
  header: headerOf(app, caller, context, { op }, {}),
  allowed: atUs => stillAllowed(caller, context, 'sudo', atUs),
  ...waits(context),
});

/** Who proved themselves by the password alone acts as their own entity, under no policy's rule. */
export const ownActor = (app: App, context: RequestContext, entity: Uuid, op: string): KeystoreActor => {
  const rule: Rule = { policy: 'own-password', path: 'auth/userpass/users/+/password', capability: 'update' };
  return {
    entity,
    header: {
      ...{ v: 1, at: app.nowMs() * 1000, op, path: context.path, rule },
      ...{ actor: { id: entity, kind: 'person' }, via: { method: 'userpass' }, ...circumstances(app, context) },
    },
    allowed: () => true,
    ...waits(context),
  };
};

/** Enough holders of shares, of whom nothing else is known: who gave which share is kept nowhere. */
export const quorumHeader = (app: App, context: RequestContext, op: string): Header => ({
  ...{ v: 1, at: app.nowMs() * 1000, op, path: context.path },
  ...{ actor: { id: null, kind: 'quorum' }, via: { method: 'shares' }, ...circumstances(app, context) },
});

export const quorumActor = (app: App, context: RequestContext, op: string): KeystoreActor => ({
  entity: null,
  header: quorumHeader(app, context, op),
  allowed: () => true,
  ...waits(context),
});
