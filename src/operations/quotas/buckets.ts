/**
 * Token buckets: a key has `rate` to spend at once and gets as much again in each interval. Bounded: beyond `keysMax` the
 * key that was not seen for longest is forgotten, and begins again with a full bucket.
 */
export interface Limit {
  readonly rate: number;
  readonly intervalMs: number;
  /** 0 = none. */
  readonly blockMs: number;
}

export interface Taken {
  readonly allowed: boolean;
  readonly remaining: number;
  /** ms until the next one is allowed; 0 when it is now. */
  readonly waitMs: number;
}

interface Bucket {
  left: number;
  atMs: number;
  blockedUntilMs: number;
}

const KEYS_MAX = 10_000;

export class Buckets {
  /** In the order of their last use. */
  readonly #byKey = new Map<string, Bucket>();

  constructor(
    readonly limit: Limit,
    readonly keysMax = KEYS_MAX,
  ) {}

  get size(): number {
    return this.#byKey.size;
  }

  take(key: string, nowMs: number): Taken {
    const { rate, intervalMs, blockMs } = this.limit;
    const most = Math.max(1, rate);
    const bucket = this.#used(key, most, nowMs);
    // A clock that went back gives nothing and takes nothing.
    const passed = Math.max(0, nowMs - bucket.atMs);
    bucket.left = Math.min(most, bucket.left + (passed * rate) / intervalMs);
    bucket.atMs = nowMs;
    if (nowMs < bucket.blockedUntilMs) return { allowed: false, remaining: 0, waitMs: bucket.blockedUntilMs - nowMs };
    if (bucket.left < 1) {
      if (blockMs > 0) bucket.blockedUntilMs = nowMs + blockMs;
      return { allowed: false, remaining: 0, waitMs: Math.max(blockMs, ((1 - bucket.left) * intervalMs) / rate) };
    }
    bucket.left -= 1;
    return { allowed: true, remaining: Math.floor(bucket.left), waitMs: 0 };
  }

  /** Whether nothing is left for a key; takes nothing. */
  isEmpty(key: string, nowMs: number): boolean {
    const bucket = this.#byKey.get(key);
    if (bucket === undefined) return false;
    const { rate, intervalMs } = this.limit;
    return bucket.left + (Math.max(0, nowMs - bucket.atMs) * rate) / intervalMs < 1;
  }

  #used(key: string, most: number, nowMs: number): Bucket {
    const bucket = this.#byKey.get(key) ?? { left: most, atMs: nowMs, blockedUntilMs: 0 };
    this.#byKey.delete(key);
    this.#byKey.set(key, bucket);
    if (this.#byKey.size > this.keysMax) {
      const [oldest] = this.#byKey.keys();
      if (oldest !== undefined) this.#byKey.delete(oldest);
    }
    return bucket;
  }
}
