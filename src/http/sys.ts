/** `sys/`: state, init, unseal, seal, nodes, moves of mounts, metrics (vault-wire.md §7, §8.2). */
import type { SealStatus } from '../operations/system/contract.js';
import { packageVersion } from '../package-root.js';
import { table } from '../table.js';
import { type Answer, errors, noContent, ok, okTwice, oneError, raw, withPosition } from './answer.js';
import { answered, type Call } from './call.js';
import { keyBytes, keyFields, recipientFields, splitFields } from './custody-fields.js';
import { boolField, stringField } from './fields.js';
import { openApi } from './openapi/document.js';

/** Clients decide features by Vault's version numbers, and one panics on anything that is no strict semantic version. */
const DIALECT_VERSION = '1.15.0';

type Route = (call: Call) => Promise<Answer> | Answer;

const sealStatus = (status: SealStatus) => ({
  type: 'shamir',
  initialized: status.initialised,
  sealed: status.sealed,
  t: status.threshold,
  n: status.shares,
  progress: status.progress,
  nonce: status.nonce,
  version: DIALECT_VERSION,
  build_date: '',
  migration: false,
  recovery_seal: false,
  storage_type: 'postgresql',
  tallystick_version: packageVersion,
  ...(status.ledgerId === null ? {} : { cluster_name: 'tallystick', cluster_id: status.ledgerId }),
  ...(status.degraded.length === 0 ? {} : { degraded: status.degraded }),
});

const sealStatusRoute: Route = call =>
  answered(call, call.operations.sys.status(), status => raw(200, sealStatus(status)));

/** By state, and the statuses that load balancers may choose for states that are never reached here. */
const CODES: Readonly<Record<string, number>> = {
  ...{ active: 200, sealed: 503, uninit: 501 },
  ...{ standby: 429, performancestandby: 473, drsecondary: 472 },
};

/** Load balancers choose the codes; a code of 204 has no body. */
const health: Route = call => {
  const codes: Record<string, number> = { ...CODES };
  for (const state of Object.keys(CODES)) {
    const text = call.query.get(`${state}code`);
    if (text === null) continue;
    // A status that is none, or only the beginning of an answer, would leave the caller waiting.
    if (!/^[2-5]\d\d$/.test(text)) return errors(400);
    codes[state] = Number(text);
  }
  return answered(call, call.operations.sys.status(), status => {
    const state = !status.initialised ? 'uninit' : status.sealed ? 'sealed' : 'active';
    const serving = state === 'active';
    const code = codes[state] ?? 500;
    const body = {
      initialized: status.initialised,
      sealed: status.sealed || !status.initialised,
      standby: !serving,
      performance_standby: false,
      replication_performance_mode: serving ? 'disabled' : 'unknown',
      replication_dr_mode: serving ? 'disabled' : 'unknown',
      server_time_utc: Math.floor(Date.now() / 1000),
      version: DIALECT_VERSION,
      tallystick_version: packageVersion,
      enterprise: false,
      ...(status.ledgerId === null || !serving ? {} : { cluster_name: 'tallystick', cluster_id: status.ledgerId }),
      ...(status.degraded.length === 0 ? {} : { degraded: status.degraded }),
    };
    return code === 204 || code === 304 ? { status: code, body: null } : raw(code, body);
  });
};

const init: Route = call => {
  const { fields, operations, context } = call;
  if (call.verb === 'read')
    return answered(call, operations.sys.status(), status => raw(200, { initialized: status.initialised }));
  if (call.verb !== 'write') return errors(405);
  const [adminName, adminPassword] = [stringField(fields, 'admin_name'), stringField(fields, 'admin_password')];
  if ((adminName === undefined) !== (adminPassword === undefined))
    return errors(400, 'admin_name and admin_password go together');
  const wantsShares = fields.has('secret_shares') || fields.has('secret_threshold') || adminName === undefined;
  const shares = wantsShares ? splitFields(fields, 'invalid seal configuration') : null;
  const mismatch =
    'invalid seal configuration: count mismatch between number of provided PGP keys and number of shares';
  const input = {
    adminName: adminName ?? null,
    adminPassword: adminPassword ?? null,
    initCode: stringField(fields, 'init_code') ?? null,
    shares,
    recipients: recipientFields(fields, shares?.shares ?? 0, mismatch),
    rootTokenPgpKey: stringField(fields, 'root_token_pgp_key') || null,
  };
  return answered(call, operations.sys.init(context, input), ({ keys, rootToken }) =>
    raw(200, { ...keyFields(keys), root_token: rootToken }),
  );
};

