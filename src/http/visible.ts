/** `sys/internal/ui`: what clients ask before anything else, and what they show (vault-wire.md §8.5). */
import type { MountDetail } from '../operations/mounts/contract.js';
import { type Answer, errors, ok, oneError } from './answer.js';
import { answered, type Call } from './call.js';
import { mountObject, mountObjects, shown } from './mounts.js';

/** One text for "there is none" and "none of yours", so that it tells nobody which mounts exist. */
const closed = (asked: string): Answer =>
  errors(
    403,
    `preflight capability check returned 403, please ensure client's policies grant access to path "${asked.replace(/["\\]/g, '')}/"`,
  );

/** The probe that command lines make before any `kv` command: which mount, and of which version. */
const one = (call: Call, asked: string): Promise<Answer> =>
  answered(call, call.operations.visible.mountAt(call.context, { path: asked }), mount =>
    mount === null ? closed(asked) : ok(call.context.requestId, { path: shown(mount), ...mountObject(mount) }),
  );

const isAuth = ({ path }: MountDetail): boolean => path.startsWith('auth/');

/** Who shows no token sees of a mount what a login form needs. */
const reduced = (objects: ReturnType<typeof mountObjects>) =>
  Object.fromEntries(
    Object.entries(objects).map(([path, { type, description, options }]) => [path, { type, description, options }]),
  );

const all = (call: Call): Promise<Answer> =>
  answered(call, call.operations.visible.mounts(call.context, {}), ({ known, mounts }) => {
    const shape = known ? mountObjects : (some: readonly MountDetail[]) => reduced(mountObjects(some));
    const [auth, secret] = [mounts.filter(isAuth), mounts.filter(mount => !isAuth(mount))];
    return ok(call.context.requestId, { auth: shape(auth), secret: shape(secret) });
  });

const ownRules = (call: Call): Promise<Answer> =>
  answered(call, call.operations.visible.grants(call.context, {}), grants => {
    if (grants === null) return ok(call.context.requestId, { root: true });
    const shape = (globs: boolean) =>
      Object.fromEntries(
        grants
          .filter(({ prefix, wildcard }) => (prefix || wildcard) === globs)
          .map(({ path, capabilities }) => [path, { capabilities }]),
      );
    return ok(call.context.requestId, { exact_paths: shape(false), glob_paths: shape(true), root: false });
  });

const DOOR = 'sys/internal/ui/';

/** Null: not one of ours. */
export const visible = (call: Call): Promise<Answer> | Answer | null => {
  if (!call.path.startsWith(DOOR)) return null;
  const path = call.path.slice(DOOR.length);
  const asked = path.startsWith('mounts/') ? path.slice('mounts/'.length).replace(/\/$/, '') : null;
  const route =
    path === 'mounts' ? all : path === 'resultant-acl' ? ownRules : asked ? (same: Call) => one(same, asked) : null;
  if (path === 'mounts/') return oneError(404, 'unsupported path');
  if (route === null) return null;
  return call.verb === 'read' ? route(call) : oneError(405, 'unsupported operation');
};
