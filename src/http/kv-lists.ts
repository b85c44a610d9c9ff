/** Lists of names (vault-wire.md §4.7, §5). */
import type { Place } from '../operations/contract.js';
import { type Answer, ok, withPosition } from './answer.js';
import { answered, type Call, momentOf } from './call.js';

export const listNames = (call: Call, place: Place): Promise<Answer> =>
  answered(
    call,
    call.operations.kv.list(call.context, { ...place, moment: momentOf(call.query) }),
    ({ position, value }) => withPosition(ok(call.context.requestId, { keys: value }), position),
  );
