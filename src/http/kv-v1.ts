/** The KV v1 dialect (vault-wire.md §5): the body is the data, one version is kept. `inside` is the path inside the mount. */
import { parseDuration } from '../domain/duration.js';
import { members, objectText } from '../domain/json/members.js';
import type { MountDetail } from '../operations/mounts/contract.js';
import type { Place } from '../operations/request.js';
import { type Answer, envelope, noContent, notFound, oneError, withPosition } from './answer.js';
import { answered, type Call, judged, momentOf } from './call.js';
import { FieldError } from './fields.js';
import { listNames } from './kv-lists.js';
import { SYSTEM_TTL_SECONDS } from './mounts.js';

export const kvV1 = (call: Call, mount: MountDetail, inside: string): Promise<Answer> => {
  const place = { mount: mount.path, path: inside.replace(/\/$/, '') };
  if (call.verb === 'list' || call.verb === 'scan') return listNames(call, place);
  if (place.path === '') return judged(call, () => oneError(404, 'unsupported path'));
  switch (call.verb) {
    case 'read':
      return read(call, place, mount);
    case 'write':
      return write(call, place);
    case 'delete':
      return answered(call, call.operations.kv.removeMetadata(call.context, place), changed);
    default:
      return judged(call, () => oneError(405, 'unsupported operation'));
  }
};

const changed = ({ position }: { readonly position: number | null }): Answer => withPosition(noContent, position);

const read = (call: Call, place: Place, mount: MountDetail): Promise<Answer> => {
  const { context, operations, query } = call;
  const input = { ...place, version: null, moment: momentOf(query) };
  return answered(
    call,
    operations.kv.read(context, input),
    ({ position, value: { data } }) => {
      const body = envelope(context.requestId, { data, leaseDuration: leaseSeconds(data, mount) });
      return withPosition({ status: 200, body }, position);
    },
    MISSED,
  );
};

/** There is no metadata in this dialect: what was destroyed is not there. */
const MISSED = { 'version-gone': () => notFound };

/** In mounts of version 2 no value is below it, and policies go by that: the auditor's reads `+/metadata/*`. */
const METADATA = 'a path in a mount of version 1 may not begin with metadata/, which auditors may read in every mount';

/** The body's members put together again, each with the text that it was sent with. */
const write = (call: Call, place: Place): Promise<Answer> => {
  const { context, operations, fields } = call;
  if (fields.size === 0) throw new FieldError('missing data fields');
  if (place.path.startsWith('metadata/')) throw new FieldError(METADATA);
  return answered(call, operations.kv.write(context, { ...place, data: objectText(fields), cas: null }), changed);
};

/** What the secret says in `ttl` or `lease`; what cannot be read is the mount's. */
const leaseSeconds = (data: string, { config }: MountDetail): number => {
  const found = members(data);
  const text = found?.get('ttl') ?? found?.get('lease');
  const parsed: unknown = text === undefined ? null : JSON.parse(text);
  const duration = typeof parsed === 'string' || typeof parsed === 'number' ? parseDuration(String(parsed)) : null;
  if (duration?._tag === 'Right' && duration.right > 0) return duration.right / 1000;
  const { default_lease_ttl: own } = config;
  return typeof own === 'number' && own > 0 ? own : SYSTEM_TTL_SECONDS;
};
