/** Mounts: listed, read, enabled, tuned, disabled. Who is first at the head of the ledger has the path. */

import { accessorOf, type Mount, NO_MOUNT } from '../../authority/mounts.js';
import type { Capability } from '../../authority/permission.js';
import type { Uuid } from '../../crypto/bytes.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import { withoutSettings } from '../kv/mount-settings.js';
import { operation } from '../operation.js';
import type { MountConfig, MountDetail, MountOperations } from './contract.js';
import { enableOperation } from './enable.js';
import { recordTuning } from './record-tuning.js';
import * as rules from './rules.js';
import { invalid } from './rules.js';

/** Every ledger's own: the token store, and the doors of administrators, of which a userpass mount may take the second. */
const BUILT_IN: readonly MountDetail[] = [
  { path: 'auth/token', type: 'token', description: 'token based credentials' },
  { path: 'auth/administrators', type: 'administrators', description: 'people who hold a slot of the root key' },
  { path: 'auth/userpass', type: 'administrators', description: 'the same, as long as nothing is mounted here' },
].map(mount => ({
  ...mount,
  ...{ accessor: accessorOf({ type: mount.type, id: NO_MOUNT }), uuid: NO_MOUNT, options: {}, config: {} },
}));

/** Mounts of the ledger and the built-in ones, without their keys; authority as folded so far. */
export const mountsOf = ({ authority }: Session): readonly MountDetail[] => {
  const { all } = authority.mounts;
  const known = details.get(all);
  if (known !== undefined) return known;
  const made = [...all.map(detailOf), ...BUILT_IN.filter(({ path }) => authority.mounts.at(path) === null)];
  details.set(all, made);
  return made;
};

/** By the table's list, which is another one after every change: each request asks. */
const details = new WeakMap<readonly Mount[], readonly MountDetail[]>();

const detailOf = (mount: Mount): MountDetail => ({
  path: mount.path.slice(0, -1),
  type: mount.type,
  description: mount.description,
  accessor: accessorOf(mount),
  uuid: mount.id,
  options: withoutSettings(mount.options),
  config: mount.config,
});

const refuseIf = (complaint: string | null): void => {
  if (complaint !== null) refuse(invalid(complaint));
};

export const mountOperations = (app: App): MountOperations => ({
  list: operation('listing mounts', async (context, { auth }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'mount.list', capability: 'read' });
    return mountsOf(session).filter(({ path }) => rules.isAuth(path) === auth);
  }),

  read: operation('reading a mount', async (context, { path, missing }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'mount.read', capability: 'read' });
    return mountsOf(session).find(mount => mount.path === path) ?? refuse(invalid(missing));
  }),

  enable: enableOperation(app),

  tune: operation('tuning a mount', async (context, { path, description, options, config }) => {
    const session = sessionOf(app);
    const [op, capability] = ['mount.tune', 'update' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    await session.reader.refresh();
    const { mounts } = session.authority;
    const before =
      mounts.at(path) ?? refuse(invalid(`tune of path "${rules.shownPath(path)}" failed: no mount entry found`));
    refuseIf(rules.descriptionComplaint(description ?? ''));
    if (options !== undefined && before.kind === 'secret') refuseIf(rules.optionsComplaint(options));
    refuseIf(rules.versionComplaint(before, options ?? {}));
    const merged = withoutNulls({ ...before.config, ...config });
    if (!rules.lifetimesFit(merged))
      refuse(
        invalid(
          `backend max lease TTL of ${rules.secondsOf(merged, 'max_lease_ttl')} would be less than backend default lease TTL of ${rules.secondsOf(merged, 'default_lease_ttl')}`,
        ),
      );
    const mount = {
      description: description ?? before.description,
      options: { ...before.options, ...options },
      config: merged,
    };
    return recordTuning(app, caller, context, { op, capability }, before, mount);
  }),

  disable: operation('disabling a mount', async (context, { path }) => {
    const session = sessionOf(app);
    const [op, capability]: [string, Capability] = ['mount.disable', 'delete'];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    await session.reader.refresh();
    if (path === 'auth/token') refuse(invalid('token credential backend cannot be disabled'));
    if (/^(?:sys|cubbyhole|identity)$/.test(path)) refuse(invalid(`cannot unmount "${path}/"`));
    const { mounts } = session.authority;
    const mount = mounts.at(path);
    if (mount === null) return { position: null };
    return changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'mount.disabled', streamId: mount.id, own: { mount: { path: mount.path } } },
      unless: () => (mounts.still(mount) === null ? 'nothing' : null),
      deleteKeys: () => credentialsAt(session, mount),
    });
  }),
});

/** Verifiers of passwords and hashes of secret ids: with their mount, they end. */
const credentialsAt = ({ authority }: Session, { id }: Mount): readonly Uuid[] =>
  [...authority.logins.of(id), ...authority.secretIds.of(id)].flatMap(({ credential }) => credential ?? []);

const withoutNulls = (config: MountConfig): MountConfig =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));
