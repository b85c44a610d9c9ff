/** Fields and query parameters of the KV dialects (vault-wire.md §4). Throws `FieldError`. */
import { printDuration } from '../domain/duration.js';
import type { KvConfig, MetadataSettings } from '../operations/kv/contract.js';
import type { Fields } from './body.js';
import { boolField, durationField, FieldError, intField, unknownFields } from './fields.js';

/** What the reference puts before conversion errors on routes that do not ask whether their target exists. */
export const validated = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (error instanceof FieldError) throw new FieldError(`Field validation failed: ${error.message}`);
    throw error;
  }
};

/** The text of the object to write. */
export const dataField = (fields: Fields): string => {
  const data = fields.get('data');
  if (data === undefined || data === 'null') throw new FieldError('no data provided');
  if (!data.startsWith('{')) throw new FieldError(`error converting input for field "data": '' expected a map`);
  return data;
};

/** A number, a numeric string, null and '' as 0, true as 1; null when it is not given. */
export const casOption = (fields: Fields): number | null => {
  const parsed: unknown = JSON.parse(fields.get('options') ?? 'null');
  if (parsed === null) return null;
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw new FieldError(`error converting input for field "options": '' expected a map`);
  if (!Object.hasOwn(parsed, 'cas')) return null;
  const cas: unknown = Reflect.get(parsed, 'cas');
  if (cas === null || cas === '' || cas === false) return 0;
  if (cas === true) return 1;
  const number = typeof cas === 'string' && /^-?\d{1,15}$/.test(cas) ? Number(cas) : cas;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw new FieldError('error parsing check-and-set parameter');
};

export const DATA_FIELDS = ['data', 'options', 'version'];

/** The warnings that a write of data brings. */
export const dataWarnings = (fields: Fields): readonly string[] => [
  ...unknownFields(fields, [...DATA_FIELDS, 'path']),
  ...(fields.has('path')
    ? ["Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [path]"]
    : []),
];

/** An integer of the query; null when it is absent or empty. */
export const intParameter = (query: URLSearchParams, name: string): number | null => {
  const given = query.getAll(name);
  const [text] = given;
  if (text === undefined || (text === '' && given.length === 1)) return null;
  if (given.length > 1 || !/^-?\d{1,15}$/.test(text))
    throw new FieldError(
      `Field validation failed: error converting input for field "${name}": '' expected type 'int', got unconvertible type 'string'`,
    );
  return Number(text);
};

const EVERYWHERE = ['at', 'position', 'list', 'scan', 'help'];

export const unknownParameters = (query: URLSearchParams, known: readonly string[]): readonly string[] =>
  unknownFields(new Map([...query.keys()].map(name => [name, ''])), [...known, ...EVERYWHERE]);

export const METADATA_FIELDS = [
  'max_versions',
  'cas_required',
  'delete_version_after',
  'custom_metadata',
  'metadata_cas_required',
  'metadata_cas',
];

/** Settings that a write gives; a null gives nothing. */
export const settingsFields = (fields: Fields): MetadataSettings => {
  const settings = {
    ...switches(fields),
    deleteVersionAfterMs: durationField(fields, 'delete_version_after'),
    metadataCas: fields.get('metadata_cas') === 'null' ? 0 : intField(fields, 'metadata_cas'),
  };
  const { deleteVersionAfterMs: after } = settings;
  if (after !== undefined && after < 0)
    throw new FieldError(
      `error converting input for field "delete_version_after": cannot provide negative value '${after / 1000}'`,
    );
  return given(settings);
};

/** The same for a merge: a null resets, but for `delete_version_after`, where it gives nothing. */
export const settingsPatch = (fields: Fields): MetadataSettings => {
  const isNull = (name: string): boolean => fields.get(name) === 'null';
  return {
    ...settingsFields(fields),
    ...(isNull('max_versions') ? { maxVersions: 0 } : {}),
    ...(isNull('cas_required') ? { casRequired: false } : {}),
    ...(isNull('metadata_cas_required') ? { metadataCasRequired: false } : {}),
  };
};

/** Settings of a mount, where a negative duration is one. */
export const configFields = (fields: Fields): Partial<KvConfig> =>
  given({ ...switches(fields), deleteVersionAfterMs: durationField(fields, 'delete_version_after') });

export const configData = ({ maxVersions, casRequired, metadataCasRequired, deleteVersionAfterMs }: KvConfig) => ({
  cas_required: casRequired,
  delete_version_after: deleteVersionAfterMs < 0 ? '-1s' : printDuration(deleteVersionAfterMs),
  max_versions: maxVersions,
  metadata_cas_required: metadataCasRequired,
});

const switches = (fields: Fields) => ({
  maxVersions: intField(fields, 'max_versions'),
  casRequired: boolField(fields, 'cas_required'),
  metadataCasRequired: boolField(fields, 'metadata_cas_required'),
});

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const given = <T extends object>(values: T): Given<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
