/** The KV v2 dialect (vault-wire.md §4) over operations. `inside` is the path inside the mount. */
import type { SecretValue } from '../operations/kv/contract.js';
import type { MountDetail } from '../operations/mounts/contract.js';
import type { At, Place } from '../operations/request.js';
import { table } from '../table.js';
import { type Answer, envelope, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call, judged, momentOf } from './call.js';
import { customMetadataField, customMetadataPatch } from './custom-metadata.js';
import { versionData } from './failure.js';
import { FieldError, unknownFields, versionsField } from './fields.js';
import * as kv from './kv-fields.js';
import { listDetails, listNames } from './kv-lists.js';
import { metadataData } from './metadata-data.js';

const unsupported = oneError(405, 'unsupported operation');
const ROOT_WARNING = 'Non-listing operations on the root of a K/V v2 mount are not supported.';

export const kvV2 = (call: Call, mount: MountDetail, inside: string): Promise<Answer> => {
  const [word = '', ...rest] = inside.split('/');
  const path = rest.join('/').replace(/\/$/, '');
  const routes = ROUTES[word];
  if (routes === undefined || (word === 'subkeys' && path === '') || (word === 'config' && path !== ''))
    return judged(call, () => wrongPath(call));
  const ofFolder = call.verb === 'list' || call.verb === 'scan';
  if (path === '' && word !== 'config' && !ofFolder) return judged(call, () => warned(call, ROOT_WARNING));
  const route = routes[call.verb];
  return route === undefined ? judged(call, () => unsupported) : route(call, { mount: mount.path, path });
};

type Route = (call: Call, place: Place) => Promise<Answer>;

const WORDS = { read: 'get', list: 'list', scan: 'list', write: 'put', patch: 'patch', delete: 'delete' } as const;

/** A v1-style path in a v2 mount: the hint that command lines print. */
const wrongPath = (call: Call): Answer =>
  warned(
    call,
    'Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. ' +
      `If using the Vault CLI, use 'vault kv ${WORDS[call.verb]}' for this operation.`,
  );

const warned = (call: Call, warning: string): Answer => ({
  status: 404,
  body: envelope(call.context.requestId, { warnings: [warning] }),
});

const read: Route = (call, place) => {
  const { context, operations, query } = call;
  const input = { ...place, version: kv.intParameter(query, 'version'), moment: momentOf(query) };
  return answered(call, operations.kv.read(context, input), found => valueAnswer(call, 'data', found, ['version']));
};

/** The value's text as it was written: it is spliced in, never parsed. */
const valueAnswer = (
  { context, query }: Call,
  member: 'data' | 'subkeys',
  { position, value }: At<SecretValue>,
  known: readonly string[],
): Answer => {
  const data = `{"${member}":${value.data},"metadata":${JSON.stringify(versionData(value.metadata))}}`;
  const warnings = kv.unknownParameters(query, known);
  return withPosition({ status: 200, body: envelope(context.requestId, { data, warnings }) }, position);
};

const readSubkeys: Route = (call, place) => {
  const { context, operations, query } = call;
  const [version, depth] = [kv.intParameter(query, 'version'), kv.intParameter(query, 'depth') ?? 0];
  const task = operations.kv.subkeys(context, { ...place, version, depth, moment: momentOf(query) });
  return answered(call, task, found => valueAnswer(call, 'subkeys', found, ['version', 'depth']), {
    'version-gone': ({ metadata }) => ({
      status: 404,
      body: envelope(context.requestId, { data: JSON.stringify({ subkeys: null, metadata: versionData(metadata) }) }),
    }),
  });
};

const write: Route = (call, place) => {
  const { context, operations, fields } = call;
  const input = { ...place, data: kv.dataField(fields), cas: kv.casOption(fields) };
  return answered(call, operations.kv.write(context, input), ({ position, value }) =>
    withPosition(ok(context.requestId, versionData(value), kv.dataWarnings(fields)), position),
  );
};

/** A miss has no body here: command lines tell it by that. */
const MISSED = { absent: (): Answer => ({ status: 404, body: null }) };

