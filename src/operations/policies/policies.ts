/** Policies: read, written, removed. The text is stored as it was sent, in the header of its event, for auditors to read. */
import type { Capability } from '../../authority/permission.js';
import { BUILT_IN } from '../../authority/policies.js';
import { stream } from '../../crypto/names.js';
import { parsePolicy } from '../../policies/parse.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import { operation } from '../operation.js';
import type { PolicyOperations } from './contract.js';

const NAME_BYTES_MAX = 512;

export const policyOperations = (app: App): Omit<PolicyOperations, 'capabilities'> => ({
  list: operation('listing policies', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'policy.list', capability: listing(context.method) });
    return [...session.authority.policies.names(), 'root'].sort();
  }),

  read: operation('reading a policy', async (context, { name }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'policy.read', capability: 'read' });
    const key = name.toLowerCase();
    const text = BUILT_IN.get(key) ?? session.authority.policies.get(key)?.text;
    return text === undefined ? refuse({ kind: 'absent' }) : { name: key, text };
  }),

  write: operation('writing a policy', async (context, { name, text }) => {
    const session = sessionOf(app);
    const [op, capability] = ['policy.write', 'update' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    const key = nameOf(name);
    if (BUILT_IN.has(key)) refuse({ kind: 'invalid', message: `cannot update "${key}" policy` });
    const parsed = parsePolicy(key, text);
    if (parsed._tag === 'Left') refuse({ kind: 'invalid', message: parsed.left.message });
    const { keyring, ledger } = session.custody;
    const streamId = stream(keyring.indexKey, ledger, 'policy', key);
    const own = { name: key, text };
    return changeAuthority(app, caller, context, { op, capability, type: 'policy.written', streamId, own });
  }),

  remove: operation('removing a policy', async (context, { name }) => {
    const session = sessionOf(app);
    const [op, capability] = ['policy.remove', 'delete' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    const key = nameOf(name);
    if (BUILT_IN.has(key)) refuse({ kind: 'invalid', message: `cannot delete "${key}" policy` });
    if (key === 'default') refuse({ kind: 'invalid', message: 'cannot delete default policy' });
    const { keyring, ledger } = session.custody;
    const streamId = stream(keyring.indexKey, ledger, 'policy', key);
    return changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'policy.removed', streamId, own: { name: key } },
      unless: () => (session.authority.policies.get(key) === null ? 'nothing' : null),
    });
  }),
});

const listing = (method: string): Capability => (method === 'LIST' ? 'list' : 'read');

const nameOf = (name: string): string => {
  const key = name.toLowerCase();
  if (key === '' || Buffer.byteLength(key) > NAME_BYTES_MAX)
    return refuse({ kind: 'invalid', message: `a policy's name has 1 to ${NAME_BYTES_MAX} bytes` });
  return key;
};
