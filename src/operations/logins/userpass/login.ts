/**
 * Logging in with a name and a password (vault-wire.md §12.1). A name that does not exist takes the same query, the same
 * derivation and the same words as a password that is wrong.
 */
import { concat, type Uuid, wipe, ZERO_UUID } from '../../../crypto/bytes.js';
import { unpad } from '../../../crypto/padding.js';
import { KeyKind } from '../../../keys/key-kinds.js';
import { passwordFits } from '../../../keys/login-credential.js';
import { keyRowsById } from '../../../keys/store.js';
import { IntegrityError } from '../../../ledger/integrity.js';
import type { Session } from '../../../nexus/session.js';
import { uuidArray } from '../../../postgres/arrays.js';
import { type App, refuse, sessionOf } from '../../app.js';
import { operation } from '../../operation.js';
import { addressAllowed } from '../../tokens/cidrs.js';
import { Attempt } from '../attempt.js';
import { aliasId } from '../entity.js';
import { logIn } from '../log-in.js';
import { authMount, lower, NAME_CHARACTERS_MAX } from '../records.js';
import { authStream } from '../streams.js';
import type { UserpassOperations } from './contract.js';
import { PASSWORD_BYTES_MAX, userSettings } from './users.js';

const WRONG = 'invalid username or password';

export const loginOperation = (app: App): Pick<UserpassOperations, 'login'> => ({
  login: operation('logging in', async (context, { password, ...place }) => {
    const session = sessionOf(app);
    await session.reader.refresh();
    const mount = authMount(session, place.mount);
    if (password === '') refuse({ kind: 'invalid', message: 'missing password' });
    // One that nobody can have is tried under one name, whatever it is.
    const name = place.name.length > NAME_CHARACTERS_MAX ? '' : lower(place).name;
    const attempt = new Attempt({ app, session, context, mount, name: aliasId(session, mount, name) });
    const login = authStream(session, 'login', mount.id, name);
    const { logins } = session.authority;
    const user = logins.get(login);
    const stored = await credentialOf(session, login, user?.credential ?? null);
    // A longer one is nobody's: the same work is done, for nothing.
    const tooLong = Buffer.byteLength(password) > PASSWORD_BYTES_MAX;
    const [credential, tried] = tooLong ? [null, ''] : [stored, password];
    const right = await passwordFits(session.custody.ledger, login, credential, tried, app.nexus.ports.peppers);
    if (stored !== null) wipe(stored);
    if (user === null || !right) return attempt.wrong('credentials', WRONG);
    const settings = userSettings(user);
    // Said in other words, it would tell whoever guesses from elsewhere that the password is right.
    if (!addressAllowed(settings.token_bound_cidrs, context.from.address)) return attempt.wrong('bound-cidr', WRONG);
    return logIn(attempt, {
      ...{ alias: name, kind: 'person', entityName: `userpass-${name}` },
      ...{ settings, displayName: `userpass-${name}`, meta: { username: name }, role: name },
      // The password was changed meanwhile, or what the user gets: neither is decided by what was read.
      check: () => (logins.get(login) === user ? null : { kind: 'busy', retryAfterSeconds: 1 }),
    });
  }),
});

/** A copy, the caller's to wipe. Asked of the database for a name that does not exist, too. */
const credentialOf = async (session: Session, login: Uuid, keyId: Uuid | null): Promise<Buffer | null> => {
  const [row] = await session.ports.runner.run(keyRowsById, [uuidArray([keyId ?? ZERO_UUID])]);
  if (row === undefined) return null;
  const padded = row.owner === login && row.kind === KeyKind.credential ? session.custody.unwrap(row) : null;
  const credential = padded === null ? null : unpad(padded);
  if (padded === null || credential === null) throw new IntegrityError('key row of a login');
  const copy = concat(credential);
  wipe(padded);
  return copy;
};
