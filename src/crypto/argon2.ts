/**
 * Argon2id (RFC 9106), native and off the main thread. Cost parameters may come from a stored slot, so they are checked
 * against floor and ceiling before anything is computed: they could be a memory bomb. What runs at once, and what waits, is bounded.
 */
import { hashRaw } from '@node-rs/argon2';

/** The library's enums have no run-time values under isolated modules: Argon2id, and version 0x13. */
const ARGON2ID = 2;
const VERSION_0X13 = 1;

export interface Argon2Params {
  /** 16 bytes */
  readonly salt: Buffer;
  readonly memoryKib: number;
  readonly iterations: number;
  readonly parallelism: number;
  /** A pepper, 32 bytes: Argon2's secret input. */
  readonly secret?: Buffer;
}

/** Too many derivations wait: try again in a moment. */
export class Argon2Busy extends Error {
  override readonly name = 'Argon2Busy';
}

/** Cost parameters that nobody here would have written. */
export class Argon2CostRefused extends Error {
  override readonly name = 'Argon2CostRefused';
}

/** Derivations that share a bound: so many at once, so many more that wait, and the next is refused at once. */
export class Argon2Queue {
  #running = 0;
  #begun = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    readonly atOnce: number,
    readonly waitingMax: number,
  ) {}

  /** How many were computed or are being. */
  get begun(): number {
    return this.#begun;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.atOnce) this.#running += 1;
    else if (this.#waiting.length >= this.waitingMax) throw new Argon2Busy('too many password derivations are waiting');
    else await new Promise<void>(resolve => this.#waiting.push(resolve));
    this.#begun += 1;
    try {
      return await work();
    } finally {
      // Whoever waited longest takes the place over; only without one is it free.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

/** Slots cost 128 MiB each: one at a time. */
export const SLOT_QUEUE = new Argon2Queue(1, 4);
/** Logins cost 19 MiB each, and come in crowds. */
export const LOGIN_QUEUE = new Argon2Queue(2, 64);

const within = (value: number, low: number, high: number): boolean =>
  Number.isInteger(value) && value >= low && value <= high;

/** Floor 19,456 KiB, 2 passes, 1 lane; ceiling 1 GiB, 16 passes, 8 lanes (formats.md §3). */
const acceptable = ({ memoryKib, iterations, parallelism, salt, secret }: Argon2Params): boolean =>
  within(memoryKib, 19_456, 1_048_576) &&
  within(iterations, 2, 16) &&
  within(parallelism, 1, 8) &&
  salt.length === 16 &&
  (secret === undefined || secret.length === 32);

/**
 * 32 bytes, the caller's to wipe, from a password in NFC. Rejects at once with `Argon2CostRefused`, or with `Argon2Busy`
 * when its queue is full; an error never says anything about the password.
 */
export const argon2id = (password: string, params: Argon2Params, queue = SLOT_QUEUE): Promise<Buffer> => {
  const { memoryKib, iterations, parallelism, salt, secret } = params;
  if (!acceptable(params))
    return Promise.reject(new Argon2CostRefused('the cost of a password derivation is outside of the bounds'));
  return queue.run(() =>
    hashRaw(password.normalize('NFC'), {
      algorithm: ARGON2ID,
      version: VERSION_0X13,
      memoryCost: memoryKib,
      timeCost: iterations,
      parallelism,
      outputLen: 32,
      salt,
      ...(secret === undefined ? {} : { secret }),
    }),
  );
};
