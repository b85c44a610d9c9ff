/** `sys/quotas`: rate limits under the names of the dialect. */
import type { Admitted, Quota, QuotaBy, QuotaConfig } from '../operations/quotas/contract.js';
import { table } from '../table.js';
import { type Answer, errors, noContent, ok, oneError, withPosition } from './answer.js';
import type { Fields } from './body.js';
import { answered, type Call } from './call.js';
import { boolField, durationField, FieldError, numberField, stringField, stringsField } from './fields.js';

const BY_WORD = table<QuotaBy>({
  '': 'address',
  ip: 'address',
  token: 'token',
  none: 'all',
});
const WORDS: Readonly<Record<QuotaBy, string>> = { address: 'ip', token: 'token', all: 'none' };

const bare = (path: string): string => path.replace(/^\/+|\/+$/g, '');

const seconds = (fields: Fields, name: string, otherwise: number): number => {
  const ms = durationField(fields, name);
  return ms === undefined || ms === 0 ? otherwise : ms / 1000;
};

const quotaOf = (fields: Fields, name: string): Quota => {
  const by = BY_WORD[stringField(fields, 'group_by') ?? ''];
  if (by === undefined) throw new FieldError('group_by must be ip, token or none');
  const kind = stringField(fields, 'type') ?? 'rate-limit';
  if (kind !== 'rate-limit') throw new FieldError('type must be rate-limit');
  if ((stringField(fields, 'role') ?? '') !== '')
    throw new FieldError('role: there are no quotas of one role; give the path of its login, and leave role out');
  return {
    ...{ name, by, path: bare(stringField(fields, 'path') ?? '') },
    rate: numberField(fields, 'rate') ?? 0,
    intervalSeconds: seconds(fields, 'interval', 1),
    blockSeconds: seconds(fields, 'block_interval', 0),
  };
};

const quotaData = ({ name, path, rate, intervalSeconds, blockSeconds, by }: Quota) => ({
  ...{ name, type: 'rate-limit', path, rate, interval: intervalSeconds, block_interval: blockSeconds },
  ...{ group_by: WORDS[by], role: '', inheritable: false },
});

const configOf = (fields: Fields): Partial<QuotaConfig> => {
  const exemptPaths = stringsField(fields, 'rate_limit_exempt_paths')?.map(bare);
  const recorded = boolField(fields, 'enable_rate_limit_audit_logging');
  const headers = boolField(fields, 'enable_rate_limit_response_headers');
  return {
    ...(exemptPaths === undefined ? {} : { exemptPaths }),
    ...(recorded === undefined ? {} : { recorded }),
    ...(headers === undefined ? {} : { headers }),
  };
};

const configData = ({ exemptPaths, recorded, headers }: QuotaConfig) => ({
  enable_rate_limit_audit_logging: recorded,
  enable_rate_limit_response_headers: headers,
  rate_limit_exempt_paths: exemptPaths,
});

const changed = ({ position }: { readonly position: number | null }): Answer => withPosition(noContent, position);

type Routes = Readonly<Partial<Record<Call['verb'], () => Promise<Answer>>>>;

const routesOf = (call: Call): Routes | null => {
  const { context, operations, fields, path } = call;
  const { quotas } = operations;
  const shown = (data: object): Answer => ok(context.requestId, data);
  if (path === 'sys/quotas/config')
    return {
      read: () => answered(call, quotas.readConfig(context, {}), found => shown(configData(found))),
      write: () => answered(call, quotas.writeConfig(context, configOf(fields)), changed),
    };
  const [, slash, name = ''] = /^sys\/quotas\/rate-limit(\/?)(.*)$/s.exec(path) ?? [];
  if (slash === undefined || (slash === '' && name !== '')) return null;
  if (name === '') return { list: () => answered(call, quotas.list(context, {}), keys => shown({ keys })) };
  return {
    read: () => answered(call, quotas.read(context, { name }), found => shown(quotaData(found))),
    write: () => answered(call, quotas.write(context, quotaOf(fields, name)), changed),
    delete: () => answered(call, quotas.remove(context, { name }), changed),
  };
};

/** Null: not one of ours. */
export const quotas = (call: Call): Promise<Answer> | Answer | null => {
  const routes = routesOf(call);
  return routes === null ? null : (routes[call.verb]?.() ?? oneError(405, 'unsupported operation'));
};

export const quotaHeaders = (shown: Admitted['shown']): Readonly<Record<string, string>> | null =>
  shown === null
    ? null
    : {
        'x-ratelimit-limit': String(shown.limit),
        'x-ratelimit-remaining': String(shown.remaining),
        'x-ratelimit-reset': String(shown.resetSeconds),
      };

/** What the dialect says of a path that was asked for too often. */
export const quotaExceeded = (path: string, retryAfterSeconds: number): Answer => ({
  ...errors(429, `request path ${JSON.stringify(path)}: rate limit quota exceeded`),
  headers: { 'retry-after': String(retryAfterSeconds) },
});
