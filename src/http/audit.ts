/** `sys/audit` and `sys/audit-hash` (vault-wire.md §15.1): the ledger is the one device. */
import { type Answer, noContent, okTwice, oneError } from './answer.js';
import { answered, type Call } from './call.js';
import { stringField } from './fields.js';

const list = (call: Call): Promise<Answer> =>
  answered(call, call.operations.audit.devices(call.context, {}), devices =>
    okTwice(
      call.context.requestId,
      Object.fromEntries(
        devices.map(({ path, ...device }) => [`${path}/`, { path: `${path}/`, ...device, options: {}, local: false }]),
      ),
    ),
  );

const hash = (call: Call, path: string): Promise<Answer> => {
  const input = stringField(call.fields, 'input') ?? '';
  return answered(call, call.operations.audit.hash(call.context, { path, input }), found =>
    okTwice(call.context.requestId, { hash: `hmac-sha256:${found.hash}` }),
  );
};

type Routes = Readonly<Partial<Record<Call['verb'], () => Promise<Answer>>>>;

const routesOf = (call: Call): Routes | null => {
  const { operations, context } = call;
  if (call.path === 'sys/audit') return { read: () => list(call) };
  const [, door, path = ''] = /^sys\/(audit|audit-hash)\/(.+?)\/?$/s.exec(call.path) ?? [];
  if (door === undefined) return null;
  if (door === 'audit-hash') return { write: () => hash(call, path) };
  return {
    write: () => answered(call, operations.audit.enable(context, { path }), () => noContent),
    delete: () => answered(call, operations.audit.disable(context, { path }), () => noContent),
  };
};

/** Null: not one of ours. */
export const audit = (call: Call): Promise<Answer> | Answer | null => {
  const routes = routesOf(call);
  return routes === null ? null : (routes[call.verb]?.() ?? oneError(405, 'unsupported operation'));
};