const patch: Route = (call, place) => {
  const { context, operations, fields } = call;
  const input = kv.validated(() => ({ ...place, patch: kv.dataField(fields), cas: kv.casOption(fields) }));
  return answered(
    call,
    operations.kv.patch(context, input),
    ({ position, value }) => withPosition(ok(context.requestId, versionData(value), kv.dataWarnings(fields)), position),
    {
      ...MISSED,
      'version-gone': ({ metadata }) => ({
        status: 404,
        body: envelope(context.requestId, { data: JSON.stringify(versionData(metadata)) }),
      }),
    },
  );
};

const changed = ({ position }: { readonly position: number | null }): Answer => withPosition(noContent, position);

const remove: Route = (call, place) =>
  answered(call, call.operations.kv.remove(call.context, { ...place, versions: null }), changed);

const onVersions =
  (word: 'remove' | 'undelete' | 'destroy', missing: string): Route =>
  (call, place) => {
    const versions = kv.validated(() => versionsField(call.fields));
    if (versions === undefined) throw new FieldError(missing);
    return answered(call, call.operations.kv[word](call.context, { ...place, versions }), changed);
  };

const readMetadata: Route = (call, place) =>
  answered(
    call,
    call.operations.kv.readMetadata(call.context, { ...place, moment: momentOf(call.query) }),
    ({ position, value }) => withPosition(ok(call.context.requestId, metadataData(value)), position),
  );

/** Nothing to say: 204. Something to warn of: 200, and then unknown fields are named too. */
const settled =
  (call: Call, known: readonly string[]) =>
  ({ position, warnings }: { readonly position: number | null; readonly warnings: readonly string[] }): Answer => {
    const said = warnings.length === 0 ? [] : [...warnings, ...unknownFields(call.fields, known)];
    const body = envelope(call.context.requestId, { warnings: said });
    return withPosition(said.length === 0 ? noContent : { status: 200, body }, position);
  };

const writeMetadata: Route = (call, place) => {
  const customMetadata = customMetadataField(call.fields);
  const change = { ...kv.settingsFields(call.fields), ...(customMetadata === undefined ? {} : { customMetadata }) };
  return answered(
    call,
    call.operations.kv.writeMetadata(call.context, { ...place, change }),
    settled(call, kv.METADATA_FIELDS),
  );
};

const patchMetadata: Route = (call, place) => {
  const customPatch = customMetadataPatch(call.fields);
  const change = { ...kv.settingsPatch(call.fields), ...(customPatch === undefined ? {} : { customPatch }) };
  return answered(
    call,
    call.operations.kv.patchMetadata(call.context, { ...place, change }),
    settled(call, kv.METADATA_FIELDS),
    MISSED,
  );
};

const removeMetadata: Route = (call, place) =>
  answered(call, call.operations.kv.removeMetadata(call.context, place), changed);

const readConfig: Route = (call, { mount }) =>
  answered(call, call.operations.kv.readConfig(call.context, { mount }), found =>
    ok(call.context.requestId, kv.configData(found)),
  );

const writeConfig: Route = (call, { mount }) => {
  const change = kv.validated(() => kv.configFields(call.fields));
  return answered(
    call,
    call.operations.kv.writeConfig(call.context, { mount, change }),
    settled(call, kv.METADATA_FIELDS),
  );
};

const ROUTES = table<Partial<Record<Call['verb'], Route>>>({
  data: { read, write, patch, delete: remove },
  'detailed-metadata': { list: listDetails, scan: listDetails },
  metadata: {
    read: readMetadata,
    write: writeMetadata,
    patch: patchMetadata,
    delete: removeMetadata,
    list: listNames,
    scan: listNames,
  },
  delete: { write: onVersions('remove', 'No version number provided') },
  undelete: { write: onVersions('undelete', 'No version number provided') },
  destroy: { write: onVersions('destroy', 'no version number provided') },
  config: { read: readConfig, write: writeConfig },
  subkeys: { read: readSubkeys },
});
