/** The KV v2 dialect (vault-wire.md §4) over operations. `inside` is the path inside the mount. */
import { printDuration } from '../domain/duration.js';
import type { MetadataChange, SecretMetadata } from '../operations/contract.js';
import type { MountDetail } from '../operations/mounts/contract.js';
import { type Answer, envelope, errors, noContent, ok, oneError, withPosition } from './answer.js';
import { answered, type Call, momentOf } from './call.js';
import { customMetadataField } from './custom-metadata.js';
import { versionData } from './failure.js';
import { boolField, durationField, FieldError, intField, unknownFields, versionsField } from './fields.js';
import { printTime } from './times.js';

const unsupported = oneError(405, 'unsupported operation');
const ROOT_WARNING = 'Non-listing operations on the root of a K/V v2 mount are not supported.';

export const kvV2 = (call: Call, mount: MountDetail, inside: string): Promise<Answer> | Answer => {
  const [word = '', ...rest] = inside.split('/');
  const path = rest.join('/').replace(/\/$/, '');
  if (word === 'metadata' && call.verb === 'list') return list(call, mount.path, path);
  const known = KNOWN[word];
  if (known === undefined || (word === 'subkeys' && path === '')) return wrongPath(call);
  if (call.verb === 'list') return unsupported;
  if (path === '' && word !== 'config') return warned(call, ROOT_WARNING);
  return known(call, { mount: mount.path, path });
};

interface Place {
  readonly mount: string;
  readonly path: string;
}

type Route = (call: Call, place: Place) => Promise<Answer> | Answer;

/** A v1-style path in a v2 mount: the hint that command lines print. */
const wrongPath = (call: Call): Answer => {
  const word = { read: 'get', list: 'list', write: 'put', patch: 'patch', delete: 'delete' }[call.verb];
  return warned(
    call,
    'Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. ' +
      `If using the Vault CLI, use 'vault kv ${word}' for this operation.`,
  );
};

const warned = (call: Call, warning: string): Answer => ({
  status: 404,
  body: envelope(call.context.requestId, { warnings: [warning] }),
});

const read = (call: Call, place: Place): Promise<Answer> => {
  const { context, operations, query } = call;
  const input = { ...place, version: versionParameter(query), moment: momentOf(query) };
  return answered(call, operations.kv.read(context, input), ({ position, value }) => {
    const metadata = JSON.stringify(versionData(value.metadata));
    const data = `{"data":${value.data},"metadata":${metadata}}`;
    const warnings = unknownParameters(query, ['version', 'at', 'position', 'list', 'help']);
    return withPosition({ status: 200, body: envelope(context.requestId, { data, warnings }) }, position);
  });
};

const versionParameter = (query: URLSearchParams): number | null => {
  const given = query.getAll('version');
  const [text] = given;
  if (text === undefined || text === '') return null;
  if (given.length > 1 || !/^-?\d{1,15}$/.test(text))
    throw new FieldError(
      `Field validation failed: error converting input for field "version": '' expected type 'int', got unconvertible type 'string'`,
    );
  return Number(text);
};

const unknownParameters = (query: URLSearchParams, known: readonly string[]): readonly string[] =>
  unknownFields(new Map([...query.keys()].map(name => [name, ''])), known);

const write = (call: Call, place: Place): Promise<Answer> | Answer => {
  const { context, operations, fields } = call;
  const data = fields.get('data');
  if (data === undefined || data === 'null') return errors(400, 'no data provided');
  if (!data.startsWith('{')) return errors(400, `error converting input for field "data": '' expected a map`);
  const cas = casOption(fields.get('options'));
  if (cas === 'unreadable') return errors(400, 'error parsing check-and-set parameter');
  if (cas === 'no-map') return errors(400, `error converting input for field "options": '' expected a map`);
  return answered(call, operations.kv.write(context, { ...place, data, cas }), ({ position, value }) =>
    withPosition(
      ok(context.requestId, versionData(value), unknownFields(fields, ['data', 'options', 'version'])),
      position,
    ),
  );
};

/** A number, a numeric string, null and '' as 0, true as 1. */
const casOption = (options: string | undefined): number | null | 'unreadable' | 'no-map' => {
  const parsed: unknown = options === undefined ? null : JSON.parse(options);
  if (parsed === null) return null;
  if (typeof parsed !== 'object' || Array.isArray(parsed)) return 'no-map';
  if (!Object.hasOwn(parsed, 'cas')) return null;
  const cas: unknown = Reflect.get(parsed, 'cas');
  if (cas === null || cas === '' || cas === false) return 0;
  if (cas === true) return 1;
  const number = typeof cas === 'string' && /^-?\d{1,15}$/.test(cas) ? Number(cas) : cas;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : 'unreadable';
};

const changed = ({ position }: { readonly position: number | null }): Answer => withPosition(noContent, position);

