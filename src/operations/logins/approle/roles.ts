/** AppRoles: read, listed, written, removed, and their settings one by one. Names are case-insensitive. */
import type { Login, Role } from '../../../authority/logins.js';
import { randomUuid4 } from '../../../crypto/random.js';
import type { Failure } from '../../../failure.js';
import { type App, refuse } from '../../app.js';
import { operation } from '../../operation.js';
import {
  listRecords,
  lower,
  readRecord,
  removeRecord,
  settingsIn,
  type Writing,
  type Written,
  writeRecord,
} from '../records.js';
import type { AppRoleChange, AppRoleOperations } from './contract.js';
import { AppRoleSettings, changedRole, NEW_APP_ROLE, roleComplaint } from './settings.js';

type Roles = Pick<
  AppRoleOperations,
  'readRole' | 'listRoles' | 'writeRole' | 'removeRole' | 'writeSetting' | 'resetSetting'
>;

export const appRole = (record: Role | Login): AppRoleSettings => settingsIn(AppRoleSettings, record);

const TAKEN: Failure = { kind: 'invalid', message: 'role_id is already in use by another role' };

const written = ({ session, mount, before }: Writing, settings: AppRoleSettings): Written => {
  const complaint = roleComplaint(before === null ? null : appRole(before), settings);
  if (complaint !== null) refuse({ kind: 'invalid', message: complaint });
  return {
    settings,
    unless: () => {
      const holder = session.authority.roles.byRoleId(mount.id, settings.role_id);
      return holder === null || holder.id === before?.id ? null : TAKEN;
    },
  };
};

export const roleOperations = (app: App): Roles => ({
  readRole: operation('reading a role', async (context, place) =>
    appRole((await readRecord(app, context, 'role', lower(place))).record),
  ),

  listRoles: operation('listing roles', (context, { mount }) => listRecords(app, context, 'role', mount)),

  writeRole: operation('writing a role', async (context, { change, ...place }) => {
    let warnings: readonly string[] = [];
    const done = await writeRecord(app, context, 'role', lower(place), writing => {
      const { before } = writing;
      const made = before === null ? { role_id: randomUuid4(), ...change } : change;
      const changed = changedRole(before === null ? null : appRole(before), made);
      warnings = changed.warnings;
      return written(writing, changed.settings);
    });
    return { ...done, warnings };
  }),

  removeRole: operation('removing a role', (context, place) =>
    removeRecord(app, context, 'role', lower(place), ({ session, mount, before }) =>
      before === null
        ? []
        : [...session.authority.secretIds.ofRole(mount.id, before.name)].map(each => each.credential),
    ),
  ),

  writeSetting: operation('writing a setting of a role', (context, { change, ...place }) =>
    writeRecord(app, context, 'role', lower(place), writing => merged(writing, change), 'update'),
  ),

  resetSetting: operation('resetting a setting of a role', (context, { setting, ...place }) =>
    writeRecord(
      app,
      context,
      'role',
      lower(place),
      writing => (writing.before === null ? null : merged(writing, { [setting]: NEW_APP_ROLE[setting] })),
      'delete',
    ),
  ),
});

const merged = (writing: Writing, change: AppRoleChange): Written => {
  const before = writing.before ?? refuse({ kind: 'absent' });
  return written(writing, changedRole(appRole(before), change).settings);
};
