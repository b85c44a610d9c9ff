/** `sys/mounts` and `sys/auth`: mounts of engines and of auth methods, and their tuning (vault-wire.md §8). */

import { parseDuration } from '../domain/duration.js';
import type { LockoutConfig } from '../operations/logins/lockout-rule.js';
import type { MountConfig, MountDetail } from '../operations/mounts/contract.js';
import { type Answer, errors, noContent, okTwice, oneError, withPosition } from './answer.js';
import type { Fields } from './body.js';
import { answered, type Call, judged, type Routes } from './call.js';
import { boolField, FieldError, intField, mapField, stringField, stringsField } from './fields.js';

export const SYSTEM_TTL_SECONDS = 2_764_800;
const SECONDS_MAX = 100 * 366 * 86_400;
const LISTS = [
  'audit_non_hmac_request_keys',
  'audit_non_hmac_response_keys',
  'passthrough_request_headers',
  'allowed_response_headers',
] as const;
const TOKEN_TYPES: ReadonlySet<string> = new Set(['default-service', 'default-batch', 'service', 'batch']);

const isAuth = ({ path }: Pick<MountDetail, 'path'>): boolean => path.startsWith('auth/');
export const shown = ({ path }: Pick<MountDetail, 'path'>): string =>
  `${path.startsWith('auth/') ? path.slice(5) : path}/`;

export const mountObject = (mount: MountDetail) => ({
  type: mount.type,
  description: mount.description,
  accessor: mount.accessor,
  uuid: mount.uuid,
  local: mount.type === 'cubbyhole',
  seal_wrap: false,
  external_entropy_access: false,
  options: Object.keys(mount.options).length === 0 ? null : mount.options,
  plugin_version: '',
  running_plugin_version: '',
  running_sha256: '',
  config: {
    ...{ default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false },
    ...(isAuth(mount) ? { token_type: 'default-service' } : {}),
    ...mount.config,
  },
  deprecation_status: 'supported',
});

export const mountObjects = (mounts: readonly MountDetail[]) =>
  Object.fromEntries(mounts.map(mount => [shown(mount), mountObject(mount)]));

/** What is tuned, with lifetimes as they act. */
const tuning = (mount: MountDetail) => {
  const { config, ...object } = mountObject(mount);
  return {
    ...config,
    description: object.description,
    default_lease_ttl: config.default_lease_ttl || SYSTEM_TTL_SECONDS,
    max_lease_ttl: config.max_lease_ttl || SYSTEM_TTL_SECONDS,
    ...(object.options === null ? {} : { options: object.options }),
  };
};

const twice = (call: Call, data: Readonly<Record<string, unknown>>): Answer => okTwice(call.context.requestId, data);

/** Undefined: leave it; 0: the system's. */
const seconds = (fields: Fields, name: string, which: string): number | undefined => {
  const text = stringField(fields, name);
  if (text === undefined || text === '') return undefined;
  if (text === 'system') return 0;
  const duration = parseDuration(text);
  if (duration._tag === 'Left') throw new FieldError(`unable to parse ${which} TTL of ${text}: ${duration.left}`);
  const value = Math.floor(duration.right / 1000);
  if (value < 0 || value > SECONDS_MAX) throw new FieldError(`${name} must be between 0 and 100 years`);
  return value;
};

/** Counts and durations may come as words; what is not sent is the dialect's default. */
const lockoutOf = (fields: Fields): LockoutConfig | undefined => {
  if (!fields.has('user_lockout_config')) return undefined;
  const sent = nested(fields, 'user_lockout_config');
  const given = {
    lockout_threshold: intField(sent, 'lockout_threshold'),
    lockout_duration: seconds(sent, 'lockout_duration', 'lockout'),
    lockout_counter_reset: seconds(sent, 'lockout_counter_reset', 'lockout counter'),
    lockout_disable: boolField(sent, 'lockout_disable'),
  };
  if ((given.lockout_threshold ?? 1) < 1)
    throw new FieldError('lockout_threshold must be at least 1; lockout_disable turns locking off');
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
};

