/** `sys/ledger/slots`: who opens the ledger. */
import { SLOT_KINDS, type SlotAdded, type SlotInfo, type SlotRequest } from '../operations/custody/contract.js';
import { type Answer, envelope, noContent, oneError, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { keyFields, recipientFields, splitFields } from './custody-fields.js';
import { FieldError, stringField, stringsField } from './fields.js';

const SLOT = /^sys\/ledger\/slots\/([^/]+)(\/rotate)?$/;

/** Null: not one of ours. */
export const slots = (call: Call): Promise<Answer> | Answer | null => {
  if (call.path === 'sys/ledger/slots') return all(call);
  const match = SLOT.exec(call.path);
  const slot = match?.[1];
  if (slot === undefined) return null;
  const { operations, context, fields } = call;
  if (match?.[2] !== undefined && call.verb === 'write')
    return answered(
      call,
      operations.custody.rotateSlot(context, { slot, password: stringField(fields, 'password') ?? null }),
      added(call),
    );
  if (match?.[2] === undefined && call.verb === 'delete')
    return answered(call, operations.custody.removeSlot(context, { slot }), ({ position }) =>
      withPosition(noContent, position),
    );
  return oneError(405, 'unsupported operation');
};

const all = (call: Call): Promise<Answer> | Answer => {
  const { operations, context } = call;
  if (call.verb === 'read' || call.verb === 'list')
    return answered(call, operations.custody.listSlots(context, {}), found => ({
      status: 200,
      body: envelope(context.requestId, { data: JSON.stringify({ slots: found.map(shown) }) }),
    }));
  if (call.verb !== 'write') return oneError(405, 'unsupported operation');
  return answered(call, operations.custody.addSlot(context, requestOf(call)), added(call));
};

const requestOf = ({ fields }: Call): SlotRequest => {
  const kind = SLOT_KINDS.find(known => known === stringField(fields, 'kind'));
  const name = stringField(fields, 'name') ?? '';
  const needed = (field: string): string => {
    const text = stringField(fields, field);
    if (text === undefined) throw new FieldError(`a slot of this kind needs ${field}`);
    return text;
  };
  switch (kind) {
    case undefined:
      throw new FieldError(`kind is one of ${SLOT_KINDS.join(', ')}`);
    case 'password':
      return { kind, name, password: needed('password'), policies: stringsField(fields, 'policies') ?? [] };
    case 'shares': {
      const split = splitFields(fields, 'invalid seal configuration');
      const mismatch = 'count mismatch between number of provided PGP keys and number of shares';
      return { kind, name, split, recipients: recipientFields(fields, split.shares, mismatch) };
    }
    case 'key-file':
      return { kind, name };
    case 'kms':
      return { kind, name, uri: needed('uri') };
  }
};

const added =
  (call: Call) =>
  ({ position, id, keys, keyFile }: SlotAdded): Answer => {
    const data = {
      id,
      ...(keys.length === 0 ? {} : keyFields(keys)),
      ...(keyFile === null ? {} : { key: keyFile.toString('hex') }),
    };
    keyFile?.fill(0);
    const body = envelope(call.context.requestId, { data: JSON.stringify(data) });
    return withPosition({ status: 200, body }, position);
  };

const shown = ({ id, kind, name, entity, rootGeneration, shares, kms, password }: SlotInfo) => ({
  ...{ id, kind, name, entity_id: entity, root_generation: rootGeneration },
  ...(shares === null ? {} : { secret_shares: shares.shares, secret_threshold: shares.threshold }),
  ...(kms === null ? {} : { uri: kms }),
  ...(password === null
    ? {}
    : {
        ...{ memory_kib: password.memoryKib, iterations: password.iterations, parallelism: password.parallelism },
        pepper: password.pepper,
      }),
});
