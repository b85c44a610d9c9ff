/** What a login method is asked when a token of its is renewed, and what most of them answer: the role is still there. */
import type { Mount } from '../../authority/mounts.js';
import type { Token } from '../../authority/tokens.js';
import type { Failure } from '../../failure.js';
import { E, type Either } from '../../fp.js';
import type { Session } from '../../nexus/session.js';
import type { RequestContext } from '../request.js';
import type { Lifetime } from '../tokens/ttl.js';
import { authStream } from './streams.js';
import { lifetimeOf, TokenSettings } from './token-settings.js';

export interface Renewing {
  readonly session: Session;
  readonly context: RequestContext;
  readonly mount: Mount;
  readonly token: Token;
}

/** Right: how long it may live from now on. */
export type RenewalRule = (renewing: Renewing) => Either<Failure, Lifetime>;

const invalid = (message: string): Either<Failure, never> => E.left({ kind: 'invalid', message });

/** The role is still there. */
export const roleStands: RenewalRule = ({ session, mount, token }) => {
  const name = token.role ?? '';
  const role = session.authority.roles.get(authStream(session, 'role', mount.id, name));
  return role !== null && TokenSettings.is(role.settings)
    ? E.right(lifetimeOf(role.settings))
    : invalid(`role ${JSON.stringify(name)} does not exist during renewal`);
};