const configOf = (fields: Fields): MountConfig => {
  const visibility = stringField(fields, 'listing_visibility');
  if (visibility !== undefined && !['', 'hidden', 'unauth'].includes(visibility))
    throw new FieldError("listing_visibility must be 'hidden', 'unauth' or empty");
  const tokenType = stringField(fields, 'token_type');
  if (tokenType !== undefined && !TOKEN_TYPES.has(tokenType))
    throw new FieldError(`token_type must be one of ${[...TOKEN_TYPES].join(', ')}`);
  const given = {
    default_lease_ttl: seconds(fields, 'default_lease_ttl', 'default'),
    max_lease_ttl: seconds(fields, 'max_lease_ttl', 'max'),
    force_no_cache: boolField(fields, 'force_no_cache'),
    listing_visibility: visibility,
    token_type: tokenType,
    user_lockout_config: lockoutOf(fields),
    ...Object.fromEntries(LISTS.map(name => [name, stringsField(fields, name)])),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
};

const nested = (fields: Fields, name: string): Fields => {
  const value: unknown = JSON.parse(fields.get(name) ?? 'null');
  if (value === null) return new Map();
  if (typeof value !== 'object' || Array.isArray(value))
    throw new FieldError(`error converting input for field "${name}": '' expected a map`);
  return new Map(Object.entries(value).map(([key, entry]) => [key, JSON.stringify(entry)]));
};

const oneMount = (call: Call, path: string): Routes => {
  const { operations, context, fields } = call;
  const missing = isAuth({ path })
    ? `No auth engine at ${shown({ path })}`
    : `No secret engine mount at ${shown({ path })}`;
  return {
    read: () =>
      answered(call, operations.mount.read(context, { path, missing }), found => twice(call, mountObject(found))),
    write: () => {
      const input = {
        path,
        type: stringField(fields, 'type') ?? '',
        description: stringField(fields, 'description') ?? '',
        options: mapField(fields, 'options') ?? {},
        config: configOf(nested(fields, 'config')),
      };
      return answered(call, operations.mount.enable(context, input), changed);
    },
    delete: () => answered(call, operations.mount.disable(context, { path }), changed),
  };
};

const tune = (call: Call, path: string): Routes => {
  const { operations, context, fields } = call;
  const missing = `cannot fetch sysview for path "${shown({ path })}"`;
  return {
    read: () => answered(call, operations.mount.read(context, { path, missing }), found => twice(call, tuning(found))),
    write: () => {
      const description = stringField(fields, 'description');
      const options = mapField(fields, 'options');
      const input = {
        ...{ path, config: configOf(fields) },
        ...(description === undefined ? {} : { description }),
        ...(options === undefined ? {} : { options }),
      };
      return answered(call, operations.mount.tune(context, input), changed);
    },
  };
};

const changed = ({ position }: { readonly position: number | null }): Answer => withPosition(noContent, position);

const list = (call: Call, auth: boolean): Routes => ({
  read: () =>
    answered(call, call.operations.mount.list(call.context, { auth }), found => twice(call, mountObjects(found))),
});

/** Auth mounts are read, enabled and disabled at `sys/auth`, which asks for `sudo`: no other door leads there. */
const notHere = (call: Call, path: string): Routes => {
  const refused = (text: string) => () => judged(call, () => errors(400, text));
  return {
    read: refused(`No secret engine mount at ${path}/`),
    write: refused(`cannot mount "${path}/"`),
    delete: refused(`cannot unmount "${path}/"`),
  };
};

const routesOf = (call: Call): Routes | null => {
  const [, door, rest] = /^sys\/(mounts|auth)(?:\/(.*))?$/s.exec(call.path) ?? [];
  if (door === undefined) return null;
  const inner = (rest ?? '').replace(/\/$/, '');
  if (inner === '') return list(call, door === 'auth');
  const tuned = inner.endsWith('/tune') ? inner.slice(0, -5) : null;
  if (tuned === null && door === 'mounts' && isAuth({ path: inner })) return notHere(call, inner);
  const full = (path: string): string => (door === 'auth' ? `auth/${path}` : path);
  // `sys/mounts/auth/P/tune` is the second door to an auth mount's tuning; only its tuning is there.
  return tuned === null ? oneMount(call, full(inner)) : tune(call, full(tuned));
};

/** Null: not one of ours. */
export const mounts = (call: Call): Promise<Answer> | Answer | null => {
  const routes = routesOf(call);
  if (routes === null) return null;
  return routes[call.verb]?.() ?? oneError(405, 'unsupported operation');
};
