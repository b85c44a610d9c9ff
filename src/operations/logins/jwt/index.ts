/** The jwt method's operations: configuration, roles, login. */

import { KeySet, NoKeys } from '../../../jwt/key-set.js';
import type { FetchJson } from '../../../outbound/fetch-json.js';
import { type App, refuse } from '../../app.js';
import { operation } from '../../operation.js';
import { mountSettings, readMount, writeMountSettings } from '../mount-config.js';
import { listRecords, lower, readRecord, removeRecord, writeRecord } from '../records.js';
import { changedTokenSettings, tokenSettingsComplaint } from '../token-settings.js';
import { configComplaint, type JwtConfig, jwtConfig, sourceOf } from './config.js';
import { JWT_OLDER, type JwtOperations } from './contract.js';
import { Issuers } from './issuer.js';
import { jwtLogin } from './login.js';
import { jwtComplaint, jwtSettings, NEW_JWT_SETTINGS } from './settings.js';

const invalid = (message: string): never => refuse({ kind: 'invalid', message });

const NO_GROUPS =
  'groups_claim must be in the token, but gives no policies: there are no groups here; use bound_claims and token_policies';

export const jwtOperations = (app: App, fetchJson: FetchJson): JwtOperations => ({
  login: jwtLogin(app, new Issuers(fetchJson, app.nowMs)),

  readRole: operation('reading a jwt role', async (context, place) =>
    jwtSettings((await readRecord(app, context, 'role', lower(place))).record),
  ),

  listRoles: operation('listing jwt roles', (context, { mount }) => listRecords(app, context, 'role', mount)),

  writeRole: operation('writing a jwt role', async (context, { change, ...place }) => {
    let warnings: readonly string[] = [];
    const changed = await writeRecord(app, context, 'role', lower(place), ({ before }) => {
      const made = changedTokenSettings(before === null ? NEW_JWT_SETTINGS : jwtSettings(before), change, JWT_OLDER);
      const complaint = tokenSettingsComplaint(made.settings) ?? jwtComplaint(made.settings);
      if (complaint !== null) invalid(complaint);
      warnings = [...made.warnings, ...(made.settings.groups_claim === '' ? [] : [NO_GROUPS])];
      return { settings: made.settings };
    });
    return { ...changed, warnings };
  }),

  removeRole: operation('removing a jwt role', (context, place) => removeRecord(app, context, 'role', lower(place))),

  readConfig: operation('reading a jwt configuration', async (context, { mount: path }) => {
    const { session, mount } = await readMount(app, context, path, { op: 'login.config-read', capability: 'read' });
    return jwtConfig(mountSettings(session, mount, 'config')) ?? refuse({ kind: 'absent' });
  }),

  writeConfig: operation('writing a jwt configuration', (context, { mount, config }) =>
    writeMountSettings(
      app,
      context,
      { mount, name: 'config', op: 'login.config-write', capability: 'update' },
      async () => {
        const complaint = configComplaint(config) ?? (await unreachable(app, fetchJson, config));
        if (complaint !== null) invalid(complaint);
        return config;
      },
    ),
  ),
});

/** Keys are asked for now, so that a wrong address is told to whoever wrote it, not to those who log in. */
const unreachable = async (app: App, fetchJson: FetchJson, config: JwtConfig): Promise<string | null> => {
  const source = sourceOf(config);
  if (source === null) return null;
  try {
    await new KeySet(source, fetchJson, app.nowMs).keys();
    return null;
  } catch (error) {
    if (!(error instanceof NoKeys)) throw error;
    return `error checking ${source.kind === 'jwks' ? 'jwks URL' : 'oidc discovery URL'}: ${error.message}`;
  }
};
