/** From a call to its route, in the order of checks of vault-wire.md §2.8. */
import type { MountDetail } from '../operations/mounts/contract.js';
import { type Answer, errors, oneError } from './answer.js';
import { audit } from './audit.js';
import { type Call, judged } from './call.js';
import { cors } from './cors.js';
import { decodeToken } from './decode-token.js';
import { engines } from './engines.js';
import { epochs } from './epochs.js';
import { erasure } from './erasure.js';
import { FieldError } from './fields.js';
import { help } from './help.js';
import { keys } from './keys.js';
import { leases } from './leases.js';
import { ledger } from './ledger.js';
import { mounts } from './mounts.js';
import { policies } from './policies.js';
import { quotas } from './quotas.js';
import { rekey } from './rekey.js';
import { rootKey } from './root-key.js';
import { slots } from './slots.js';
import { READ_ONLY, sys, unauthenticated } from './sys.js';
import { tokens } from './tokens.js';
import { visible } from './visible.js';
import { wrapped, wrapping } from './wrapping.js';

/** Inside a mount of secrets with versions: what takes an Idempotency-Key. */
const IDEMPOTENT_V2 = /^(?:data|metadata|delete|undelete|destroy)\/./;

/** Elsewhere it is a 400: it would promise what is not kept. */
const honoursIdempotency = (call: Call): boolean => {
  const { path, verb } = call;
  if (verb !== 'write' && verb !== 'delete') return false;
  if (path === 'sys/ledger/restore/apply') return true;
  const mount = mountOf(path, call.operations.mounts());
  if (mount?.type !== 'kv' && mount?.type !== 'generic') return false;
  const inside = path.slice(mount.path.length + 1);
  return mount.options.version === '2' ? IDEMPOTENT_V2.test(inside) : inside !== '';
};

export const dispatch = async (call: Call): Promise<Answer> => {
  try {
    return await wrapped(call, await routed(call));
  } catch (error) {
    if (error instanceof FieldError) return errors(400, error.message);
    throw error;
  }
};

const routed = (call: Call): Promise<Answer> | Answer => {
  const { path, verb, context } = call;
  const open = unauthenticated[path];
  if (open !== undefined) return READ_ONLY.has(path) && verb !== 'read' ? errors(405) : open(call);
  if (call.operations.sealed()) return errors(503, 'Vault is sealed');
  if ((verb === 'write' || verb === 'patch') && path.endsWith('/'))
    return errors(400, "cannot write to a path ending in '/'");
  if (verb === 'read' && call.query.has('help')) return help(call);
  if (context.idempotencyKey !== null && !honoursIdempotency(call))
    return errors(
      400,
      'Idempotency-Key is honoured on writes, deletes, undeletes and destroys of secrets, and on restore apply only',
    );
  if (context.idempotencyKey !== null && (context.asking.wrapTtlMs ?? 0) > 0)
    return errors(
      400,
      'Idempotency-Key and X-Vault-Wrap-TTL do not go together: a repeat could not be given the same wrapping token',
    );
  if (!OURS.has(firstSegment(path))) return mounted(call);
  return (
    policies(call) ??
    leases(call) ??
    keys(call) ??
    mounts(call) ??
    visible(call) ??
    audit(call) ??
    quotas(call) ??
    cors(call) ??
    wrapping(call) ??
    sys(call) ??
    tokens(call) ??
    slots(call) ??
    rootKey(call) ??
    epochs(call) ??
    rekey(call) ??
    decodeToken(call) ??
    ledger(call) ??
    erasure(call) ??
    mounted(call)
  );
};

/** Nothing of ours lies under another name, and no secrets engine can be mounted under these. */
const OURS: ReadonlySet<string> = new Set(['sys', 'auth', 'cubbyhole']);

const firstSegment = (path: string): string => {
  const slash = path.indexOf('/');
  return slash < 0 ? path : path.slice(0, slash);
};

const mounted = async (call: Call): Promise<Answer> => {
  // One that is not known here may have been enabled or moved on another node a moment ago.
  const mount = mountOf(call.path, call.operations.mounts()) ?? mountOf(call.path, await call.operations.mountsNow());
  const engine = mount === undefined ? undefined : engines[mount.type];
  try {
    const answer = mount && (await engine?.(call, mount, call.path.slice(mount.path.length + 1)));
    // That a method serves a path, and another verb, is said to whoever may ask.
    if (answer) return answer.status === 405 ? judged(call, () => answer) : answer;
  } catch (error) {
    if (error instanceof FieldError) return judged(call, () => errors(400, error.message));
    throw error;
  }
  return judged(call, () => {
    const asked = `${call.path}${(call.verb === 'list' || call.verb === 'scan') && !call.path.endsWith('/') ? '/' : ''}`;
    return mount === undefined
      ? errors(404, `no handler for route ${JSON.stringify(asked)}. route entry not found.`)
      : oneError(404, 'unsupported path');
  });
};

const mountOf = (path: string, mounts: readonly MountDetail[]): MountDetail | undefined => {
  let best: MountDetail | undefined;
  for (const mount of mounts)
    if (isIn(path, mount) && (best === undefined || mount.path.length > best.path.length)) best = mount;
  return best;
};

const isIn = (path: string, mount: MountDetail): boolean =>
  path.startsWith(mount.path) && (path.length === mount.path.length || path[mount.path.length] === '/');
