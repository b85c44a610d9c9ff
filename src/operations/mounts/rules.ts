/** Which mounts may be: reserved paths, types, lifetimes. Pure; answers the dialect's words (vault-wire.md §8.2, §8.3). */
import { segmentsOf } from '../../domain/secret/path.js';
import type { Failure } from '../../failure.js';
import { SETTING_NAMES } from '../kv/mount-settings.js';
import { SYSTEM_TTL_SECONDS } from '../tokens/ttl.js';
import type { MountConfig } from './contract.js';

const AUTH_TYPES: ReadonlySet<string> = new Set(['userpass', 'approle', 'cert', 'jwt']);
const SECRET_TYPES: ReadonlySet<string> = new Set(['kv', 'kv-v1', 'kv-v2', 'generic']);
const RESERVED = /^(?:sys|cubbyhole|auth|audit|identity)(?:\/|$)/;
const PATH_BYTES_MAX = 512;
const DESCRIPTION_BYTES_MAX = 4096;

export const invalid = (message: string): Failure => ({ kind: 'invalid', message });

export const isAuth = (path: string): boolean => path.startsWith('auth/');

/** As answers about mounts show it: with its slash, and without `auth/`. */
export const shownPath = (path: string): string => `${isAuth(path) ? path.slice(5) : path}/`;

/** No mounts of the ledger, and nobody's to take: who mounts at the administrators' second door leaves them this one. */
const BUILT_IN_PATHS = ['auth/token', 'auth/administrators'];

/** Null: fine. */
export const pathComplaint = (path: string, taken: Iterable<string>): string | null => {
  const own = isAuth(path) ? path.slice(5) : path;
  if (!isAuth(path) && RESERVED.test(path)) return `cannot mount "${path}/"`;
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) return `a mount's path has at most ${PATH_BYTES_MAX} bytes`;
  if (!/^[^\s\p{Cc}"\\+*/]+(?:\/[^\s\p{Cc}"\\+*/]+)*$/u.test(own))
    return "a mount's path has no empty parts, spaces, quotes, backslashes, '+' or '*'";
  // No request could name what is in it.
  const segments = segmentsOf(own);
  if (segments._tag === 'Left') return segments.left;
  // Below it are values: `+/metadata/*` is the auditor's, whose policy answers with none.
  if (/^[^/]+\/metadata(?:\/|$)/.test(path))
    return "the second part of a mount's path may not be metadata, which auditors may read in every mount";
  for (const other of [...BUILT_IN_PATHS, ...taken])
    if (`${path}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${path}/`))
      return `path is already in use at ${shownPath(other)}`;
  return null;
};

export const typeComplaint = (path: string, type: string): string | null => {
  if (type === '') return 'backend type must be specified as a string';
  return (isAuth(path) ? AUTH_TYPES : SECRET_TYPES).has(type)
    ? null
    : `plugin not found in the catalog: ${type.slice(0, 64)}`;
};

type Options = Readonly<Record<string, string>>;

/** Type and options as a mount keeps them: `kv-v2` is `kv` with its version, `generic` has no options. */
export const asKept = (type: string, options: Options): { readonly type: string; readonly options: Options } => {
  if (type === 'kv-v1' || type === 'kv-v2') return { type: 'kv', options: { ...options, version: type.slice(-1) } };
  return { type, options: type === 'generic' ? {} : options };
};

/** Of a mount of secrets. */
export const optionsComplaint = ({ version, ...options }: Options): string | null => {
  if (version !== undefined && version !== '1' && version !== '2') return 'the version of a kv mount is 1 or 2';
  const setting = Object.keys(options).find(name => SETTING_NAMES.has(name));
  return setting === undefined ? null : `${setting} is no option of a mount: write it to the mount's config`;
};

/** Only from 1 to 2, and what is there stays. */
export const versionComplaint = (before: { readonly type: string; readonly options: Options }, after: Options) => {
  const [from, to] = [before.options.version ?? (before.type === 'kv' ? '1' : undefined), after.version];
  if (to === undefined || to === from) return null;
  if (before.type !== 'kv') return 'the version of a mount of this type cannot be changed';
  return from === '2' ? 'cannot downgrade mount from version 2' : null;
};

export const descriptionComplaint = (description: string): string | null =>
  Buffer.byteLength(description) > DESCRIPTION_BYTES_MAX
    ? `a mount's description has at most ${DESCRIPTION_BYTES_MAX} bytes`
    : null;

export const secondsOf = (config: MountConfig, name: string): number => {
  const value = config[name];
  return typeof value === 'number' && value > 0 ? value : 0;
};

/** Default and maximum must fit each other; unset ones are the system's. */
export const lifetimesFit = (config: MountConfig): boolean => {
  const shortest = secondsOf(config, 'default_lease_ttl');
  return shortest <= (secondsOf(config, 'max_lease_ttl') || Math.max(SYSTEM_TTL_SECONDS, shortest));
};
