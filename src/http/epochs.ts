/** `sys/ledger/epochs`: header epochs, how long headers are kept, and the end of their keys. */
import { printDuration } from '../domain/duration.js';
import type { Epochs, Retired } from '../operations/epochs/contract.js';
import { type Answer, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { boolField, durationField, FieldError, intField } from './fields.js';
import { printTime } from './times.js';

const time = (us: number | null): string | null => (us === null ? null : printTime(us));

/** Null: not one of ours. */
export const epochs = (call: Call): Promise<Answer> | Answer | null => {
  const { operations, context, fields, path, verb } = call;
  if (path === 'sys/ledger/epochs/retire')
    return verb === 'write'
      ? answered(
          call,
          operations.epochs.retire(context, {
            epoch: intField(fields, 'epoch') ?? null,
            dryRun: boolField(fields, 'dry_run') ?? false,
          }),
          retired => withPosition(ok(context.requestId, retiredObject(retired)), retired.position),
        )
      : oneError(405, 'unsupported operation');
  if (path !== 'sys/ledger/epochs') return null;
  switch (verb) {
    case 'read':
      return answered(call, operations.epochs.list(context, {}), found => ok(context.requestId, epochsObject(found)));
    case 'write':
      return answered(call, operations.epochs.configure(context, settingsOf(call)), ({ position }) =>
        withPosition(noContent, position),
      );
    default:
      return oneError(405, 'unsupported operation');
  }
};

const settingsOf = ({ fields }: Call) => {
  const [keepMs, forEver] = [durationField(fields, 'keep'), boolField(fields, 'for_ever') ?? false];
  if (forEver === (keepMs !== undefined)) throw new FieldError('give keep (a duration), or for_ever');
  return { keepMs: keepMs ?? null, automatic: boolField(fields, 'automatic') ?? false };
};

const epochsObject = ({ settings: { keepMs, automatic }, epochs: all, base }: Epochs) => ({
  ...{ keep: keepMs === null ? null : printDuration(keepMs), automatic, begins_at: base },
  epochs: all.map(({ epoch, state, openedAt, closedAt, retirableAt, retiredAt, standing }) => ({
    ...{ epoch, state, opened: printTime(openedAt), closed: time(closedAt) },
    ...{ retirable: time(retirableAt), retired: time(retiredAt), stays: standing },
  })),
});

const retiredObject = ({ contents, position, base }: Retired) => ({
  ...{ retired: position !== null, begins_at: base },
  epochs: contents.map(({ epoch, events, authority, requests, from, to }) => ({
    ...{ epoch, events, authority_events: authority, request_blocks: requests, from_position: from, to_position: to },
  })),
});
