/** The configuration of a jwt mount: whose tokens it takes, and where their public keys are. */
import * as t from 'io-ts';
import type { Settings } from '../../../authority/settings.js';
import { isAlgorithm } from '../../../jwt/algorithms.js';
import { type Source, urlComplaint } from '../../../jwt/key-set.js';
import { readPublicKey } from '../../../jwt/public-keys.js';
import { IntegrityError } from '../../../ledger/integrity.js';
import { readBundle } from '../../../x509/pem.js';

const strings = t.readonlyArray(t.string);

export const JwtConfig = t.type({
  jwks_url: t.string,
  jwks_ca_pem: t.string,
  oidc_discovery_url: t.string,
  oidc_discovery_ca_pem: t.string,
  jwt_validation_pubkeys: strings,
  bound_issuer: t.string,
  default_role: t.string,
  /** Empty: all that are known here. */
  jwt_supported_algs: strings,
});
export type JwtConfig = t.TypeOf<typeof JwtConfig>;

/** Null: nobody configured it. */
export const jwtConfig = (settings: Settings | null): JwtConfig | null => {
  if (settings === null) return null;
  if (!JwtConfig.is(settings)) throw new IntegrityError('configuration of a jwt mount');
  return settings;
};

/** Null: the keys are written down. */
export const sourceOf = (config: JwtConfig): Source | null =>
  config.jwks_url !== ''
    ? { kind: 'jwks', url: config.jwks_url, ca: config.jwks_ca_pem }
    : config.oidc_discovery_url !== ''
      ? { kind: 'discovery', url: config.oidc_discovery_url, ca: config.oidc_discovery_ca_pem }
      : null;

const KEYS_MAX = 64;
const TEXT_CHARACTERS_MAX = 2048;
const SETTINGS_CHARACTERS_MAX = 192 * 1024;

/** Null: tokens can be checked by it, as far as can be told without asking anybody. */
export const configComplaint = (config: JwtConfig): string | null => {
  const { jwks_url, oidc_discovery_url, jwt_validation_pubkeys: keys } = config;
  if ([jwks_url !== '', oidc_discovery_url !== '', keys.length > 0].filter(given => given).length !== 1)
    return "exactly one of 'jwks_url', 'jwt_validation_pubkeys' or 'oidc_discovery_url' must be set";
  if (JSON.stringify(config).length > SETTINGS_CHARACTERS_MAX) return 'a configuration has 192 KiB at most';
  for (const name of ['jwks_url', 'oidc_discovery_url', 'bound_issuer', 'default_role'] as const)
    if (config[name].length > TEXT_CHARACTERS_MAX) return `${name} has 2,048 characters at most`;
  for (const name of ['jwks_url', 'oidc_discovery_url'] as const) {
    const complaint = config[name] === '' ? null : urlComplaint(config[name]);
    if (complaint !== null) return `${name} ${complaint}`;
  }
  for (const name of ['jwks_ca_pem', 'oidc_discovery_ca_pem'] as const) {
    const bundle = config[name] === '' ? [] : readBundle(config[name]);
    if (typeof bundle === 'string') return `${name}: ${bundle}`;
  }
  if (keys.length > KEYS_MAX) return 'jwt_validation_pubkeys are 64 keys at most';
  for (const key of keys.map(readPublicKey)) if (typeof key === 'string') return `jwt_validation_pubkeys: ${key}`;
  const unknown = config.jwt_supported_algs.find(name => !isAlgorithm(name));
  return unknown === undefined ? null : `unsupported signing algorithm: ${JSON.stringify(unknown.slice(0, 32))}`;
};
