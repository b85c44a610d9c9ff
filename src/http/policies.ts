/** `sys/policies/acl`, the older `sys/policy`, and `sys/capabilities*` (vault-wire.md §9.1, §9.6). */
import type { TokenNamed } from '../operations/tokens/contract.js';
import { table } from '../table.js';
import { type Answer, envelope, errors, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { FieldError, stringField, stringsField } from './fields.js';

type Route = (call: Call, name: string) => Promise<Answer> | Answer;
type Routes = Readonly<Partial<Record<Call['verb'], Route>>>;

const list: Route = call =>
  answered(call, call.operations.policies.list(call.context, {}), keys => ok(call.context.requestId, { keys }));

/** The older route repeats its data at the top level, under two names. */
const oldList: Route = call =>
  answered(call, call.operations.policies.list(call.context, {}), names => {
    const data = { keys: names, policies: names };
    return { status: 200, body: envelope(call.context.requestId, { data: JSON.stringify(data), top: data }) };
  });

const read: Route = (call, name) =>
  answered(call, call.operations.policies.read(call.context, { name }), policy =>
    ok(call.context.requestId, { name: policy.name, policy: policy.text }),
  );

const oldRead: Route = (call, name) =>
  answered(call, call.operations.policies.read(call.context, { name }), policy => {
    const data = { name: policy.name, rules: policy.text };
    return { status: 200, body: envelope(call.context.requestId, { data: JSON.stringify(data), top: data }) };
  });

/** Some clients send the text as base64: taken as that when it decodes to text that is one. */
const decoded = (text: string): string => {
  const compact = text.trim();
  if (compact === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(compact) || compact.length % 4 !== 0) return text;
  const bytes = Buffer.from(compact, 'base64');
  const plain = bytes.toString('utf8');
  return Buffer.from(plain, 'utf8').equals(bytes) && /^[\P{Cc}\n\r\t]*$/u.test(plain) ? plain : text;
};

const policyText = (call: Call): { readonly text: string; readonly warnings: readonly string[] } => {
  const text = textField(call, 'policy');
  const rules = call.path.startsWith('sys/policy/') ? textField(call, 'rules') : undefined;
  const deprecated = text === undefined && rules !== undefined;
  return {
    text: decoded(text ?? rules ?? ''),
    warnings: deprecated ? ["'rules' is deprecated, please use 'policy' instead"] : [],
  };
};

const textField = ({ fields }: Call, name: string): string | undefined => {
  const raw = fields.get(name)?.trim();
  if (raw?.startsWith('{') || raw?.startsWith('['))
    throw new FieldError(
      `Field validation failed: error converting input for field "${name}": '' expected type 'string', got unconvertible type 'map[string]interface {}'`,
    );
  return stringField(fields, name);
};

const write: Route = (call, name) => {
  const { text, warnings } = policyText(call);
  const renamed = name === name.toLowerCase() ? [] : [`policy name was converted to ${name.toLowerCase()}`];
  const said = [...renamed, ...warnings];
  return answered(call, call.operations.policies.write(call.context, { name, text }), ({ position }) =>
    withPosition(
      said.length === 0 ? noContent : { status: 200, body: envelope(call.context.requestId, { warnings: said }) },
      position,
    ),
  );
};

const remove: Route = (call, name) =>
  answered(call, call.operations.policies.remove(call.context, { name }), ({ position }) =>
    withPosition(noContent, position),
  );

const capabilities =
  (named: (call: Call) => TokenNamed | string): Route =>
  call => {
    const of = named(call);
    if (typeof of === 'string') return oneError(400, of);
    const paths = stringsField(call.fields, 'paths') ?? stringsField(call.fields, 'path') ?? [];
    return answered(call, call.operations.policies.capabilities(call.context, { of, paths }), found => {
      const [only] = found;
      const data = Object.fromEntries([
        ...found.map(({ path, capabilities: words }) => [path, words]),
        ...(found.length === 1 && only !== undefined ? [['capabilities', only.capabilities]] : []),
      ]);
      return { status: 200, body: envelope(call.context.requestId, { data: JSON.stringify(data), top: data }) };
    });
  };

const EXACT = table<Routes>({
  'sys/policies/acl': { list },
  'sys/policy': { read: oldList, list: oldList },
  'sys/capabilities-self': { write: capabilities(() => ({ kind: 'self' })) },
  'sys/capabilities': {
    write: capabilities(({ fields }) => {
      const token = stringField(fields, 'token') ?? '';
      return token === '' ? 'no token found' : { kind: 'token', token };
    }),
  },
  'sys/capabilities-accessor': {
    write: capabilities(({ fields }) => {
      const accessor = stringField(fields, 'accessor') ?? '';
      return accessor === '' ? 'missing accessor' : { kind: 'accessor', accessor };
    }),
  },
});

const NAMED: readonly (readonly [string, Routes])[] = [
  ['sys/policies/acl/', { read, write, delete: remove }],
  ['sys/policy/', { read: oldRead, write, delete: remove }],
];

/** Null: not one of ours. */
export const policies = (call: Call): Promise<Answer> | Answer | null => {
  const exact = EXACT[call.path.replace(/\/$/, '')];
  if (exact !== undefined) return exact[call.verb]?.(call, '') ?? oneError(405, 'unsupported operation');
  for (const [prefix, routes] of NAMED) {
    if (!call.path.startsWith(prefix)) continue;
    const name = call.path.slice(prefix.length);
    if (name === '') return errors(404);
    return routes[call.verb]?.(call, name) ?? oneError(405, 'unsupported operation');
  }
  return null;
};
