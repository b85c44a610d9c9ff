/** Quotas: listed, read, written, removed; and the settings of all of them. */
import { stream } from '../../crypto/names.js';
import type { Failure } from '../../failure.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import { operation } from '../operation.js';
import { Admission } from './admission.js';
import type { Quota, QuotaConfig, QuotaOperations } from './contract.js';
import { CONFIG_ITEM, configFrom, quotaFrom, storedConfig, storedQuota } from './settings.js';

const QUOTAS_MAX = 1000;
const SECONDS_MAX = 366 * 86_400;
const PATH_BYTES_MAX = 1024;
const EXEMPT_MAX = 100;

const invalid = (message: string): Failure => ({ kind: 'invalid', message });

const streamOf = ({ custody }: Session, kind: 'quota' | 'config', name: string) =>
  stream(custody.keyring.indexKey, custody.ledger, kind, name);

const complaintOf = ({ name, path, rate, intervalSeconds, blockSeconds }: Quota): string | null => {
  if (!/^[\w.-]{1,128}$/.test(name))
    return 'the name of a quota has 1 to 128 letters, digits, dots, dashes or underscores';
  if (!(rate > 0) || rate > 1e9) return "'rate' is invalid: it must be above 0";
  if (!(intervalSeconds >= 1) || intervalSeconds > SECONDS_MAX) return 'interval must be between a second and a year';
  if (!(blockSeconds >= 0) || blockSeconds > SECONDS_MAX) return 'block_interval must be between 0 and a year';
  return pathComplaint(path);
};

const pathComplaint = (path: string): string | null =>
  Buffer.byteLength(path) > PATH_BYTES_MAX ? `a path has at most ${PATH_BYTES_MAX} bytes` : null;

const same = (a: object | null, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);

/** `openRate`: requests a second that one address may make without a token; 0 = any number. */
export const quotaOperations = (app: App, openRate: number): QuotaOperations => {
  const admission = new Admission(app, openRate);
  return {
    ...operations(app),
    admit: asking => admission.admit(asking),
    stranger: address => admission.stranger(address),
  };
};

const operations = (app: App): Omit<QuotaOperations, 'admit' | 'stranger'> => ({
  list: operation('listing quotas', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'quota.list', capability: 'list' });
    const names = [...session.authority.quotas.entries()].map(([name]) => name).sort();
    return names.length === 0 ? refuse({ kind: 'absent' }) : names;
  }),

  read: operation('reading a quota', async (context, { name }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'quota.read', capability: 'read' });
    const settings = session.authority.quotas.get(name);
    return (settings === null ? null : quotaFrom(name, settings)) ?? refuse({ kind: 'absent' });
  }),

  write: operation('writing a quota', async (context, quota) => {
    const session = sessionOf(app);
    const [op, capability] = ['quota.write', 'update' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    const complaint = complaintOf(quota);
    if (complaint !== null) refuse(invalid(complaint));
    const { name } = quota;
    const settings = storedQuota(quota);
    const { quotas } = session.authority;
    return changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'quota.written', streamId: streamOf(session, 'quota', name), own: { name, settings } },
      unless: () => {
        const before = quotas.get(name);
        if (same(before, settings)) return 'nothing';
        if (before !== null || [...quotas.entries()].length < QUOTAS_MAX) return null;
        return invalid(`there may be at most ${QUOTAS_MAX} quotas`);
      },
    });
  }),

  remove: operation('removing a quota', async (context, { name }) => {
    const session = sessionOf(app);
    const [op, capability] = ['quota.remove', 'delete' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    return changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'quota.removed', streamId: streamOf(session, 'quota', name), own: { name } },
      unless: () => (session.authority.quotas.get(name) === null ? 'nothing' : null),
    });
  }),

  readConfig: operation('reading the settings of quotas', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'quota.config-read', capability: 'read' });
    return configFrom(session.authority.config.get(CONFIG_ITEM));
  }),

  writeConfig: operation('changing the settings of quotas', async (context, change) => {
    const session = sessionOf(app);
    const [op, capability] = ['quota.config-write', 'update' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    await session.reader.refresh();
    const { config } = session.authority;
    const before = config.get(CONFIG_ITEM);
    const next: QuotaConfig = { ...configFrom(before), ...change };
    if (next.exemptPaths.length > EXEMPT_MAX) refuse(invalid(`there may be at most ${EXEMPT_MAX} exempt paths`));
    if (next.exemptPaths.some(path => pathComplaint(path) !== null))
      refuse(invalid(`a path has at most ${PATH_BYTES_MAX} bytes`));
    const settings = storedConfig(next);
    return changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'config.changed', streamId: streamOf(session, 'config', CONFIG_ITEM) },
      own: { name: CONFIG_ITEM, settings },
      unless: () => {
        if (config.get(CONFIG_ITEM) !== before) return { kind: 'busy', retryAfterSeconds: 1 };
        return same(before, settings) ? 'nothing' : null;
      },
    });
  }),
});
