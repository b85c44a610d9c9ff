/**
 * Settings of an auth mount that are no roles: its configuration, its revocation lists. Each is a `config.changed` under
 * the mount's id, and ends with the mount.
 */
import type { Mount } from '../../authority/mounts.js';
import { mountSettingsName, type Settings } from '../../authority/settings.js';
import { stream } from '../../crypto/names.js';
import type { Session } from '../../nexus/session.js';
import { type App, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import type { RequestContext } from '../request.js';
import { authMount, type Changed } from './records.js';

/** As far as lane 1 is folded; null: never written, or taken back. */
export const mountSettings = ({ authority }: Session, mount: Mount, name: string): Settings | null =>
  authority.config.get(mountSettingsName(mount.id, name));

/** By name, sorted: those whose names begin so. */
export const mountSettingsBelow = (
  { authority }: Session,
  mount: Mount,
  prefix: string,
): readonly (readonly [string, Settings])[] => {
  const start = mountSettingsName(mount.id, prefix);
  return [...authority.config.entries()]
    .filter(([name]) => name.startsWith(start))
    .map(([name, settings]) => [name.slice(start.length), settings] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
};

/** The mount, once the caller may do this; lane 1 is folded as of now. */
export const readMount = async (
  app: App,
  context: RequestContext,
  path: string,
  asked: { readonly op: string; readonly capability: 'read' | 'list' },
): Promise<{ readonly session: Session; readonly mount: Mount }> => {
  const session = sessionOf(app);
  await authorise(app, session, context, asked);
  return { session, mount: authMount(session, path) };
};

export interface ConfigPlace {
  /** The mount's path without its trailing slash. */
  readonly mount: string;
  readonly name: string;
  readonly op: string;
  readonly capability: 'update' | 'delete';
}

export interface Configuring {
  readonly session: Session;
  readonly mount: Mount;
  readonly before: Settings | null;
}

/** `make` turns what is there into what shall be, null into nothing, and may refuse. */
export const writeMountSettings = async (
  app: App,
  context: RequestContext,
  { mount: path, name, op, capability }: ConfigPlace,
  make: (configuring: Configuring) => Settings | null | Promise<Settings | null>,
): Promise<Changed> => {
  const session = sessionOf(app);
  const caller = await authoriseCommand(app, session, context, { op, capability });
  await session.reader.refresh();
  const mount = authMount(session, path);
  const before = mountSettings(session, mount, name);
  const settings = await make({ session, mount, before });
  if (settings === null && before === null) return { position: null };
  const full = mountSettingsName(mount.id, name);
  const { keyring, ledger } = session.custody;
  return changeAuthority(app, caller, context, {
    ...{ op, capability, type: 'config.changed', own: { name: full, settings } },
    streamId: stream(keyring.indexKey, ledger, 'config', Buffer.from(full, 'utf8')),
    mount,
    // What was merged is not what is there.
    unless: () => (mountSettings(session, mount, name) === before ? null : { kind: 'busy', retryAfterSeconds: 1 }),
  });
};
