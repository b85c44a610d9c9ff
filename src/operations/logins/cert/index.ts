/** The cert method's operations: roles, configuration, revocation lists, login. */

import { readCrl } from '../../../x509/crl.js';
import { type App, refuse } from '../../app.js';
import { operation } from '../../operation.js';
import { mountSettings, mountSettingsBelow, readMount, writeMountSettings } from '../mount-config.js';
import { listRecords, readRecord, removeRecord, writeRecord } from '../records.js';
import { changedTokenSettings, tokenSettingsComplaint } from '../token-settings.js';
import { configOf } from './config.js';
import { CERT_OLDER, type CertOperations } from './contract.js';
import { certLogin } from './login.js';
import { CRLS, CRLS_MAX, crlOf, isSignedByTrusted } from './revoked.js';
import { certComplaint, certSettings, NEW_CERT_SETTINGS } from './settings.js';

const invalid = (message: string): never => refuse({ kind: 'invalid', message });

export const certOperations = (app: App): CertOperations => ({
  login: certLogin(app),

  readRole: operation('reading a cert role', async (context, place) =>
    certSettings((await readRecord(app, context, 'role', place)).record),
  ),

  listRoles: operation('listing cert roles', (context, { mount }) => listRecords(app, context, 'role', mount)),

  writeRole: operation('writing a cert role', async (context, { change, ...place }) => {
    let warnings: readonly string[] = [];
    const changed = await writeRecord(app, context, 'role', place, ({ before }) => {
      const made = changedTokenSettings(before === null ? NEW_CERT_SETTINGS : certSettings(before), change, CERT_OLDER);
      const complaint = tokenSettingsComplaint(made.settings) ?? certComplaint(made.settings);
      if (complaint !== null) invalid(complaint);
      warnings = made.warnings;
      return { settings: made.settings };
    });
    return { ...changed, warnings };
  }),

  removeRole: operation('removing a cert role', (context, place) => removeRecord(app, context, 'role', place)),

  readConfig: operation('reading a cert configuration', async (context, { mount: path }) => {
    const { session, mount } = await readMount(app, context, path, { op: 'login.config-read', capability: 'read' });
    return configOf(mountSettings(session, mount, 'config'));
  }),

  writeConfig: operation('writing a cert configuration', (context, { mount, change }) =>
    writeMountSettings(
      app,
      context,
      { mount, name: 'config', op: 'login.config-write', capability: 'update' },
      ({ before }) => ({ ...configOf(before), ...change }),
    ),
  ),

  readCrl: operation('reading a revocation list', async (context, { mount: path, name }) => {
    const { session, mount } = await readMount(app, context, path, { op: 'login.crl-read', capability: 'read' });
    const settings = mountSettings(session, mount, `${CRLS}${name}`) ?? refuse({ kind: 'absent' });
    return [...crlOf(settings).serials].sort();
  }),

  listCrls: operation('listing revocation lists', async (context, { mount: path }) => {
    const { session, mount } = await readMount(app, context, path, { op: 'login.crl-list', capability: 'list' });
    const names = mountSettingsBelow(session, mount, CRLS).map(([name]) => name);
    return names.length === 0 ? refuse({ kind: 'absent' }) : names;
  }),

  writeCrl: operation('writing a revocation list', (context, { mount, name, crl: text }) => {
    const place = { mount, name: `${CRLS}${name}`, op: 'login.crl-write', capability: 'update' } as const;
    return writeMountSettings(app, context, place, writing => {
      if (!/^\w[\w.-]{0,127}$/.test(name))
        invalid('a name here has 1 to 128 letters, digits, dots, dashes or underscores');
      const crl = readCrl(text);
      if (typeof crl === 'string') return invalid(crl);
      if (!isSignedByTrusted(writing.session, writing.mount, crl))
        invalid('this revocation list is not signed by an authority that a role of this mount trusts');
      if (writing.before === null && mountSettingsBelow(writing.session, writing.mount, CRLS).length >= CRLS_MAX)
        invalid('there are 100 revocation lists at this mount already: remove some first');
      return { crl: text };
    });
  }),

  removeCrl: operation('removing a revocation list', (context, { mount, name }) =>
    writeMountSettings(
      app,
      context,
      { mount, name: `${CRLS}${name}`, op: 'login.crl-remove', capability: 'delete' },
      () => null,
    ),
  ),
});
