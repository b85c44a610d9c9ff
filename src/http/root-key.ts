/** `sys/ledger/root-key`: the rotation of the root key. */
import type { RootRotationProgress, RootRotationStatus } from '../operations/custody/contract.js';
import { type Answer, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { keyBytes, keyField, keyFields, recipientFields, splitFields } from './custody-fields.js';
import { FieldError, stringField, stringsField } from './fields.js';

/** Null: not one of ours. */
export const rootKey = (call: Call): Promise<Answer> | Answer | null => {
  const { operations, context, path, verb } = call;
  if (path === 'sys/ledger/root-key/update')
    return verb === 'write'
      ? answered(call, operations.custody.rotationUpdate(context, keyField(call.fields)), progress(call))
      : oneError(405, 'unsupported operation');
  if (path !== 'sys/ledger/root-key') return null;
  switch (verb) {
    case 'read':
      return answered(call, operations.custody.rotationStatus(context, {}), status =>
        ok(context.requestId, statusObject(status)),
      );
    case 'write':
      return answered(call, operations.custody.rotationStart(context, requestOf(call)), progress(call));
    case 'delete':
      return answered(call, operations.custody.rotationCancel(context, {}), () => noContent);
    default:
      return oneError(405, 'unsupported operation');
  }
};

const requestOf = ({ fields }: Call) => {
  const keyFile = stringField(fields, 'key_file');
  const bytes = keyFile === undefined ? null : keyBytes(keyFile);
  if (keyFile !== undefined && bytes?.length !== 32) throw new FieldError('key_file must be 32 bytes in hex or base64');
  const split = fields.has('secret_shares') ? splitFields(fields, 'invalid seal configuration') : null;
  const mismatch = 'give secret_shares, and as many recipients as shares';
  return {
    ...{ password: stringField(fields, 'password') ?? null, keyFile: bytes, split },
    drop: stringsField(fields, 'drop') ?? [],
    recipients: recipientFields(fields, split?.shares ?? 0, mismatch),
  };
};

const statusObject = ({ stage, ...status }: RootRotationStatus) => ({
  ...{ started: stage !== 'none', complete: false },
  ...(stage === 'none' ? {} : { stage, ...status }),
});

const progress =
  (call: Call) =>
  (done: RootRotationProgress): Answer => {
    const { requestId } = call.context;
    if (!done.complete) {
      const keys = done.keys.length === 0 ? {} : keyFields(done.keys);
      return ok(requestId, { ...statusObject(done.status), ...keys });
    }
    const { position, rootGeneration, remade, dropped } = done;
    const data = { started: false, complete: true, root_generation: rootGeneration, remade, dropped };
    return withPosition(ok(requestId, data), position);
  };
