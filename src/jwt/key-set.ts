/**
 * Keys that an issuer publishes, kept for a while: a key that the issuer takes back is forgotten here within that time, and
 * one that it adds is found at its first use, without letting strangers make us ask more often than now and then.
 */

import * as t from 'io-ts';
import type { JSONWebKeySet } from 'jose';
import type { FetchJson } from '../outbound/fetch-json.js';

const KEPT_MS = 10 * 60 * 1000;
const ASK_AGAIN_MS = 10 * 1000;
const KEYS_MAX = 256;

export interface Source {
  readonly kind: 'jwks' | 'discovery';
  readonly url: string;
  /** PEM; '' = the well-known authorities. */
  readonly ca: string;
}

/** As far as it matters here; jose decodes each key when it is used. */
const KeySetJson = t.type({ keys: t.array(t.type({ kty: t.string })) });
const Discovery = t.type({ issuer: t.string, jwks_uri: t.string });

/** The issuer did not publish keys that could be had: what happened, without what it sent. */
export class NoKeys extends Error {
  override readonly name = 'NoKeys';
}

interface Published {
  readonly keys: JSONWebKeySet;
  readonly atMs: number;
}

export class KeySet {
  #known: Published | null = null;
  #asking: Promise<Published> | null = null;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly source: Source,
    readonly fetchJson: FetchJson,
    readonly nowMs: () => number,
  ) {}

  /** Throws `NoKeys`. */
  async keys(): Promise<JSONWebKeySet> {
    const known = this.#known;
    if (known !== null && this.nowMs() - known.atMs < KEPT_MS) return known.keys;
    if (this.#asking === null && this.#tooSoon()) throw new NoKeys('the keys of the issuer cannot be had');
    return (await this.#ask()).keys;
  }

  /** Others than `before`, if they may be asked for again by now; null: there are none. */
  async newer(before: JSONWebKeySet): Promise<JSONWebKeySet | null> {
    if (this.#known !== null && this.#known.keys !== before) return this.#known.keys;
    if (this.#asking === null && this.#tooSoon()) return null;
    return (await this.#ask()).keys;
  }

  #tooSoon(): boolean {
    return this.nowMs() - this.#askedAtMs < ASK_AGAIN_MS;
  }

  /** One question at a time, whoever waits for the answer. */
  #ask(): Promise<Published> {
    this.#asking ??= this.#fetch().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #fetch(): Promise<Published> {
    this.#askedAtMs = this.nowMs();
    const keys = await publishedAt(this.source, this.fetchJson);
    this.#known = { keys, atMs: this.#askedAtMs };
    return this.#known;
  }
}

const publishedAt = async ({ kind, url, ca }: Source, fetchJson: FetchJson): Promise<JSONWebKeySet> => {
  const at = kind === 'jwks' ? url : await keySetUrl(url, ca, fetchJson);
  const decoded = KeySetJson.decode(await fetched(fetchJson, at, ca));
  if (decoded._tag === 'Left' || decoded.right.keys.length > KEYS_MAX)
    throw new NoKeys(`the issuer's answer is not a key set of ${KEYS_MAX} keys at most`);
  return decoded.right;
};

/** OpenID Connect Discovery §4: what is found must speak for the very issuer that was asked. */
const keySetUrl = async (issuer: string, ca: string, fetchJson: FetchJson): Promise<string> => {
  const decoded = Discovery.decode(await fetched(fetchJson, discoveryUrl(issuer), ca));
  if (decoded._tag === 'Left' || decoded.right.issuer !== issuer)
    throw new NoKeys("the issuer's discovery document does not speak for this issuer");
  const found = decoded.right.jwks_uri;
  // The document may name any host, but not lead from the network to this machine's own services.
  if (urlComplaint(found) !== null || (found.startsWith('http:') && !issuer.startsWith('http:')))
    throw new NoKeys("the issuer's discovery document names a key set that may not be asked for");
  return found;
};

const discoveryUrl = (issuer: string): string => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;

const fetched = async (fetchJson: FetchJson, url: string, ca: string): Promise<unknown> => {
  try {
    return await fetchJson(url, ca);
  } catch {
    throw new NoKeys('the keys of the issuer cannot be had');
  }
};

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Whoever can change keys on their way can log in as anybody: plain HTTP stays on this machine. Null: fine. */
export const urlComplaint = (text: string): string | null => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return 'must be an https URL, such as https://issuer.example.org/keys';
  if (url.username !== '' || url.password !== '') return 'must not hold a name or password: it is kept in the ledger';
  if (url.hash !== '') return 'must not have a fragment';
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname))
    return 'must be https: plain HTTP is believed on loopback only';
  return null;
};
