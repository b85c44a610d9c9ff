/**
 * Argon2id (RFC 9106), native and off the main thread. Cost parameters may come from a stored slot, so they are checked
 * against floor and ceiling before anything is computed: they could be a memory bomb. One derivation runs at a time.
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

/** Behind the one that runs. */
const WAITING_MAX = 4;

/** Running and waiting. */
let admitted = 0;
let turn: Promise<unknown> = Promise.resolve();

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
 * when one derivation runs and four wait; an error never says anything about the password.
 */
export const argon2id = (password: string, params: Argon2Params): Promise<Buffer> => {
  const { memoryKib, iterations, parallelism, salt, secret } = params;
  if (!acceptable(params))
    return Promise.reject(new Argon2CostRefused('the cost of a password slot is outside of the bounds'));
  if (admitted > WAITING_MAX) return Promise.reject(new Argon2Busy('too many password derivations are waiting'));
  admitted += 1;
  const mine = turn
    .then(() =>
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
    )
    .finally(() => {
      admitted -= 1;
    });
  turn = mine.catch(() => undefined);
  return mine;
};
