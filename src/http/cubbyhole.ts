/** The cubbyhole (vault-wire.md §6): a token's own store, in the dialect of KV version 1. */
import { type Answer, envelope, errors, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call, judged } from './call.js';
import type { Engine } from './engines.js';
import { pageOf } from './kv-lists.js';

const done = ({ position }: { readonly position: number | null }): Answer => withPosition(noContent, position);

const read = (call: Call, path: string): Promise<Answer> =>
  answered(call, call.operations.cubbyhole.read(call.context, { path }), ({ position, value: data }) =>
    withPosition({ status: 200, body: envelope(call.context.requestId, { data }) }, position),
  );

/** The body is the value: its members as they were sent, number by number. */
const write = (call: Call, path: string): Promise<Answer> | Answer => {
  if (call.fields.size === 0) return judged(call, () => errors(400, 'missing data fields'));
  const data = `{${[...call.fields].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
  return answered(call, call.operations.cubbyhole.write(call.context, { path, data }), done);
};

export const cubbyhole: Engine = (call, _mount, inside) => {
  if (inside === '' && call.verb !== 'list') return judged(call, () => errors(400, 'missing path'));
  switch (call.verb) {
    case 'read':
      return read(call, inside);
    case 'write':
      return write(call, inside);
    case 'delete':
      return answered(call, call.operations.cubbyhole.remove(call.context, { path: inside }), done);
    case 'list':
      return answered(
        call,
        call.operations.cubbyhole.list(call.context, { path: inside, page: pageOf(call) }),
        ({ position, value }) => withPosition(ok(call.context.requestId, { keys: value }), position),
      );
    case 'patch':
    case 'scan':
      return judged(call, () => oneError(405, 'unsupported operation'));
  }
};
