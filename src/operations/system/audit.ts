/**
 * The ledger as the one audit device: it is always there, nobody can disable it, and no other can be enabled, because a
 * second trail could only say less (vault-wire.md §15.1).
 */
import { tokenHash } from '../../crypto/ids.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import { operation } from '../operation.js';
import type { AuditDevice, AuditOperations } from './contract.js';

const LEDGER: AuditDevice = {
  path: 'ledger',
  type: 'ledger',
  description: 'every change and every denial, in the ledger: read it at sys/ledger/events',
};

const invalid = (message: string) => ({ kind: 'invalid' as const, message });

export const auditOperations = (app: App): AuditOperations => ({
  devices: operation('listing audit devices', async context => {
    await authorise(app, sessionOf(app), context, { op: 'audit.list', capability: 'read' });
    return [LEDGER];
  }),

  enable: operation('enabling an audit device', async (context, { path }) => {
    await authorise(app, sessionOf(app), context, { op: 'audit.enable', capability: 'update' });
    if (path === LEDGER.path) refuse(invalid('path already in use'));
    return refuse(
      invalid(
        'cannot enable audit device via API; the ledger is the audit device: everything is recorded in it, read it at sys/ledger/events',
      ),
    );
  }),

  disable: operation('disabling an audit device', async (context, { path }) => {
    await authorise(app, sessionOf(app), context, { op: 'audit.disable', capability: 'delete' });
    return path === LEDGER.path ? refuse(invalid('the ledger is the audit device and cannot be disabled')) : null;
  }),

  hash: operation('hashing as the audit trail does', async (context, { path, input }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'audit.hash', capability: 'update' });
    if (path !== LEDGER.path) refuse(invalid(`unknown audit backend "${path.replace(/["\\]/g, '')}/"`));
    if (input === '') refuse(invalid('the "input" parameter is empty'));
    const { keyring, ledger } = session.custody;
    return { hash: tokenHash(keyring.tokenKey, ledger, input).toString('hex') };
  }),
});
