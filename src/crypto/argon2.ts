/**
 * Argon2id (RFC 9106), native and off the main thread. Cost parameters may come from a stored slot, so they are checked
 * against floor and ceiling before anything is computed: they could be a memory bomb. One derivation runs at a time.
 */
import { hashRaw } from '@node-rs/argon2';

/** The library's enums have no run-time values under isolated modules: Argon2id, and version 0x13. */
const ARGON2ID = 2;
const VERSION_0X13 = 1;

export interface Argon2Params {
  readonly salt: Buffer;
  readonly memoryKib: number;
  readonly iterations: number;
  readonly parallelism: number;
  /** A pepper: Argon2's secret input. */
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

const WAITING_MAX = 4;

let waiting = 0;
let turn: Promise<unknown> = Promise.resolve();

const within = (value: number, low: number, high: number): boolean =>
  Number.isInteger(value) && value >= low && value <= high;

/** 32 bytes from a password in NFC. Rejects with `Argon2CostRefused` or `Argon2Busy`. */
export const argon2id = (password: string, params: Argon2Params): Promise<Buffer> => {
  const { memoryKib, iterations, parallelism, salt, secret } = params;
  const acceptable =
    within(memoryKib, 19_456, 1_048_576) &&
    within(iterations, 2, 16) &&
    within(parallelism, 1, 8) &&
    salt.length === 16;
  if (!acceptable) return Promise.reject(new Argon2CostRefused('the cost of a password slot is outside of the bounds'));
  if (waiting > WAITING_MAX) return Promise.reject(new Argon2Busy('too many password derivations are waiting'));
  waiting += 1;
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
      waiting -= 1;
    });
  turn = mine.catch(() => undefined);
  return mine;
};
