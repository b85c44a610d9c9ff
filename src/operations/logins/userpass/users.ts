/** Users of a userpass mount: their settings in events, their passwords' verifiers in sealed key rows. Case-insensitive. */
import type { Login, Role } from '../../../authority/logins.js';
import { wipe } from '../../../crypto/bytes.js';
import { pad } from '../../../crypto/padding.js';
import { randomUuid4 } from '../../../crypto/random.js';
import { KeyKind } from '../../../keys/key-kinds.js';
import { newLoginCredential } from '../../../keys/login-credential.js';
import type { KeyRow } from '../../../ledger/sealed-event.js';
import { type App, refuse } from '../../app.js';
import { operation } from '../../operation.js';
import {
  listRecords,
  lower,
  type Place,
  readRecord,
  removeRecord,
  settingsIn,
  type Writing,
  type Written,
  writeRecord,
} from '../records.js';
import { authStream } from '../streams.js';
import {
  changedTokenSettings,
  NEW_TOKEN_SETTINGS,
  TokenSettings,
  type TokenSettingsChange,
  tokenSettingsComplaint,
} from '../token-settings.js';
import type { UserpassOperations } from './contract.js';

/** What each older name sets. */
export const OLDER_NAMES = {
  policies: 'token_policies',
  ttl: 'token_ttl',
  max_ttl: 'token_max_ttl',
  bound_cidrs: 'token_bound_cidrs',
} as const;

/** Argon2id takes any length; whoever sends more than this sends no password. */
export const PASSWORD_BYTES_MAX = 1024;

export const userSettings = (record: Role | Login): TokenSettings => settingsIn(TokenSettings, record);

type Users = Omit<UserpassOperations, 'login'>;

export const userOperations = (app: App): Users => ({
  read: operation('reading a user', async (context, place) =>
    userSettings((await readRecord(app, context, 'login', lower(place))).record),
  ),

  list: operation('listing users', (context, { mount }) => listRecords(app, context, 'login', mount)),

  write: operation('writing a user', async (context, { password, change, ...place }) => {
    let warnings: readonly string[] = [];
    const done = await writeRecord(app, context, 'login', lower(place), async writing => {
      const { before } = writing;
      if (before === null && password === null) refuse({ kind: 'invalid', message: 'missing password' });
      const changed = changedSettings(before, change);
      warnings = changed.warnings;
      const { settings } = changed;
      return password === null
        ? { settings }
        : { settings, credential: await credential(app, writing, place, password) };
    });
    return { ...done, warnings };
  }),

  setPassword: operation('setting a password', (context, { password, ...place }) =>
    writeRecord(
      app,
      context,
      'login',
      lower(place),
      async writing => ({
        settings: userSettings(existing(writing)),
        credential: await credential(app, writing, place, password),
      }),
      'update',
    ),
  ),

  setPolicies: operation('setting a user’s policies', (context, { change, ...place }) =>
    writeRecord(
      app,
      context,
      'login',
      lower(place),
      (writing): Written => ({ settings: changedSettings(existing(writing), change).settings }),
      'update',
    ),
  ),

  remove: operation('removing a user', (context, place) => removeRecord(app, context, 'login', lower(place))),
});

const existing = ({ before }: Writing): Role | Login =>
  before ?? refuse({ kind: 'invalid', message: 'username does not exist' });

const changedSettings = (before: Role | Login | null, change: TokenSettingsChange) => {
  const changed = changedTokenSettings(
    before === null ? NEW_TOKEN_SETTINGS : userSettings(before),
    change,
    OLDER_NAMES,
  );
  const complaint = tokenSettingsComplaint(changed.settings);
  return complaint === null ? changed : refuse({ kind: 'invalid', message: complaint });
};

/** Derived before the lock is taken: the ledger waits for nobody's password. */
const credential = async (app: App, { session, mount }: Writing, place: Place, password: string): Promise<KeyRow> => {
  if (password === '') refuse({ kind: 'invalid', message: 'missing password' });
  if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX)
    refuse({ kind: 'invalid', message: `a password has at most ${PASSWORD_BYTES_MAX} bytes` });
  const { custody } = session;
  const login = authStream(session, 'login', mount.id, lower(place).name);
  const made = await newLoginCredential(custody.ledger, login, password, app.nexus.ports.peppers[0] ?? null);
  const padded = pad(made);
  const row = custody.wrap(randomUuid4(), KeyKind.credential, login, padded);
  wipe(made, padded);
  return row;
};
