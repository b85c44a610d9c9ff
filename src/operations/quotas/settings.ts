/** Quotas as they are stored in events, and read back. What was written by a program that knows more limits nothing here. */
import * as t from 'io-ts';
import type { Settings } from '../../authority/settings.js';
import type { Quota, QuotaConfig } from './contract.js';

const StoredQuota = t.type({
  type: t.literal('rate-limit'),
  path: t.string,
  rate: t.number,
  interval: t.number,
  block_interval: t.number,
  by: t.keyof({ address: null, token: null, all: null }),
});

const StoredConfig = t.partial({
  exempt_paths: t.array(t.string),
  recorded: t.boolean,
  headers: t.boolean,
});

/** The configuration item's name. */
export const CONFIG_ITEM = 'quotas';

/** What an operator needs to see or mend when a quota was set too low. */
const EXEMPT = ['sys/health', 'sys/seal-status', 'sys/unseal', 'sys/generate-root/*'];

export const storedQuota = ({ path, rate, intervalSeconds, blockSeconds, by }: Quota): Settings => ({
  ...{ type: 'rate-limit', path, rate, interval: intervalSeconds, block_interval: blockSeconds, by },
});

export const quotaFrom = (name: string, settings: Settings): Quota | null => {
  const decoded = StoredQuota.decode(settings);
  if (decoded._tag === 'Left') return null;
  const { path, rate, interval, block_interval, by } = decoded.right;
  return { name, path, rate, intervalSeconds: interval, blockSeconds: block_interval, by };
};

export const storedConfig = ({ exemptPaths, recorded, headers }: QuotaConfig): Settings => ({
  ...{ exempt_paths: exemptPaths, recorded, headers },
});

export const configFrom = (settings: Settings | null): QuotaConfig => {
  const decoded = StoredConfig.decode(settings ?? {});
  const { exempt_paths, recorded, headers } = decoded._tag === 'Left' ? {} : decoded.right;
  return { exemptPaths: exempt_paths ?? EXEMPT, recorded: recorded ?? false, headers: headers ?? false };
};
