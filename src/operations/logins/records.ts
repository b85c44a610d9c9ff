/**
 * Roles and names of auth mounts: read, listed, written, removed, the same way for every method. What a method stores of
 * one is its own affair; here is who may, where it lies, and that nobody's change is lost.
 */
import type * as t from 'io-ts';
import type { Login, Role } from '../../authority/logins.js';
import type { Mount } from '../../authority/mounts.js';
import type { Capability } from '../../authority/permission.js';
import type { Uuid } from '../../crypto/bytes.js';
import type { Failure } from '../../failure.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { KeyRow } from '../../ledger/sealed-event.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import type { RequestContext } from '../request.js';
import { authStream } from './streams.js';

export interface Place {
  /** The mount's path without its trailing slash. */
  readonly mount: string;
  readonly name: string;
}

/** Where a method's names are the same however they are spelled: policies compare them so, too (policies/folded-names.ts). */
export const lower = <P extends Place>(place: P): P => ({ ...place, name: place.name.toLowerCase() });

export type Changed = { readonly position: number | null };

/** `role`: of machines, JWTs, certificates; `login`: names with passwords. */
export type Kind = 'role' | 'login';

export const NAME_CHARACTERS_MAX = 256;
const RECORDS_MAX = 10_000;

const OPS = {
  role: { read: 'role.read', list: 'role.list', write: 'role.write', remove: 'role.remove' },
  login: { read: 'login.read', list: 'login.list', write: 'login.write', remove: 'login.remove' },
} as const;

const EVENTS = {
  role: { written: 'role.written', removed: 'role.removed' },
  login: { written: 'login.written', removed: 'login.removed' },
} as const;

/** The auth mount at that path; refuses when it went meanwhile. */
export const authMount = ({ authority }: Session, path: string): Mount =>
  authority.mounts.at(path) ?? refuse({ kind: 'no-mount', path });

/** As far as lane 1 is folded. */
export const recordOf = (session: Session, kind: Kind, mount: Mount, name: string): Role | Login | null => {
  const id = authStream(session, kind, mount.id, name);
  return kind === 'role' ? session.authority.roles.get(id) : session.authority.logins.get(id);
};

const recordsOf = ({ authority }: Session, kind: Kind, mount: Mount): Iterable<Role | Login> =>
  kind === 'role' ? authority.roles.of(mount.id) : authority.logins.of(mount.id);

export const readRecord = async (
  app: App,
  context: RequestContext,
  kind: Kind,
  place: Place,
): Promise<{ readonly session: Session; readonly mount: Mount; readonly record: Role | Login }> => {
  const session = sessionOf(app);
  await authorise(app, session, context, { op: OPS[kind].read, capability: 'read' });
  const mount = authMount(session, place.mount);
  return { session, mount, record: recordOf(session, kind, mount, place.name) ?? refuse({ kind: 'absent' }) };
};

/** Sorted; refuses when there are none. */
export const listRecords = async (
  app: App,
  context: RequestContext,
  kind: Kind,
  path: string,
): Promise<readonly string[]> => {
  const session = sessionOf(app);
  await authorise(app, session, context, { op: OPS[kind].list, capability: 'list' });
  const names = [...recordsOf(session, kind, authMount(session, path))].map(({ name }) => name).sort();
  return names.length === 0 ? refuse({ kind: 'absent' }) : names;
};

export interface Writing {
  readonly session: Session;
  readonly mount: Mount;
  readonly before: Role | Login | null;
}

export interface Written {
  readonly settings: object;
  /** Asked at the head beside what is always asked there. */
  readonly unless?: () => Failure | null;
  /** The key row of a credential that comes with it; the one that it replaces goes. */
  readonly credential?: KeyRow;
}

const credentialOf = (record: Role | Login | null): readonly Uuid[] =>
  record !== null && 'credential' in record && record.credential !== null ? [record.credential] : [];

/** What a method stored, decoded; what is authentic and of another shape is not ours to guess. */
export const settingsIn = <A>(codec: t.Type<A, unknown, unknown>, { settings }: Role | Login): A => {
  const decoded = codec.decode(settings);
  if (decoded._tag === 'Left') throw new IntegrityError('settings of a role or login');
  return decoded.right;
};

/**
 * `make` turns what is there into what shall be, and may refuse; null: nothing has to change. `asked`: where the
 * request's path is one setting of it, create and update are not told apart by whether it exists.
 */
export const writeRecord = async (
  app: App,
  context: RequestContext,
  kind: Kind,
  place: Place,
  make: (writing: Writing) => Written | null | Promise<Written | null>,
  asked: Capability | null = null,
): Promise<Changed> => {
  const session = sessionOf(app);
  await session.reader.refresh();
  const found = session.authority.mounts.at(place.mount);
  const before = found === null ? null : recordOf(session, kind, found, place.name);
  const op = OPS[kind].write;
  const capability = asked ?? (before === null ? 'create' : 'update');
  const caller = await authoriseCommand(app, session, context, { op, capability });
  const mount = found ?? refuse({ kind: 'no-mount', path: place.mount });
  if (!/^[\w](?:[\w.@:+-]{0,254}\w)?$/.test(place.name))
    refuse({ kind: 'invalid', message: 'a name here has 1 to 256 letters, digits or any of . @ : + - _ inside' });
  if (before === null && [...recordsOf(session, kind, mount)].length >= RECORDS_MAX)
    refuse({ kind: 'invalid', message: 'there are 10,000 of them at this mount already: remove some first' });
  const made = await make({ session, mount, before });
  if (made === null) return { position: null };
  const { settings, unless, credential } = made;
  if (credential === undefined && JSON.stringify(settings) === JSON.stringify(before?.settings))
    return { position: null };
  const streamId = authStream(session, kind, mount.id, place.name);
  const own = { auth_mount: mount.id, name: place.name, settings };
  const keyId = credential?.keyId ?? credentialOf(before)[0];
  return changeAuthority(app, caller, context, {
    ...{ op, capability, type: EVENTS[kind].written, streamId },
    own: keyId === undefined ? own : { ...own, credential: keyId },
    mount,
    unless: () => {
      // What was merged is not what is there.
      if (recordOf(session, kind, mount, place.name) !== before) return { kind: 'busy', retryAfterSeconds: 1 };
      return unless?.() ?? null;
    },
    ...(credential === undefined ? {} : { insertKeys: [credential], deleteKeys: () => credentialOf(before) }),
  });
};

/** Its credentials go in the same transaction: its own, and `others`. Removing what is not there changes nothing. */
export const removeRecord = async (
  app: App,
  context: RequestContext,
  kind: Kind,
  place: Place,
  others: (writing: Writing) => readonly Uuid[] = () => [],
): Promise<Changed> => {
  const session = sessionOf(app);
  const [op, capability] = [OPS[kind].remove, 'delete'] as const;
  const caller = await authoriseCommand(app, session, context, { op, capability });
  await session.reader.refresh();
  const mount = authMount(session, place.mount);
  const now = (): Role | Login | null => recordOf(session, kind, mount, place.name);
  return changeAuthority(app, caller, context, {
    ...{ op, capability, type: EVENTS[kind].removed, streamId: authStream(session, kind, mount.id, place.name) },
    own: { auth_mount: mount.id, name: place.name },
    mount,
    unless: () => (now() === null ? 'nothing' : null),
    deleteKeys: () => [...credentialOf(now()), ...others({ session, mount, before: now() })],
  });
};
