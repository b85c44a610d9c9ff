/**
 * From the text that a caller sent to a token that lives. A service token is found by its keyed hash: what the lookup's
 * timing could tell is the hash, which says nothing about the token. A batch token carries itself, in a box.
 */
import type { Token } from '../../authority/tokens.js';
import { type BatchToken, openBatchToken } from '../../crypto/batch-token.js';
import type { Uuid } from '../../crypto/bytes.js';
import { tokenHash } from '../../crypto/ids.js';
import type { Session } from '../../nexus/session.js';

const SECOND_US = 1_000_000;

/** Null: unknown, revoked, spent, expired by `now` (µs), or of an entity that is gone. */
export const findToken = (session: Session, text: string, now: number): Token | null => {
  const { keyring, ledger } = session.custody;
  if (text.startsWith('hvb.')) {
    // Under the key in use alone: whoever had an earlier root key could make one that says anything.
    const carried = openBatchToken(keyring.tokenKey, ledger, text);
    return carried === null ? null : stillLives(session, batchToken(carried), now);
  }
  const token = byHash(session, text, now);
  return token === null ? null : withEntity(session, token);
};

/** Under each token key, of earlier root keys too, whichever fits: how long it takes says nothing about how old a token is. */
const byHash = (session: Session, text: string, now: number): Token | null => {
  const { keyring, ledger } = session.custody;
  let found: Token | null = null;
  for (const key of keyring.tokenKeys)
    found = session.authority.tokens.byHash(tokenHash(key, ledger, text), now) ?? found;
  return found;
};

/** Whether a token that was found before still lives at `now`, as it is then. */
export const stillLives = (session: Session, token: Token, now: number): Token | null => {
  const { tokens, mounts } = session.authority;
  if (token.type === 'service') return livingById(session, token.id, now);
  // Nobody can revoke one: it ends by its time, with its parent, and with the auth method that issued it.
  if (token.expiresAt <= now) return null;
  if (token.parent !== null && tokens.byId(token.parent, now) === null) return null;
  if (token.mount !== null && mounts.byId(token.mount) === null) return null;
  return withEntity(session, token);
};

/** A service token by its id; null: it does not live at `now`. */
export const livingById = (session: Session, id: Uuid, now: number): Token | null => {
  const found = session.authority.tokens.byId(id, now);
  return found === null ? null : withEntity(session, found);
};

const withEntity = (session: Session, token: Token): Token | null =>
  session.authority.entities.has(token.entity) || token.entity === token.id ? token : null;

/** A batch token as the rest of the program sees tokens. */
export const batchToken = (carried: BatchToken): Token => ({
  ...carried,
  type: 'batch',
  hash: '',
  accessor: '',
  renewedAt: 0,
  ttl: Math.round((carried.expiresAt - carried.createdAt) / SECOND_US),
  ...{ period: 0, explicitMaxTtl: 0, maxTtl: 0, uses: 0, usesLeft: 0, renewable: false },
});