const remove: Route = (call, place) =>
  answered(call, call.operations.kv.remove(call.context, { ...place, versions: null }), changed);

const onVersions =
  (word: 'remove' | 'undelete' | 'destroy', missing: string): Route =>
  (call, place) => {
    const versions = versionsField(call.fields);
    if (versions === undefined) return errors(400, missing);
    return answered(call, call.operations.kv[word](call.context, { ...place, versions }), changed);
  };

const readMetadata: Route = (call, place) =>
  answered(
    call,
    call.operations.kv.readMetadata(call.context, { ...place, moment: momentOf(call.query) }),
    ({ position, value }) => withPosition(ok(call.context.requestId, metadataData(value)), position),
  );

const metadataData = (value: SecretMetadata) => ({
  cas_required: value.casRequired,
  created_time: printTime(value.createdAt),
  current_metadata_version: value.metadataVersion,
  current_version: value.currentVersion,
  custom_metadata: value.customMetadata,
  delete_version_after: printDuration(value.deleteVersionAfterMs),
  max_versions: value.maxVersions,
  metadata_cas_required: value.metadataCasRequired,
  oldest_version: value.oldestVersion,
  updated_time: printTime(value.updatedAt),
  versions: Object.fromEntries(
    value.versions.map(({ version, createdAt, deletionTime, destroyed }) => [
      String(version),
      { created_time: printTime(createdAt), deletion_time: printTime(deletionTime), destroyed },
    ]),
  ),
});

const SETTINGS = [
  'max_versions',
  'cas_required',
  'delete_version_after',
  'custom_metadata',
  'metadata_cas_required',
  'metadata_cas',
];

const writeMetadata: Route = (call, place) => {
  const { context, operations, fields } = call;
  const change = metadataChange(call);
  if (typeof change === 'string') return errors(400, change);
  return answered(call, operations.kv.writeMetadata(context, { ...place, change }), ({ position, warnings }) => {
    const said = [...warnings, ...(warnings.length === 0 ? [] : unknownFields(fields, SETTINGS))];
    const answer =
      said.length === 0 ? noContent : { status: 200, body: envelope(context.requestId, { warnings: said }) };
    return withPosition(answer, position);
  });
};

/** A string: the text of the 400. */
const metadataChange = ({ fields }: Call): MetadataChange | string => {
  const custom = customMetadataField(fields.get('custom_metadata'));
  if (typeof custom === 'string') return custom;
  const maxVersions = intField(fields, 'max_versions');
  const casRequired = boolField(fields, 'cas_required');
  const deleteVersionAfterMs = durationField(fields, 'delete_version_after');
  const metadataCasRequired = boolField(fields, 'metadata_cas_required');
  const metadataCas = fields.get('metadata_cas') === 'null' ? 0 : intField(fields, 'metadata_cas');
  if (maxVersions !== undefined && maxVersions < 0) return 'max_versions cannot be negative';
  if (deleteVersionAfterMs !== undefined && deleteVersionAfterMs < 0)
    return `error converting input for field "delete_version_after": cannot provide negative value '${printSeconds(deleteVersionAfterMs)}'`;
  return {
    ...(maxVersions === undefined ? {} : { maxVersions }),
    ...(casRequired === undefined ? {} : { casRequired }),
    ...(deleteVersionAfterMs === undefined ? {} : { deleteVersionAfterMs }),
    ...(metadataCasRequired === undefined ? {} : { metadataCasRequired }),
    ...(metadataCas === undefined ? {} : { metadataCas }),
    ...(custom === undefined ? {} : { customMetadata: custom }),
  };
};

const printSeconds = (ms: number): string => String(Math.round(ms / 1000));

const removeMetadata: Route = (call, place) =>
  answered(call, call.operations.kv.removeMetadata(call.context, place), changed);

const list = (call: Call, mount: string, path: string): Promise<Answer> =>
  answered(
    call,
    call.operations.kv.list(call.context, { mount, path, moment: momentOf(call.query) }),
    ({ position, value }) => withPosition(ok(call.context.requestId, { keys: value }), position),
  );

const byVerb =
  (routes: Partial<Record<Call['verb'], Route>>): Route =>
  (call, place) =>
    routes[call.verb]?.(call, place) ?? unsupported;

const KNOWN: Readonly<Record<string, Route | undefined>> = {
  data: byVerb({ read, write, delete: remove }),
  metadata: byVerb({ read: readMetadata, write: writeMetadata, delete: removeMetadata }),
  delete: byVerb({ write: onVersions('remove', 'No version number provided') }),
  undelete: byVerb({ write: onVersions('undelete', 'No version number provided') }),
  destroy: byVerb({ write: onVersions('destroy', 'no version number provided') }),
  // The dialect has these; a later version of this server will: known paths, verbs not offered yet.
  config: byVerb({}),
  subkeys: byVerb({}),
};
