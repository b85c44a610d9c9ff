/** The signature of a token by the keys that its mount believes; published ones are kept for as long as the configuration. */
import type { KeyObject } from 'node:crypto';
import { ALGORITHMS } from '../../../jwt/algorithms.js';
import { KeySet } from '../../../jwt/key-set.js';
import { readPublicKey } from '../../../jwt/public-keys.js';
import { type Verified, verifyByKeySet, verifyByKeys } from '../../../jwt/verify.js';
import type { FetchJson } from '../../../outbound/fetch-json.js';
import { type JwtConfig, sourceOf } from './config.js';

export class Issuers {
  readonly #sets = new WeakMap<JwtConfig, KeySet>();
  readonly #written = new WeakMap<JwtConfig, readonly KeyObject[]>();

  constructor(
    readonly fetchJson: FetchJson,
    readonly nowMs: () => number,
  ) {}

  /** Throws `NoKeys` where published keys cannot be had. */
  async verify(jwt: string, config: JwtConfig): Promise<Verified> {
    const algorithms = config.jwt_supported_algs.length === 0 ? ALGORITHMS : config.jwt_supported_algs;
    const set = this.setOf(config);
    if (set === null) return verifyByKeys(jwt, this.#writtenDown(config), algorithms);
    const keys = await set.keys();
    const found = await verifyByKeySet(jwt, keys, algorithms);
    // A key of a known name, or of none, may be another one by now.
    if (found !== 'no-key' && found !== 'signature') return found;
    const newer = await set.newer(keys);
    return newer === null ? found : verifyByKeySet(jwt, newer, algorithms);
  }

  /** Null: the keys are written down. */
  setOf(config: JwtConfig): KeySet | null {
    const source = sourceOf(config);
    if (source === null) return null;
    const known = this.#sets.get(config) ?? new KeySet(source, this.fetchJson, this.nowMs);
    this.#sets.set(config, known);
    return known;
  }

  #writtenDown(config: JwtConfig): readonly KeyObject[] {
    const known = this.#written.get(config);
    if (known !== undefined) return known;
    const keys = config.jwt_validation_pubkeys.map(readPublicKey).filter(key => typeof key !== 'string');
    this.#written.set(config, keys);
    return keys;
  }
}
