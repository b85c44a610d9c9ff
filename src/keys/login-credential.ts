/**
 * What is stored of a login's password, sealed in a key row (formats.md §6): the parameters of a password slot ‖ the login
 * verifier(32), under a salt of its own. Each login's verifier is bound to the login's stream.
 */
import { argon2id, LOGIN_QUEUE } from '../crypto/argon2.js';
import { concat, constantTimeEqual, type Uuid, wipe, ZERO_UUID } from '../crypto/bytes.js';
import { randomBytes } from '../crypto/random.js';
import { loginVerifier } from '../crypto/slot-key.js';
import { decodePasswordParams, encodePasswordParams, type PasswordParams } from '../crypto/slot-record.js';
import type { Pepper } from './password-slots.js';

/** formats.md §3: a login's cost; what protects a whole ledger costs more. */
const COST = { memoryKib: 19_456, iterations: 2, parallelism: 1 };
const PARAMS_BYTES = 48;
const VERIFIER_BYTES = 32;

const newParams = (pepper: Pepper | null): PasswordParams => ({
  ...COST,
  salt: randomBytes(16),
  pepperId: pepper?.id ?? ZERO_UUID,
});

const verifierOf = async (
  ledger: Buffer,
  login: Uuid,
  password: string,
  params: PasswordParams,
  pepper: Pepper | null,
): Promise<Buffer> => {
  const secret = pepper === null ? {} : { secret: pepper.key };
  const ikm = await argon2id(password, { ...params, ...secret }, LOGIN_QUEUE);
  const verifier = loginVerifier(ikm, ledger, login);
  wipe(ikm);
  return verifier;
};

/** The caller wipes it. Rejects with `Argon2Busy` when too many derivations wait. */
export const newLoginCredential = async (
  ledger: Buffer,
  login: Uuid,
  password: string,
  pepper: Pepper | null,
): Promise<Buffer> => {
  const params = newParams(pepper);
  const verifier = await verifierOf(ledger, login, password, params, pepper);
  const credential = concat(encodePasswordParams(params), verifier);
  wipe(verifier);
  return credential;
};

/**
 * Whether the password is the credential's. Without a credential the same derivation is made, so that the answer takes as
 * long. Also false when its pepper is not at hand. Rejects with `Argon2Busy`.
 */
export const passwordFits = async (
  ledger: Buffer,
  login: Uuid,
  credential: Buffer | null,
  password: string,
  peppers: readonly Pepper[],
): Promise<boolean> => {
  const whole = credential !== null && credential.length === PARAMS_BYTES + VERIFIER_BYTES ? credential : null;
  const stored = whole === null ? null : decodePasswordParams(whole.subarray(0, PARAMS_BYTES));
  const params = stored ?? newParams(peppers[0] ?? null);
  const pepper = peppers.find(({ id }) => id === params.pepperId) ?? null;
  const computed = await verifierOf(ledger, login, password, params, pepper);
  const fits = whole !== null && stored !== null && constantTimeEqual(computed, whole.subarray(PARAMS_BYTES));
  wipe(computed);
  return fits;
};
