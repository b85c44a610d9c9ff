/** Lists of names, plain, recursive and with metadata, in parts (vault-wire.md §4.7, §5). */
import type { Page } from '../operations/kv/contract.js';
import type { Place } from '../operations/request.js';
import { type Answer, ok, withPosition } from './answer.js';
import { answered, type Call, momentOf } from './call.js';
import { intParameter } from './kv-fields.js';
import { metadataData } from './metadata-data.js';

/** `after=` and `limit=`; a limit that is not above zero is none. */
export const pageOf = ({ query }: Call): Page => ({
  after: query.get('after') || null,
  limit: Math.max(0, intParameter(query, 'limit') ?? 0),
});

const inputOf = (call: Call, place: Place) => ({
  ...place,
  moment: momentOf(call.query),
  deep: call.verb === 'scan',
  page: pageOf(call),
});

export const listNames = (call: Call, place: Place): Promise<Answer> =>
  answered(
    call,
    call.operations.kv.list(call.context, { ...inputOf(call, place), detailed: false }),
    ({ position, value }) =>
      withPosition(ok(call.context.requestId, { keys: value.map(({ name }) => name) }), position),
  );

export const listDetails = (call: Call, place: Place): Promise<Answer> =>
  answered(
    call,
    call.operations.kv.list(call.context, { ...inputOf(call, place), detailed: true }),
    ({ position, value }) => {
      const shown = value.map(({ name, metadata }) => [name, metadata === null ? {} : metadataData(metadata)] as const);
      const data = { keys: value.map(({ name }) => name), key_info: Object.fromEntries(shown) };
      return withPosition(ok(call.context.requestId, data), position);
    },
  );
