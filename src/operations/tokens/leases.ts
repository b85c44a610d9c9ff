/**
 * Leases (vault-wire.md §14). Nothing here hands out secrets that end, so every lease is a token's: its path of creation,
 * and `h` with the keyed hash that the ledger shows anyway.
 */
import type { Token } from '../../authority/tokens.js';
import type { Uuid } from '../../crypto/bytes.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import { operation } from '../operation.js';
import type { Lease, LeaseOperations } from './contract.js';
import { stillLives } from './find.js';
import { revokeTokens } from './revoke.js';

const invalid = (message: string): never => refuse({ kind: 'invalid', message });

export const leaseIdOf = (token: Token): string => `${token.creationPath}/h${token.hash}`;

/** Tokens that never end have none. */
const leaseOf = (token: Token): Lease => ({
  id: leaseIdOf(token),
  issuedAt: token.createdAt,
  expiresAt: token.expiresAt,
  renewedAt: token.renewedAt,
  renewable: token.renewable,
});

const tokenOf = (session: Session, id: string): Token | null => {
  if (id === '') invalid('lease_id must be specified');
  const hash = /\/h([0-9a-f]{64})$/.exec(id)?.[1];
  const found = hash === undefined ? null : session.authority.tokens.byHash(Buffer.from(hash, 'hex'), session.now());
  const token = found === null ? null : stillLives(session, found, session.now());
  return token === null || token.expiresAt === 0 || leaseIdOf(token) !== id ? null : token;
};

function* leases(session: Session, prefix: string): Iterable<Token> {
  for (const token of session.authority.tokens.all(session.now()))
    if (token.expiresAt !== 0 && `${token.creationPath}/`.startsWith(prefix)) yield token;
}

/** One command may not hold up the ledger for long; a prefix may name any number of tokens. */
const AT_ONCE = 500;

export const leaseOperations = (app: App): LeaseOperations => ({
  lookup: operation('looking up a lease', async (context, { id }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'lease.lookup', capability: 'update' });
    return leaseOf(tokenOf(session, id) ?? invalid('invalid lease'));
  }),

  renew: operation('renewing a lease', async (context, { id }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'lease.renew', capability: 'update' });
    return invalid(
      tokenOf(session, id) === null ? 'lease not found' : 'tokens cannot be renewed through this endpoint',
    );
  }),

  revoke: operation('revoking a lease', async (context, { id }) => {
    const session = sessionOf(app);
    const caller = await authorise(app, session, context, { op: 'lease.revoke', capability: 'update' });
    const token = tokenOf(session, id);
    return revokeTokens(app, caller, context, 'lease.revoke', token === null ? [] : [token], true);
  }),

  revokePrefix: operation('revoking leases', async (context, { prefix }) => {
    const session = sessionOf(app);
    const op = 'lease.revoke-prefix';
    const caller = await authorise(app, session, context, { op, capability: 'update' });
    if (prefix === '') invalid('prefix must be specified');
    const folder = prefix.endsWith('/') ? prefix : `${prefix}/`;
    let position: number | null = null;
    let revoked = 0;
    // What the caller's token hangs on ends last, or it could not end the others.
    const own = lineOf(session, caller.token);
    const all = [...leases(session, folder)];
    const doomed = [...all.filter(({ id }) => !own.has(id)), ...all.filter(({ id }) => own.has(id))];
    for (let at = 0; at < doomed.length; at += AT_ONCE) {
      const part = doomed.slice(at, at + AT_ONCE);
      const done = await revokeTokens(app, caller, context, op, part, true);
      position = done.position ?? position;
      revoked += part.length;
    }
    return { position, revoked };
  }),

  list: operation('listing leases', async (context, { prefix }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'lease.list', capability: 'list' });
    const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
    const keys = new Set<string>();
    for (const token of leases(session, folder)) {
      const [name = '', ...rest] = leaseIdOf(token).slice(folder.length).split('/');
      keys.add(rest.length === 0 ? name : `${name}/`);
    }
    return keys.size === 0 ? refuse({ kind: 'absent' }) : [...keys].sort();
  }),
});

/** A token with its ancestors. */
const lineOf = (session: Session, token: Token): ReadonlySet<Uuid> => {
  const line = new Set<Uuid>([token.id]);
  const { tokens } = session.authority;
  for (let next = token.parent; next !== null && !line.has(next); ) {
    line.add(next);
    next = tokens.byId(next, session.now())?.parent ?? null;
  }
  return line;
};