const unseal: Route = call => {
  const { fields, operations, context } = call;
  if (call.verb !== 'write') return errors(405);
  if (boolField(fields, 'reset') === true)
    return answered(call, operations.sys.unseal(context, { reset: true }), found => raw(200, sealStatus(found)));
  const [name, password] = [stringField(fields, 'name'), stringField(fields, 'password')];
  const text = stringField(fields, 'key');
  const acceptRollback = boolField(fields, 'accept_rollback') ?? false;
  if (name !== undefined && password !== undefined)
    return answered(call, operations.sys.unseal(context, { name, password, acceptRollback }), found =>
      raw(200, sealStatus(found)),
    );
  if (text === undefined || text === '')
    return errors(400, "'key' must be specified in request body as JSON, or 'reset' set to true");
  const key = keyBytes(text);
  if (key === null) return errors(400, "'key' must be a valid hex or base64 string");
  return answered(call, operations.sys.unseal(context, { key, acceptRollback }), found => raw(200, sealStatus(found)));
};

const seal: Route = call =>
  call.verb === 'write' ? answered(call, call.operations.sys.seal(call.context, {}), () => noContent) : errors(405);

const leader: Route = () =>
  raw(200, {
    ha_enabled: false,
    is_self: false,
    leader_address: '',
    leader_cluster_address: '',
    performance_standby: false,
    performance_standby_last_remote_wal: 0,
  });

/** Routes that answer also while sealed, and without a token. */
export const unauthenticated = table<Route>({
  'sys/health': health,
  'sys/seal-status': sealStatusRoute,
  'sys/init': init,
  'sys/unseal': unseal,
  'sys/seal': seal,
  'sys/leader': leader,
});

/** What a GET on them says about other verbs. */
export const READ_ONLY: ReadonlySet<string> = new Set(['sys/health', 'sys/seal-status', 'sys/leader']);

const metrics: Route = call =>
  answered(call, call.operations.metrics(call.context, {}), text => ({
    status: 200,
    body: text,
    headers: { 'content-type': 'text/plain; version=0.0.4' },
  }));

const haStatus: Route = call =>
  answered(call, call.operations.node.members(call.context, {}), members =>
    okTwice(call.context.requestId, {
      nodes: members.map(({ name }) => ({
        ...{ hostname: name, api_address: '', cluster_address: '', active_node: true, last_echo: null },
        version: DIALECT_VERSION,
      })),
    }),
  );

const inFlight: Route = call =>
  answered(call, call.operations.permitted(call.context, { capability: 'read' }), () =>
    raw(
      200,
      Object.fromEntries(
        call.inFlight().map(({ id, method, path, address, startedAtMs }) => [
          id,
          {
            start_time: new Date(startedAtMs).toISOString(),
            client_remote_address: address,
            request_path: `/v1/${path}`,
            request_method: method === 'LINK' ? 'LIST' : method,
          },
        ]),
      ),
    ),
  );

const stepDown: Route = call => answered(call, call.operations.node.stepDown(call.context, {}), () => noContent);

const remount: Route = call => {
  const [from, to] = [stringField(call.fields, 'from') ?? '', stringField(call.fields, 'to') ?? ''];
  return answered(call, call.operations.mount.move(call.context, { from, to }), ({ id, position }) => {
    const data = { migration_id: id };
    return withPosition(okTwice(call.context.requestId, data, [MOVED_WARNING]), position);
  });
};

/** Clients poll until a move is no longer in progress; here it never was. */
const MOVED_WARNING = 'the mount has moved: its status is final at once';

const moved = (call: Call, id: string): Promise<Answer> =>
  answered(call, call.operations.mount.moved(call.context, { id }), ({ from, to }) =>
    ok(call.context.requestId, {
      migration_id: id,
      migration_info: { source_mount: `${from}/`, target_mount: `${to}/`, status: 'success' },
    }),
  );

/** Nothing in it is of this server, so nobody is asked who they are. */
const specification: Route = () => ({ status: 200, body: openApi() });

const ROUTES = table<Partial<Record<Call['verb'], Route>>>({
  'sys/metrics': { read: metrics },
  'sys/internal/specs/openapi': { read: specification },
  'sys/ha-status': { read: haStatus },
  'sys/in-flight-req': { read: inFlight },
  'sys/step-down': { write: stepDown },
  'sys/remount': { write: remount },
});

const MOVE_STATUS = /^sys\/remount\/status\/([^/]+)$/;

/** Null: not one of ours. */
export const sys = (call: Call): Promise<Answer> | Answer | null => {
  const move = MOVE_STATUS.exec(call.path)?.[1];
  const route = move === undefined ? ROUTES[call.path] : { read: () => moved(call, move) };
  if (route === undefined) return null;
  return route[call.verb]?.(call) ?? oneError(405, 'unsupported operation');
};
