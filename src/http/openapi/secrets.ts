/** Secrets engines, below their mounts. */
import { does, type Fields, gives, type Route } from './route.js';

/** As of then: of any read. */
const MOMENT: Fields = { at: 'string', position: 'integer' };
/** Of lists; a list with `scan=true` instead of `list=true` is of everything below. */
const LIST: Fields = { ...MOMENT, after: 'string', limit: 'integer' };
const VERSIONS: Fields = { versions: 'integers' };
const CONFIG: Fields = {
  ...{ max_versions: 'integer', cas_required: 'boolean', delete_version_after: 'duration' },
  metadata_cas_required: 'boolean',
};
const METADATA: Fields = { ...CONFIG, metadata_cas: 'integer', custom_metadata: 'map' };

const kv: readonly Omit<Route, 'mount'>[] = [
  {
    path: 'data/{path*}',
    verbs: {
      read: gives('A version of a secret', { version: 'integer', ...MOMENT }),
      write: gives('Writes the next version', { data: 'object', options: 'object' }),
      patch: gives('Merges into the current version', { data: 'object', options: 'object' }),
      delete: does('Deletes the current version, which can be undone'),
    },
  },
  {
    path: 'metadata/{path*}',
    verbs: {
      read: gives('Settings, custom metadata and all versions', MOMENT),
      list: gives('What is in a folder', LIST),
      write: does('Changes settings and custom metadata', METADATA),
      patch: does('Merges into settings and custom metadata', METADATA),
      delete: does('Removes the key with all its versions; the ledger keeps them'),
    },
  },
  { path: 'metadata', verbs: { list: gives('What is in the mount', LIST) } },
  { path: 'detailed-metadata/{path*}', verbs: { list: gives('What is in a folder, with its metadata', LIST) } },
  { path: 'detailed-metadata', verbs: { list: gives('What is in the mount, with its metadata', LIST) } },
  {
    path: 'subkeys/{path*}',
    verbs: { read: gives('The names in a version, without their values', { version: 'integer', depth: 'integer' }) },
  },
  {
    path: 'config',
    verbs: { read: gives('Settings of the mount'), write: does('Changes settings of the mount', CONFIG) },
  },
  { path: 'delete/{path*}', verbs: { write: does('Deletes versions, which can be undone', VERSIONS) } },
  { path: 'undelete/{path*}', verbs: { write: does('Brings deleted versions back', VERSIONS) } },
  { path: 'destroy/{path*}', verbs: { write: does('Destroys versions for ever', VERSIONS) } },
];

/** Version 1 has no words of its own: the fields of a body are the secret. */
const kvV1: readonly Route[] = [
  {
    ...{ mount: 'kv-v1', path: '{path*}' },
    verbs: {
      read: gives('A secret', MOMENT),
      list: gives('What is in a folder', LIST),
      write: does('Writes the secret: the body is the data', { value: 'any' }),
      delete: does('Deletes the secret; the ledger keeps it'),
    },
  },
  { ...{ mount: 'kv-v1', path: '' }, verbs: { list: gives('What is in the mount', LIST) } },
];

export const secrets: readonly Route[] = [...kv.map(route => ({ ...route, mount: 'kv' })), ...kvV1];
