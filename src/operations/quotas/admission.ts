/**
 * May this request go on? Counted in the memory of this process, before a token is looked up or a body is read. The quota
 * with the longest path that covers the request decides; requests without a token, or with one that is nobody's, are limited
 * for each address besides.
 */
import { tokenHash } from '../../crypto/ids.js';
import { networkOf } from '../../domain/network.js';
import type { Session } from '../../nexus/session.js';
import { foldPath } from '../../policies/folded-names.js';
import { LongestPrefix } from '../../policies/longest-prefix.js';
import type { App } from '../app.js';
import { findToken } from '../tokens/find.js';
import { Buckets, type Taken } from './buckets.js';
import type { Admitted, Asking, Quota, QuotaConfig } from './contract.js';
import { CONFIG_ITEM, configFrom, quotaFrom } from './settings.js';

interface Counted {
  readonly quota: Quota;
  readonly buckets: Buckets;
}

/** Quotas of one state of authority, ready to be asked. */
interface Compiled {
  readonly session: Session;
  readonly revision: number;
  readonly byPath: LongestPrefix<readonly Counted[]>;
  readonly exempt: LongestPrefix<true>;
  readonly config: QuotaConfig;
}

const GO_ON: Admitted = { refusedBy: null, retryAfterSeconds: 0, shown: null };

/** Answered without a token, before one is looked at, or for one that opens nothing else. */
const OPEN =
  /^sys\/(?:init|unseal|rekey\/.*|generate-root\/.*|wrapping\/(?:lookup|unwrap|rewrap))$|^auth\/.+\/login(?:\/|$)/;

/** No quota keeps an operator from removing it. */
const WAY_BACK = 'sys/quotas';

/** As a prefix of `PATH/`: a `*` at the end covers names that begin so, a whole path what is below it. */
const prefixOf = (path: string): string =>
  path === '' ? '' : foldPath(path.endsWith('*') ? path.slice(0, -1) : `${path.replace(/\/$/, '')}/`);

export class Admission {
  readonly #open: Buckets | null;
  #compiled: Compiled | null = null;

  /** `openRate`: requests without a token that one address may make in a second; 0 = any number. */
  constructor(
    readonly app: App,
    openRate: number,
  ) {
    this.#open = openRate === 0 ? null : new Buckets({ rate: openRate, intervalMs: 1000, blockMs: 0 });
  }

  admit(asking: Asking): Admitted {
    const nowMs = this.app.nowMs();
    const { session } = this.app.nexus;
    if (this.#open !== null && this.#isOpen(this.#open, session, asking, nowMs)) {
      const { allowed, waitMs } = this.#open.take(networkOf(asking.address), nowMs);
      if (!allowed) return { refusedBy: 'open', retryAfterSeconds: secondsOf(waitMs), shown: null };
    }
    return session === null ? GO_ON : this.#byQuota(session, asking, nowMs);
  }

  /** A token that was refused as nobody's: as if there had been none. */
  stranger(address: string): void {
    this.#open?.take(networkOf(address), this.app.nowMs());
  }

  /** Only where an address has nothing left is its token looked at: one that is made up is none. */
  #isOpen(open: Buckets, session: Session | null, { path, token, address }: Asking, nowMs: number): boolean {
    if (token === null || OPEN.test(path)) return true;
    if (session === null || !open.isEmpty(networkOf(address), nowMs)) return false;
    return findToken(session, token, session.now()) === null;
  }

  #byQuota(session: Session, asking: Asking, nowMs: number): Admitted {
    const { byPath, exempt, config } = this.#of(session);
    const path = foldPath(`${asking.path}/`);
    const counted = byPath.find(path);
    if (counted === null || exempt.find(path) !== null) return GO_ON;
    let strictest: { readonly taken: Taken; readonly quota: Quota } | null = null;
    for (const { quota, buckets } of counted) {
      const taken = buckets.take(keyOf(session, quota, asking), nowMs);
      if (strictest === null || taken.waitMs > strictest.taken.waitMs || taken.remaining < strictest.taken.remaining)
        strictest = { taken, quota };
      if (!taken.allowed) break;
    }
    if (strictest === null) return GO_ON;
    const { taken, quota } = strictest;
    if (!taken.allowed && config.recorded) record(this.app, session, asking);
    const retryAfterSeconds = secondsOf(taken.waitMs);
    return {
      refusedBy: taken.allowed ? null : 'quota',
      retryAfterSeconds,
      shown: config.headers
        ? { limit: quota.rate, remaining: taken.remaining, resetSeconds: taken.allowed ? 0 : retryAfterSeconds }
        : null,
    };
  }

  /** Counts of quotas that stayed as they were are kept when another one changes. */
  #of(session: Session): Compiled {
    const { quotas, config } = session.authority;
    const revision = quotas.revision + config.revision;
    const before = this.#compiled;
    if (before?.session === session && before.revision === revision) return before;
    const kept = new Map<string, Counted>();
    for (const counts of before?.byPath.values ?? [])
      for (const each of counts) kept.set(JSON.stringify(each.quota), each);
    const byPath = new Map<string, Counted[]>();
    for (const [name, settings] of quotas.entries()) {
      const quota = quotaFrom(name, settings);
      if (quota === null) continue;
      const { rate, intervalSeconds, blockSeconds } = quota;
      const limit = { rate, intervalMs: intervalSeconds * 1000, blockMs: blockSeconds * 1000 };
      const counted = kept.get(JSON.stringify(quota)) ?? { quota, buckets: new Buckets(limit) };
      const key = prefixOf(quota.path);
      byPath.set(key, [...(byPath.get(key) ?? []), counted]);
    }
    const settings = configFrom(config.get(CONFIG_ITEM));
    this.#compiled = {
      ...{ session, revision, config: settings },
      byPath: new LongestPrefix(byPath),
      exempt: new LongestPrefix([...settings.exemptPaths, WAY_BACK].map(path => [prefixOf(path), true] as const)),
    };
    return this.#compiled;
  }
}

const secondsOf = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

const keyOf = (session: Session, { by }: Quota, { address, token }: Asking): string => {
  if (by === 'all') return '';
  if (by === 'address' || token === null) return networkOf(address);
  // The token itself stays nowhere.
  const { keyring, ledger } = session.custody;
  return tokenHash(keyring.tokenKey, ledger, token).toString('base64');
};

const record = (app: App, session: Session, { path, address }: Asking): void =>
  session.recorder.record({
    ...{ v: 1, at: app.nowMs() * 1000, op: 'quota.exceeded', path, from: { address }, node: app.nodeId },
    ...{ outcome: 'denied', reason_code: 'quota', status: 429 },
  });
